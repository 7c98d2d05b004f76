"""The one clock object. Processes get it handed in; tests own theirs."""

import time
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol

JST: Final = timezone(timedelta(hours=9), "JST")
"""What the city's clocks show; it has no summer time."""


def jst(utc_ms: int) -> datetime:
    """The city's own time."""
    return datetime.fromtimestamp(utc_ms / 1000, JST)


def business_day(utc_ms: int) -> str:
    """The city's date, as 2026-11-22: books, checklists and incidents belong to one."""
    return jst(utc_ms).date().isoformat()


class Clock(Protocol):
    """Two times: one to write down, one to measure with."""

    def utc_ms(self) -> int:
        """Milliseconds since 1970 by the wall clock: for records and screens, never for deadlines."""

    def boottime(self) -> float:
        """Seconds of CLOCK_BOOTTIME: goes on through suspend, never jumps."""


class SystemClock:
    """The machine's own."""

    def utc_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def boottime(self) -> float:
        """Seconds since boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
