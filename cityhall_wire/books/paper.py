"""One numbered paper: its columns, the numbers that must lie in the drawer, and why book and drawer differ."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from cityhall_wire.books.entry import BookEntry, Column
from cityhall_wire.sheets import Numbers, SheetCount, Span


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
        self._day, self._morning = "", self.sums  # of the last line's day

    @property
    def sheets(self) -> SheetCount:
        """The columns since the book began."""
        return _columns(self.sums)

    def on(self, day: str) -> SheetCount:
        """The columns of a day that is the last line's or later; what was there before it is carried over."""
        morning = self._morning if day == self._day else self.sums
        moved = {column: self.sums[column] - morning[column] for column in Column}
        return msgspec.structs.replace(_columns(moved), carried_over=_columns(morning).left)

    @property
    def left(self) -> int:
        """Sheets that must lie in the drawer (残)."""
        return self.sheets.left

    def counted_on(self) -> str:
        """The JST date of the last count, where no sheet has moved since; else empty."""
        return self._count.day if self._count.current else ""

    @property
    def last_count(self) -> str:
        """The JST date of the last count, whatever has moved since; empty where there was none."""
        return self._count.day

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
        if entry.day != self._day:
            self._day, self._morning = entry.day, dict(self.sums)
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


def _columns(sums: Mapping[Column, int]) -> SheetCount:
    return SheetCount(
        received=sums[Column.RECEIVED],
        issued=sums[Column.ISSUED],
        spoiled=sums[Column.SPOILED],
        lost=sums[Column.LOST],
        test=sums[Column.TEST],
    )
