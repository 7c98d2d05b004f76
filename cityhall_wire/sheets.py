"""Sheet arithmetic: impressions to sheets, the numbers on controlled paper, and the sum that must agree every day.

A sheet's number is a prefix and a closing run of digits of a fixed width (`A-000412`). People name single numbers or a first
and a last one; what comes next, what is missing and what is there twice is worked out here (改ざん防止用紙受払簿).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple, Self

import msgspec

from cityhall_wire.errors import SerialError

NUMBER_LENGTH: Final = 32
"""Characters on a sheet."""

DIGITS: Final = 15
"""Most digits that count: what every JSON reader holds exactly (RFC 8259 section 6)."""

UNREADABLE: Final = "?"
"""What people say for a number that cannot be read."""

_NUMBER: Final = re.compile(rf"(?P<prefix>.*?)(?P<digits>[0-9]{{1,{DIGITS}}})")
_UNTIL: Final = ".."


class Sides(StrEnum):
    """IPP `sides` (RFC 8011 section 5.2.8)."""

    ONE_SIDED = "one-sided"
    TWO_SIDED_LONG_EDGE = "two-sided-long-edge"
    TWO_SIDED_SHORT_EDGE = "two-sided-short-edge"


def sheets_for(impressions: int, sides: Sides) -> int:
    """Sheets of paper that `impressions` printed sides need."""
    if impressions < 0:
        raise ValueError("impressions cannot be negative")
    return impressions if sides is Sides.ONE_SIDED else (impressions + 1) // 2


class SheetCount(msgspec.Struct, frozen=True, kw_only=True):
    """One day's columns of the sheet ledger, in sheets."""

    carried_over: int = 0  # 繰越
    received: int = 0  # 受入
    issued: int = 0  # 交付
    spoiled: int = 0  # 書損
    lost: int = 0  # 亡失
    test: int = 0  # 試し刷り

    @property
    def left(self) -> int:
        """Sheets that must be in the drawer (残)."""
        return self.carried_over + self.received - self.issued - self.spoiled - self.lost - self.test


class Span(NamedTuple):
    """Numbers of one prefix and width, from `first` to `last`; a single one is a span too."""

    prefix: str
    width: int
    first: int
    last: int

    @property
    def sheets(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def at(self, first: int, last: int) -> Self:
        """Other numbers of the same kind."""
        return self._replace(first=first, last=last)

    def __str__(self) -> str:
        """`A-000401`, or `A-000401..A-000450`."""
        ends = [f"{self.prefix}{number:0{self.width}}" for number in (self.first, self.last)]
        return _UNTIL.join(dict.fromkeys(ends))


def serial(text: str) -> Span:
    """The one number that stands on a sheet; full-width characters count as plain ones. Raises SerialError."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _NUMBER.fullmatch(plain)
    if found is None or len(plain) > NUMBER_LENGTH or _UNTIL in plain or "," in plain or not plain.isprintable():
        raise SerialError("a number ends in digits, and has 32 characters at most")
    number = int(found["digits"])
    return Span(found["prefix"], len(found["digits"]), number, number)


def between(first: str, last: str) -> Span:
    """All numbers from `first` to `last`. Raises SerialError where these are not two ends of one row, in this order."""
    a, b = serial(first), serial(last)
    if a[:2] != b[:2] or a.first > b.last:
        raise SerialError("first and last number differ in more than their digits, or stand the wrong way round")
    return a.at(a.first, b.last)


def span(text: str) -> Span:
    """What `str(Span)` wrote, or a single number. Raises SerialError."""
    first, _, last = text.partition(_UNTIL)
    return between(first, last or first)


def readable(texts: Iterable[str]) -> tuple[Span, ...]:
    """The numbers among what people reported, each once. One that cannot be read, or is none, is left out."""
    found = []
    for text in texts:
        try:
            found.append(serial(text))
        except SerialError:
            continue
    return tuple(dict.fromkeys(found))


class Numbers:
    """How often each number is there: a sum of spans, in whatever order they came. Its size is that of the spans, not of
    the numbers, so that a row of 10^9 costs what a row of one costs.
    """

    def __init__(self) -> None:
        # For each prefix and width, in the order in which they were first seen: where the count steps up or down, and by how much.
        self._steps: dict[tuple[str, int], dict[int, int]] = {}

    def add(self, part: Span, times: int = 1) -> None:
        """Each of these numbers is there so many times more (or, below 0, less)."""
        steps = self._steps.setdefault(part[:2], {})
        for place, step in ((part.first, times), (part.last + 1, -times)):
            steps[place] = steps.get(place, 0) + step
            if not steps[place]:
                del steps[place]

    def runs(self) -> Iterator[tuple[Span, int]]:
        """Every number that is there other than zero times, in order, with how often."""
        for (prefix, width), steps in self._steps.items():
            level, start = 0, 0
            for place in sorted(steps):
                if level:
                    yield Span(prefix, width, start, place - 1), level
                level, start = level + steps[place], place

    def parts(self, whole: Span) -> Iterator[tuple[Span, int]]:
        """All of `whole`, cut where the count changes; zero where a number is not there."""
        place = whole.first
        for run, level in self.runs():
            if run[:2] != whole[:2] or run.last < place or run.first > whole.last:
                continue
            if run.first > place:
                yield whole.at(place, run.first - 1), 0
            place = max(place, run.first)
            yield whole.at(place, min(run.last, whole.last)), level
            place = run.last + 1
        if place <= whole.last:
            yield whole.at(place, whole.last), 0

    @property
    def held(self) -> tuple[Span, ...]:
        """The numbers that are there."""
        joined: list[Span] = []
        for run, level in self.runs():
            if level < 1:
                continue
            if joined and joined[-1][:2] == run[:2] and joined[-1].last + 1 == run.first:
                joined[-1] = joined[-1].at(joined[-1].first, run.last)
            else:
                joined.append(run)
        return tuple(joined)

    @property
    def total(self) -> int:
        """Sum of all counts."""
        return sum(run.sheets * level for run, level in self.runs())

    def next(self, sheets: int, skip: int = 0) -> tuple[Span, ...]:
        """The next so many numbers that are there, after the first `skip`; fewer where there are no more."""
        found: list[Span] = []
        for run in self.held:
            begin = run.first + skip
            skip = max(0, skip - run.sheets)
            if begin > run.last or sheets < 1:
                continue
            part = run.at(begin, min(run.last, begin + sheets - 1))
            sheets -= part.sheets
            found.append(part)
        return tuple(found)
