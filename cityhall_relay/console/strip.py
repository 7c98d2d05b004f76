"""Today's slots (予約枠) of one bus as a strip of time: where each lies, in thousandths of the strip's width. No I/O."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from cityhall_wire.messages.visit import Slot

WIDTH: Final = 1000
_HOUR: Final = 60


class Kind(StrEnum):
    """Of a slot."""

    DONE = "done"
    NOW = "now"  # its visit goes on at this moment
    AHEAD = "ahead"


class Bar(NamedTuple):
    """One slot."""

    x: int
    width: int
    slot: int
    start: str  # 10:30
    section: str
    kind: Kind


class Tick(NamedTuple):
    """A full hour."""

    x: int
    hour: str


class Strip(NamedTuple):
    """`now` is None outside the strip's hours."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    now: int | None


def strip(slots: Sequence[Slot], hours: tuple[int, int], now: int, done: Collection[int], at: int) -> Strip:
    """`hours` and `now` are minutes of the day; `at` is the number of the slot that is at the counter, 0 for none."""
    first = min([hours[0], *(slot.start for slot in slots)])
    last = max([hours[1], first + _HOUR, *(slot.end for slot in slots)])

    def x(minute: int) -> int:
        return (minute - first) * WIDTH // (last - first)

    def kind(slot: int) -> Kind:
        return Kind.NOW if slot == at else Kind.DONE if slot in done else Kind.AHEAD

    bars = (
        Bar(x(one.start), x(one.end) - x(one.start), one.slot, clock(one.start), one.section, kind(one.slot))
        for one in slots
    )
    ticks = (Tick(x(minute), clock(minute)) for minute in range(-(-first // _HOUR) * _HOUR, last, _hours(first, last)))
    return Strip(tuple(bars), tuple(ticks), x(now) if first <= now <= last else None)


def clock(minute: int) -> str:
    """10:30 for 630."""
    return f"{minute // _HOUR}:{minute % _HOUR:02}"


def _hours(first: int, last: int) -> int:
    """Between two ticks: at most a dozen fit beside each other."""
    return _HOUR * max(1, -(-(last - first) // (12 * _HOUR)))
