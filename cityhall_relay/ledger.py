"""The sheet ledger (改ざん防止用紙受払簿) and the fees as an auditor reads them, worked out from a bus's lines. No I/O."""

from collections.abc import Iterable
from typing import Final

import msgspec

from cityhall_wire.books import Book, BookEntry, Column, PaperBook
from cityhall_wire.sheets import SheetCount

_COLUMNS: Final = {
    Column.RECEIVED: "received",
    Column.ISSUED: "issued",
    Column.SPOILED: "spoiled",
    Column.LOST: "lost",
    Column.TEST: "test",
}
_MONEY: Final = frozenset(
    {Column.PAID, Column.WAIVED, Column.REFUNDED, Column.CASH_COUNTED, Column.CASH_DIFFERENCE},
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One day and paper. `printer_counter` is the printer's own, at the last count of the day; `differences` at its end."""

    day: str
    paper: str
    carried_over: int
    received: int
    issued: int
    spoiled: int
    lost: int
    test: int
    left: int
    printer_counter: int | None
    differences: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the book, with the check word of its document. `n` is 0 while the bus has not written it (pending)."""

    id: str
    n: int
    day: str
    at: int
    by: str
    column: str
    paper: str
    sheets: int
    numbers: tuple[str, ...]
    yen: int
    job: str
    check_word: str
    receipt: str  # of its fiscal year, as 2026-00012; empty where it has none
    why: str
    corrects: str


class Ledger:
    """A bus's lines, folded by day and paper as they come: what a month shows costs no more than the month."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, str], SheetCount] = {}
        self._counters: dict[tuple[str, str], int] = {}
        self._differences: dict[tuple[str, str], tuple[str, ...]] = {}
        self._papers: dict[str, PaperBook] = {}
        self._last: dict[str, str] = {}  # the day of a paper's last line

    def add(self, entry: BookEntry) -> None:
        """The next line."""
        if entry.paper is None:
            return
        key = (entry.paper, entry.day)
        book = self._papers.setdefault(entry.paper, PaperBook(entry.paper))
        before = self._last.get(entry.paper)
        if before not in (None, entry.day):
            self._differences[entry.paper, str(before)] = _said(book)
        self._last[entry.paper] = entry.day
        book.add(entry)
        self._days[key] = _plus(self._days.get(key, SheetCount()), entry)
        if entry.printer_counter is not None:
            self._counters[key] = entry.printer_counter

    def lines(self, month: str) -> list[Line]:
        """Those of a month (2026-11), one for each day on which something was written, by paper and day."""
        lines, left = [], dict.fromkeys(self._papers, 0)
        for (paper, day), moved in sorted(self._days.items()):
            count = msgspec.structs.replace(moved, carried_over=left[paper])
            left[paper] = count.left
            if day.startswith(month):
                about = {"printer_counter": self._counters.get((paper, day)), "differences": self._open(paper, day)}
                lines.append(Line(day=day, paper=paper, left=count.left, **msgspec.structs.asdict(count), **about))  # type: ignore[arg-type]
        return lines

    def _open(self, paper: str, day: str) -> tuple[str, ...]:
        if self._last[paper] == day:
            return _said(self._papers[paper])
        return self._differences.get((paper, day), ())


def ledger(entries: Iterable[BookEntry], month: str) -> list[Line]:
    """The lines of a month (2026-11) from all lines of a book."""
    folded = Ledger()
    for entry in entries:
        folded.add(entry)
    return folded.lines(month)


def money(entries: Iterable[BookEntry], month: str) -> list[BookEntry]:
    """What was paid, waived, refunded and counted in this month, and what became due in it."""
    return [
        entry
        for entry in entries
        if entry.day.startswith(month) and (entry.column in _MONEY or (entry.column is Column.ISSUED and entry.yen))
    ]


def totals(entries: Iterable[BookEntry]) -> dict[str, int]:
    """Yen by column; what is due stands under `due`."""
    sums = {"due": 0, Column.PAID.value: 0, Column.WAIVED.value: 0, Column.REFUNDED.value: 0}
    for entry in entries:
        name = "due" if entry.column is Column.ISSUED else entry.column.value
        if name in sums:
            sums[name] += entry.yen
    return sums


def shown(entry: BookEntry, check_word: str) -> Shown:
    """For a screen."""
    return Shown(
        id=entry.id,
        n=entry.n,
        day=entry.day,
        at=entry.at,
        by=entry.by,
        column=entry.column,
        paper=entry.paper or "",
        sheets=entry.sheets,
        numbers=entry.numbers,
        yen=entry.yen,
        job=entry.job or "",
        check_word=check_word,
        receipt=f"{entry.year}-{entry.receipt:05}" if entry.receipt else "",
        why=entry.why or "",
        corrects=entry.corrects or "",
    )


def open_fees(book: Book, live: Iterable[str]) -> list[tuple[str, int]]:
    """Job and yen: above 0 to be paid or waived, below to be refunded. A document that is still live owes nobody a refund."""
    going_on = {book.account(job).job for job in live}
    found = ((one.job, one.open) for one in book.accounts())
    return [(job, yen) for job, yen in found if yen > 0 or (yen < 0 and job not in going_on)]


def _plus(count: SheetCount, entry: BookEntry) -> SheetCount:
    name = _COLUMNS.get(entry.column)
    return msgspec.structs.replace(count, **{name: getattr(count, name) + entry.sheets}) if name else count


def _said(book: PaperBook) -> tuple[str, ...]:
    return tuple(map(str, book.differences()))
