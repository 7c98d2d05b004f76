"""One clock for all processes of a house: the machine's own, moved on by whoever drives the day.

It lies in a file that every process maps. Both of its times are moved together, so that a jump is what a sleeping machine
would see; between jumps it runs as every clock does. Certificates, sockets and timers keep the machine's own time.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Final

from cityhall_base.clock import SystemClock

_FORM: Final = struct.Struct("<qqq")
"""Real CLOCK_BOOTTIME at the beginning in ms, the day's UTC in ms then, and how far it was moved on since in ms."""


def _real_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class DayClock:
    """A Clock (cityhall_base.clock) over the file at `path`."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FORM.size)

    @classmethod
    def begin(cls, path: Path, utc_ms: int) -> "DayClock":
        """A new one, which shows `utc_ms` now."""
        path.write_bytes(_FORM.pack(_real_ms(), utc_ms, 0))
        os.chmod(path, 0o666)  # noqa: S103 - every user of the house reads it, and nothing in it is secret
        return cls(path)

    def utc_ms(self) -> int:
        """The day's."""
        began, utc, moved = _FORM.unpack(self._map[:])
        return int(utc + moved + _real_ms() - began)

    def boottime(self) -> float:
        """The machine's, moved as far."""
        *_, moved = _FORM.unpack(self._map[:])
        return (_real_ms() + int(moved)) / 1000

    def move(self, seconds: float) -> None:
        """On, never back."""
        began, utc, moved = _FORM.unpack(self._map[:])
        self._map[:] = _FORM.pack(began, utc, moved + int(seconds * 1000))


def drive(path: Path) -> None:
    """From here on this process's SystemClock is that one."""
    clock = DayClock(path)
    SystemClock.utc_ms = lambda self: clock.utc_ms()  # type: ignore[method-assign]
    SystemClock.boottime = lambda self: clock.boottime()  # type: ignore[method-assign]
