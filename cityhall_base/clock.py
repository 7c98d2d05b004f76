"""The one clock object. Processes get it handed in; tests own theirs."""

import time
from typing import Protocol


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
