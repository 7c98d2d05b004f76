"""The sheet ledger (改ざん防止用紙受払簿) and the fees as an auditor reads them, worked out from a bus's lines. No I/O."""

from collections.abc import Iterable, Sequence
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


def ledger(entries: Sequence[BookEntry], month: str) -> list[Line]:
    """The lines of a month (2026-11), one for each day on which something was written, by paper and day."""
    days: dict[tuple[str, str], SheetCount] = {}
    counters: dict[tuple[str, str], int] = {}
    open_: dict[tuple[str, str], tuple[str, ...]] = {}
    books: dict[str, PaperBook] = {}
    for entry in entries:
        if entry.paper is None:
            continue
        key = (entry.paper, entry.day)
        book = books.setdefault(entry.paper, PaperBook(entry.paper))
        book.add(entry)
        days[key] = _plus(days.get(key, SheetCount()), entry)
        if entry.printer_counter is not None:
            counters[key] = entry.printer_counter
        if entry.day.startswith(month):
            open_[key] = tuple(map(str, book.differences()))
    lines, left = [], dict.fromkeys(books, 0)
    for (paper, day), moved in sorted(days.items()):
        count = msgspec.structs.replace(moved, carried_over=left[paper])
        left[paper] = count.left
        if day.startswith(month):
            about = {"printer_counter": counters.get((paper, day)), "differences": open_.get((paper, day), ())}
            lines.append(Line(day=day, paper=paper, left=count.left, **msgspec.structs.asdict(count), **about))  # type: ignore[arg-type]
    return lines


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
