"""The books of the buses, and what city hall wants in them."""

import msgspec

from cityhall_base.errors import StoreDamagedError
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

    def corrected(self, bus: str) -> frozenset[str]:
        found = self.db.execute("select corrects from book where bus = ? and corrects <> ''", [bus]).fetchall()
        return frozenset(one for (one,) in found)

    def entries_of(self, bus: str, month: str) -> list[BookEntry]:
        question = "select entry from book where bus = ? and day >= ? and day < ? order by n, id"
        return self._lines(question, bus, month, month + "~")

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
        try:
            # Our own text, which was read strictly when it came: twenty times faster than to read it so again.
            return [msgspec.json.decode(text, type=BookEntry) for (text,) in found]
        except msgspec.MsgspecError as error:
            raise StoreDamagedError(f"a line of the book: {error}") from None


def _text(entry: BookEntry) -> str:
    return strict_json.encode(entry).decode()
