"""Duty modes, job classes, and which of them go together. One table, enforced by relay, spooler and opener."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


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


_ALL: Final = frozenset(JobClass)

PRINTS: Final = MappingProxyType(
    {
        DutyMode.ROUTE_BUS: frozenset[JobClass](),
        DutyMode.ON_THE_WAY: frozenset[JobClass](),
        DutyMode.CITY_HALL: _ALL,
        DutyMode.EVENT: _ALL,
        DutyMode.EARLY_VOTING: frozenset[JobClass](),
        DutyMode.COURSE: frozenset[JobClass](),
        DutyMode.DISASTER: frozenset({JobClass.FORM, JobClass.TEST}),
        DutyMode.MAINTENANCE: frozenset({JobClass.TEST}),
    }
)
"""Mode → classes that may print in it. A mode without a class has no key: nothing can be opened in it."""


def may_print(mode: DutyMode, job_class: JobClass) -> bool:
    """Whether a job of this class may be printed in this mode."""
    return job_class in PRINTS[mode]
