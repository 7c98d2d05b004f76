"""Where the bus keeps its book: lines are added, and never changed. The fold of them is kept at hand."""

from bus_agent.agent.store import BusStore
from cityhall_wire import strict_json
from cityhall_wire.books import Book, BookEntry


class Shelf:
    """The table `book`. What is written is written inside the running event."""

    def __init__(self, store: BusStore) -> None:
        self._store, self._book = store, Book()

    def add(self, entry: BookEntry, word: str, session: str = "") -> None:
        """The next line; `word` is the check word of its job, which is forgotten before its fee is settled. So is its session."""
        row = {"id": entry.id, "n": entry.n, "job": entry.job or "", "word": word, "session": session}
        self._store.db.table("book").insert(row | {"entry": strict_json.encode(entry).decode()})
        about = {"n": entry.n, "column": entry.column, "paper": entry.paper, "sheets": entry.sheets}
        self._store.record("book", entry.job or "", id=entry.id, yen=entry.yen, corrects=entry.corrects, **about)

    def has(self, entry: str) -> bool:
        """Whether there is a line of this id."""
        return bool(self._store.db.execute("select 1 from book where id = ?", [entry]).fetchone())

    def after(self, n: int) -> list[BookEntry]:
        """The lines after this number, in order."""
        rows = self._store.db.execute("select entry from book where n > ? order by n", [n]).fetchall()
        return [strict_json.decode(text.encode(), BookEntry) for (text,) in rows]

    def word(self, job: str) -> str:
        """The check word of a job that the book knows; else empty."""
        row = self._store.db.execute("select word from book where job = ? and word <> ''", [job]).fetchone()
        return str(row[0]) if row else ""

    def session(self, job: str) -> str:
        """The last one in which a sheet or money of this job, or of its reissue, was written down; else empty."""
        about = "job = ? or json_extract(entry, '$.reissue_of') = ?"
        last = f"select session from book where session <> '' and ({about}) order by n desc limit 1"  # noqa: S608 - our own text
        row = self._store.db.execute(last, [job, job]).fetchone()
        return str(row[0]) if row else ""

    def now(self) -> Book:
        """All lines, folded."""
        last = self._store.db.execute("select n, id from book order by n desc limit 1").fetchone() or (0, "")
        if (self._book.last_n, self._book.last_id) != last:
            if not self._book.count or not self._kept():
                self._book = Book()  # an event was rolled back, and other lines came in its place
            for entry in self.after(self._book.last_n):
                self._book.add(entry)
        return self._book

    def _kept(self) -> bool:
        row = self._store.db.execute("select id from book where n = ?", [self._book.last_n]).fetchone()
        return row is not None and row[0] == self._book.last_id
