"""Duty modes, job classes, and what each mode permits. One table, enforced by relay, agent, spooler and opener."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class DutyMode(StrEnum):
    """What the vehicle is at this moment (業務モード)."""

    ROUTE_BUS = "route_bus"  # 路線バス
    ON_THE_WAY = "on_the_way"  # 移動中
    CITY_HALL = "city_hall"  # 市役所
    EVENT = "event"  # イベント
    EARLY_VOTING = "early_voting"  # 期日前投票
    COURSE = "course"  # 講座
    DISASTER = "disaster"  # 災害
    MAINTENANCE = "maintenance"  # 保守点検


class JobClass(StrEnum):
    """What a document is, and so where it may be printed."""

    CERTIFICATE = "certificate"  # on controlled paper
    FORM = "form"
    TEST = "test"


class Seat(StrEnum):
    """Whom a session connects the bus with (窓口対応 and its kin). Modes of one seat are left and entered inside a session."""

    NONE = "none"
    COUNTER = "counter"  # a section of city hall, for a resident
    HEADQUARTERS = "headquarters"  # of a disaster
    TECHNICAL = "technical"


class DutyCause(StrEnum):
    """What made the bus change its mode."""

    CONCIERGE = "concierge"
    TIMETABLE = "timetable"
    MOVEMENT = "movement"  # it drives, or stands again
    RELAY = "relay"
    PANIC = "panic"


class Rule(NamedTuple):
    """One line of the table."""

    prints: frozenset[JobClass]
    seat: Seat = Seat.NONE
    timed: bool = False  # needs the timetable's hours: outside them it is left, and cannot be entered
    bookings: bool = True  # whether its sessions may be for a slot of the day (予約枠)
    position: bool = True  # whether where the vehicle is, or whether it drives, may be looked at and written down


_NOTHING: Final = frozenset[JobClass]()
_ALL: Final = frozenset(JobClass)

RULES: Final = MappingProxyType(
    {
        DutyMode.ROUTE_BUS: Rule(_NOTHING, position=False),
        # Timed, though it prints nothing: a way that somebody forgot to end would be followed all evening.
        DutyMode.ON_THE_WAY: Rule(_NOTHING, timed=True),
        DutyMode.CITY_HALL: Rule(_ALL, Seat.COUNTER, timed=True),
        DutyMode.EVENT: Rule(_ALL, Seat.COUNTER, timed=True, bookings=False),
        DutyMode.EARLY_VOTING: Rule(_NOTHING),
        DutyMode.COURSE: Rule(_NOTHING),
        DutyMode.DISASTER: Rule(frozenset({JobClass.FORM, JobClass.TEST}), Seat.HEADQUARTERS),
        DutyMode.MAINTENANCE: Rule(frozenset({JobClass.TEST}), Seat.TECHNICAL, position=False),
    }
)
"""Mode → what it permits. A mode without a class has no key: nothing can be opened in it."""

PRINTS: Final = MappingProxyType({mode: rule.prints for mode, rule in RULES.items()})
"""Mode → classes that may print in it."""


def may_print(mode: DutyMode, job_class: JobClass) -> bool:
    """Whether a job of this class may be printed in this mode."""
    return job_class in RULES[mode].prints


def may_meet(mode: DutyMode) -> bool:
    """Whether a session may be in this mode."""
    return RULES[mode].seat is not Seat.NONE
