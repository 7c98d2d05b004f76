"""A line of the books: what it says, and the one that takes it back."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from cityhall_wire.errors import SerialError
from cityhall_wire.headers import Count, JobId, Name, OpaqueId
from cityhall_wire.sheets import NUMBER_LENGTH, Span, span

MOST_SHEETS: Final = 10_000
"""Sheets in one line: four boxes of paper. What is more is a slip of the finger."""

MOST_YEN: Final = 10_000_000
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
