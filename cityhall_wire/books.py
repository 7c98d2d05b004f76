"""The books of controlled paper and of fees: lines that are only ever added, and what follows from them. No I/O.

The bus is the one writer. A line is a `BookEntry` that its agent wrote in the transaction of the fact it follows from; city
hall's book is the replay of the same lines in the same order. So both sides fold them with this `Book`, and agree where their
digests do. A wrong line is taken back by a line (`corrects`, its values reversed), never changed.

Differences are open until lines make the sum right: a loss with its reason, a correction, a new count that agrees.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from cityhall_wire import strict_json
from cityhall_wire.errors import SerialError
from cityhall_wire.headers import Count, JobId, Name, OpaqueId
from cityhall_wire.sheets import NUMBER_LENGTH, Numbers, SheetCount, Span, span

MOST_SHEETS: Final = 10_000
"""Sheets in one line: four boxes of paper. What is more is a slip of the finger."""

MOST_YEN: Final = 10_000_000
DIGEST_BYTES: Final = 8

_JST: Final = timedelta(hours=9)
_APRIL: Final = 4

Moment = Annotated[int, Meta(ge=0, le=253_370_732_400_000)]
"""UTC milliseconds to the year 9998: every one of them has a date."""

EntryId = Annotated[str, Meta(pattern=r"\Ae[0-9a-f]{24}\Z")]
Row = Annotated[str, Meta(min_length=1, max_length=2 * NUMBER_LENGTH + 2, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""Numbers on sheets: one, or first and last as `A-000401..A-000450`."""


class Column(StrEnum):
    """What a line is about. Sheets first, then money."""

    RECEIVED = "received"  # 受入
    ISSUED = "issued"  # 交付; its yen are the fee that is due for it
    SPOILED = "spoiled"  # 書損
    LOST = "lost"  # 亡失
    TEST = "test"  # 試し刷り
    COUNTED = "counted"  # so many lay in the drawer, or exactly these numbers
    PAID = "paid"
    WAIVED = "waived"
    REFUNDED = "refunded"
    CASH_COUNTED = "cash_counted"
    CASH_DIFFERENCE = "cash_difference"  # more or less in the cash box than the books say, with its reason


USED: Final = frozenset({Column.ISSUED, Column.SPOILED, Column.TEST})
"""What became of a job's sheets. A job has one such line at most (`line_of`)."""

_OUT: Final = USED | {Column.LOST}
_RECEIPTED: Final = frozenset({Column.PAID, Column.WAIVED, Column.REFUNDED})


class BookEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `n` counts the bus's lines from 1; 0 in a wish of city hall, which the bus has not written yet.

    `numbers` are those of the sheets that could be named; `sheets` counts all of them and is below zero in a line that takes
    another one back.
    """

    id: EntryId
    n: Count = 0
    at: Moment
    by: OpaqueId
    column: Column
    paper: Name | None = None
    sheets: Annotated[int, Meta(ge=-MOST_SHEETS, le=MOST_SHEETS)] = 0
    numbers: Annotated[tuple[Row, ...], Meta(max_length=100)] = ()
    yen: Annotated[int, Meta(ge=-MOST_YEN, le=MOST_YEN)] = 0
    job: JobId | None = None
    reissue_of: JobId | None = None  # the spoiled job whose fee counts for this one too
    receipt: Annotated[int, Meta(ge=0, le=999_999)] = 0  # of the fiscal year of `day`
    why: Name | None = None
    corrects: EntryId | None = None
    printer_counter: Count | None = None  # the printer's own impressions over its life

    def __post_init__(self) -> None:
        """Raises ValueError where the line names more sheets than it counts."""
        if sum(part.sheets for part in self.spans) > abs(self.sheets):
            raise ValueError("more numbers than sheets")

    @property
    def spans(self) -> tuple[Span, ...]:
        """Its numbers; raises ValueError where one is none."""
        try:
            return tuple(map(span, self.numbers))
        except SerialError as error:
            raise ValueError(str(error)) from None

    @property
    def day(self) -> str:
        """JST date, as 2026-11-22."""
        return (datetime.fromtimestamp(self.at / 1000, UTC) + _JST).date().isoformat()

    @property
    def year(self) -> int:
        """Fiscal year."""
        return fiscal_year(self.at)


def fiscal_year(at: int) -> int:
    """Of a moment in UTC milliseconds: it begins in April, JST."""
    day = datetime.fromtimestamp(at / 1000, UTC) + _JST
    return day.year - (day.month < _APRIL)


def line_of(job: str) -> str:
    """The id of the one line that says what became of a job's sheets, whoever writes it: so it is never written twice."""
    return f"e{job[1:]}"


