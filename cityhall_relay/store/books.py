"""The books of the buses, and what city hall wants in them."""

from cityhall_base.store import Store
from cityhall_wire import strict_json
from cityhall_wire.books import BookEntry


class BookTables(Store):
    """The tables `book` and `wishes`; a line is kept as the very bytes that both sides digest."""

    def add_entry(self, bus: str, entry: BookEntry, at: int) -> bool:
        if self.entry(bus, entry.id) is not None:
            return False
        row = {"bus": bus, "id": entry.id, "n": entry.n, "day": entry.day, "corrects": entry.corrects or ""}
        self.db.table("book").insert(row | {"entry": _text(entry), "at": at})
        return True

    def entry(self, bus: str, entry: str) -> BookEntry | None:
        found = self._lines("select entry from book where bus = ? and id = ?", bus, entry)
        return found[0] if found else None

    def correction(self, bus: str, entry: str) -> BookEntry | None:
        found = self._lines("select entry from book where bus = ? and corrects = ?", bus, entry)
        return found[0] if found else None

    def entries(self, bus: str, after: int = 0) -> list[BookEntry]:
        return self._lines("select entry from book where bus = ? and n > ? order by n, id", bus, after)

    def book_mark(self, bus: str) -> tuple[int, int, str]:
        (count,) = self.db.execute("select count(*) from book where bus = ?", [bus]).fetchone()
        last = self.db.execute(
            "select n, id from book where bus = ? order by n desc, id desc limit 1", [bus]
        ).fetchone()
        return (count, *(last or (0, "")))

    def add_wish(self, bus: str, wish: BookEntry, at: int) -> None:
        row = {"bus": bus, "id": wish.id, "entry": _text(wish), "at": at}
        self.db.table("wishes").insert(row, ignore=True)

    def wishes(self, bus: str) -> list[BookEntry]:
        return self._lines("select entry from wishes where bus = ? order by rowid", bus)

    def end_wish(self, bus: str, wish: str) -> None:
        self.db.table("wishes").delete_where("bus = ? and id = ?", [bus, wish])

    def _lines(self, question: str, *values: object) -> list[BookEntry]:
        found = self.db.execute(question, list(values)).fetchall()
        return [strict_json.decode(text.encode(), BookEntry) for (text,) in found]


def _text(entry: BookEntry) -> str:
    return strict_json.encode(entry).decode()
