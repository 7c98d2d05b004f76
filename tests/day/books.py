"""The evening's question: whether both sides' books agree, sheet by sheet and yen by yen, with what really happened."""

from typing import Any, NamedTuple

from cityhall_wire.sheets import span
from tests.day.day import BUS, Day
from tests.day.tray import FIRST, SHEETS, number

Json = dict[str, Any]


class Books(NamedTuple):
    """`faults` is empty where all is as it must be; `verdict` says which of the two good ends it is."""

    verdict: str
    faults: list[str]


def judge(day: Day, *, strict: bool) -> Books:
    """`strict`: nothing went wrong that day, so nothing may be open."""
    raise NotImplementedError(strict, BUS, FIRST, SHEETS, number, span, day)