def reversed_values(entry: BookEntry) -> dict[str, Any]:
    """Of the line that takes `entry` back."""
    kept = ("column", "paper", "numbers", "job", "reissue_of", "receipt")
    own = {name: getattr(entry, name) for name in kept}
    return own | {"sheets": -entry.sheets, "yen": -entry.yen, "corrects": entry.id}


class Fault(StrEnum):
    """Kinds of differences."""

    MISSING = "missing"  # counted fewer than the book has
    EXTRA = "extra"  # counted more
    USED_TWICE = "used_twice"
    NOT_HELD = "not_held"  # used, and never received
    HELD_TWICE = "held_twice"  # received twice
    NEGATIVE = "negative"  # more used than there were


class Difference(NamedTuple):
    """Why book and drawer differ; `numbers` as far as they are known."""

    paper: str
    fault: Fault
    sheets: int
    numbers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Ids and numbers alone, for records and for programs: `controlled missing 1 A-000412`."""
        return " ".join([self.paper, self.fault, str(self.sheets), *self.numbers])


class _Count:
    """The last count, and in what it still differs from the book: named numbers, and sheets that nobody named."""

    def __init__(self) -> None:
        self.id, self.day, self.current = "", "", False
        self.missing, self.extra, self.odd = Numbers(), Numbers(), 0

    @property
    def off(self) -> int:
        """So many sheets more in the drawer than in the book."""
        return self.odd + self.extra.total - self.missing.total

    @property
    def named(self) -> bool:
        return bool(self.missing.held or self.extra.held)

    def explain(self, sheets: int) -> None:
        """The book alone changes by so many sheets, as far as that brings it nearer to the count."""
        if sheets < 0:
            self.odd += min(-sheets, max(-self.off, 0))
        else:
            self.odd -= min(sheets, max(self.off, 0))


class PaperBook:
    """The lines of one paper."""

    def __init__(self, paper: str) -> None:
        self.paper = paper
        self.sums = dict.fromkeys(Column, 0)
        self.numbers, self._ever = Numbers(), Numbers()
        self._unnamed = 0  # sheets that went without their number, and are still among `numbers`
        self._count = _Count()

    @property
    def sheets(self) -> SheetCount:
        """The columns since the book began."""
        sums = self.sums
        return SheetCount(
            received=sums[Column.RECEIVED],
            issued=sums[Column.ISSUED],
            spoiled=sums[Column.SPOILED],
            lost=sums[Column.LOST],
            test=sums[Column.TEST],
        )

    @property
    def left(self) -> int:
        """Sheets that must lie in the drawer (残)."""
        return self.sheets.left

    def counted_on(self) -> str:
        """The JST date of the last count, where no sheet has moved since; else empty."""
        return self._count.day if self._count.current else ""

    def next(self, sheets: int, skip: int = 0) -> tuple[Span, ...]:
        """The numbers that lie on top, after those that are out already (`skip`)."""
        return self.numbers.next(sheets, skip + max(self._unnamed, 0))

    def holds(self, part: Span) -> bool:
        """Whether each of these numbers must lie in the drawer."""
        return all(level == 1 for _, level in self.numbers.parts(part))

    def touches(self, part: Span) -> bool:
        """Whether one of these numbers must lie in the drawer, or was there."""
        return any(level for _, level in [*self.numbers.parts(part), *self._ever.parts(part)])

    def add(self, entry: BookEntry) -> None:
        """One more line of this paper."""
        if entry.column is Column.COUNTED:
            self._take_count(entry)
        else:
            self._move(entry)

    def differences(self) -> Iterator[Difference]:
        """What is open."""
        for run, level in self.numbers.runs():
            if level > 1:
                yield Difference(self.paper, Fault.HELD_TWICE, run.sheets, (str(run),))
            if level < 0:
                for part, ever in self._ever.parts(run):
                    fault = Fault.USED_TWICE if ever > 0 else Fault.NOT_HELD
                    yield Difference(self.paper, fault, part.sheets, (str(part),))
        if self.left < 0:
            yield Difference(self.paper, Fault.NEGATIVE, -self.left)
        yield from self._count_differs()

    def _count_differs(self) -> Iterator[Difference]:
        count = self._count
        missing, extra = (tuple(map(str, numbers.held)) for numbers in (count.missing, count.extra))
        if missing:
            sheets = min(count.missing.total, -count.off) if count.off < 0 else count.missing.total
            yield Difference(self.paper, Fault.MISSING, sheets, missing)
        if extra:
            yield Difference(self.paper, Fault.EXTRA, count.extra.total, extra)
        if not count.named and count.odd:
            yield Difference(self.paper, Fault.EXTRA if count.odd > 0 else Fault.MISSING, abs(count.odd))

    def _move(self, entry: BookEntry) -> None:
        self.sums[entry.column] += entry.sheets
        way = 1 if (entry.column is Column.RECEIVED) == (entry.sheets >= 0) else -1
        spans = entry.spans
        explains = entry.corrects is not None or entry.column in (Column.LOST, Column.RECEIVED)
        named = sum(part.sheets for part in spans)
        if explains and not self._count.named:
            self._count.explain(way * abs(entry.sheets))
        elif explains:
            self._count.explain(way * (abs(entry.sheets) - named))
        for part in spans:
            self.numbers.add(part, way)
            if entry.column is Column.RECEIVED:
                self._ever.add(part, way)
            self._found(part, way)
        self._unnamed -= way * (abs(entry.sheets) - named)
        self._count.current = False
        self._settle()

    def _found(self, part: Span, way: int) -> None:
        # A number that the count missed and that has now left the book, or the other way round, is no difference any more.
        odd = self._count.extra if way > 0 else self._count.missing
        for found, level in list(odd.parts(part)):
            if level > 0:
                odd.add(found, -1)

    def _take_count(self, entry: BookEntry) -> None:
        if entry.corrects is not None:
            if entry.corrects == self._count.id:
                self._count = _Count()
            return
        count = self._count = _Count()
        count.id, count.day, count.current = entry.id, entry.day, True
        if entry.numbers:
            there = Numbers()
            for part in entry.spans:
                there.add(part)
            for mine, other, odd in ((self.numbers, there, count.missing), (there, self.numbers, count.extra)):
                for run in mine.held:
                    for part, level in other.parts(run):
                        if level < 1:
                            odd.add(part)
        count.odd = entry.sheets - self.left - count.off
        self._settle()

    def _settle(self) -> None:
        """Where the sums agree and the names differ on one side only, these are the numbers that nobody had named."""
        count = self._count
        if count.off or bool(count.missing.held) == bool(count.extra.held):
            return
        for odd, way in ((count.missing, -1), (count.extra, 1)):
            for run in odd.held:
                self.numbers.add(run, way)
                self._unnamed += way * run.sheets
        count.missing, count.extra, count.odd = Numbers(), Numbers(), 0


class Account(msgspec.Struct):
    """The fee of one document, in yen; of a reissue together with the spoiled one that it takes the place of."""

    job: str
    due: int = 0
    paid: int = 0
    waived: int = 0
    refunded: int = 0

    @property
    def kept(self) -> int:
        """What city hall has of it."""
        return self.paid - self.refunded

    @property
    def open(self) -> int:
        """Above 0: still to be paid or waived. Below 0: to be refunded, once no sheet can follow any more."""
        return self.due - self.waived - self.kept if self.due else -self.kept


class CashBook:
    """The cash box, in yen."""

    def __init__(self) -> None:
        self.expected, self.off = 0, 0  # `off`: so much more in the box than expected at the last count
        self._day, self._current, self._id, self._moved = "", False, "", False

    @property
    def counted_on(self) -> str:
        """The JST date of the last count, where no money has moved since; else empty."""
        return self._day if self._current else ""

    def add(self, entry: BookEntry) -> None:
        """One more line about money."""
        match entry.column:
            case Column.CASH_COUNTED if entry.corrects is not None:
                if entry.corrects == self._id:
                    self._current, self.off = False, 0
            case Column.CASH_COUNTED:
                self._count(entry)
            case Column.PAID | Column.REFUNDED | Column.CASH_DIFFERENCE:
                self._move(entry)

    def _count(self, entry: BookEntry) -> None:
        if not self._moved:
            self.expected = entry.yen  # the change with which the box began
        self.off = entry.yen - self.expected
        self._id, self._day, self._current, self._moved = entry.id, entry.day, True, True

    def _move(self, entry: BookEntry) -> None:
        yen = -entry.yen if entry.column is Column.REFUNDED else entry.yen
        self.expected += yen
        if entry.corrects is not None or entry.column is Column.CASH_DIFFERENCE:
            # It says what the count has shown already, as far as it goes that way; the rest has moved since.
            self.off -= max(min(yen, self.off), 0) if self.off > 0 else min(max(yen, self.off), 0)
        self._current, self._moved = False, True


class Book:
    """All lines of one bus, folded. The same lines in the same order make the same book on both sides."""

    def __init__(self) -> None:
        self.papers: dict[str, PaperBook] = {}
        self.cash = CashBook()
        self.count, self.last_n, self.last_id = 0, 0, ""
        self._digest = 0
        self._accounts: dict[str, Account] = {}
        self._roots: dict[str, str] = {}
        self._receipts: dict[int, int] = {}

    def add(self, entry: BookEntry) -> None:
        """The next line."""
        self.count, self.last_n, self.last_id = self.count + 1, max(entry.n, self.last_n), entry.id
        self._digest ^= int.from_bytes(_digest(entry))
        if entry.paper is not None:
            self.paper(entry.paper).add(entry)
        self.cash.add(entry)
        if entry.job is not None:
            self._fee(entry.job, entry)
        if entry.column in _RECEIPTED:
            self._receipts[entry.year] = max(self._receipts.get(entry.year, 0), entry.receipt)

    @property
    def digest(self) -> bytes:
        """8 bytes that name this set of lines, in whatever order they came."""
        return self._digest.to_bytes(DIGEST_BYTES)

    def paper(self, name: str) -> PaperBook:
        """Of this paper."""
        return self.papers.setdefault(name, PaperBook(name))

    def differences(self) -> list[Difference]:
        """Of all papers."""
        return [one for paper in self.papers.values() for one in paper.differences()]

    def account(self, job: str) -> Account:
        """The fee of a document."""
        return self._accounts.get(self._root(job), Account(job))

    def accounts(self) -> Iterable[Account]:
        """All that were ever touched."""
        return self._accounts.values()

    def next_receipt(self, year: int) -> int:
        """The number that follows the last one of this fiscal year."""
        return self._receipts.get(year, 0) + 1

    def _root(self, job: str) -> str:
        while job in self._roots:
            job = self._roots[job]
        return job

    def _fee(self, job: str, entry: BookEntry) -> None:
        if entry.reissue_of is not None and job not in self._roots and self._root(entry.reissue_of) != job:
            self._join(job, self._root(entry.reissue_of))
        account = self._accounts.setdefault(self._root(job), Account(self._root(job)))
        match entry.column:
            case Column.ISSUED:
                account.due += entry.yen
            case Column.PAID:
                account.paid += entry.yen
            case Column.WAIVED:
                account.waived += entry.yen
            case Column.REFUNDED:
                account.refunded += entry.yen

    def _join(self, job: str, root: str) -> None:
        mine, whole = self._accounts.pop(job, Account(job)), self._accounts.setdefault(root, Account(root))
        self._roots[job] = root
        for name in ("due", "paid", "waived", "refunded"):
            setattr(whole, name, getattr(whole, name) + getattr(mine, name))


def _digest(entry: BookEntry) -> bytes:
    return hashlib.sha256(b"cityhall/1 book\0" + strict_json.encode(entry)).digest()[:DIGEST_BYTES]
