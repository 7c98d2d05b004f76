"""Whether the vehicle drives, from a line of its ignition or of its brake: behind one small interface, and never believed at once.

    [movement]
    file = "/sys/class/gpio/gpio17/value"   # holds 0 or 1
    driving = "high"                        # or low
    settle_s = 5

A serial port's control line (CTS, DSR, DCD, RI) or a position is one more `Movement`. A source that fails says nothing: it never
changes the duty.
"""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from bus_agent.settings import Level, MovementSettings
from cityhall_base.files import UnfitFileError, read_small

_VALUE_BYTES: Final = 16

log = logging.getLogger(__name__)


class Motion(StrEnum):
    """What the vehicle does."""

    STANDING = "standing"
    DRIVING = "driving"


class MovementError(Exception):
    """The source cannot be read, or says what it cannot mean; the text is the technician's."""


class Movement(Protocol):
    """A source."""

    def read(self) -> Motion:
        """Now, without waiting; raises MovementError."""


class GpioFile:
    """A GPIO's `value` file (Linux, gpio-sysfs): 0 or 1. A FIFO or device in its place is not waited for."""

    def __init__(self, path: Path, driving: Level) -> None:
        self._path, self._driving = path, {Level.HIGH: b"1", Level.LOW: b"0"}[driving]

    def read(self) -> Motion:
        """What the line says."""
        try:
            value = read_small(self._path, _VALUE_BYTES).strip()
        except UnfitFileError as error:
            raise MovementError(str(error)) from None
        if value not in (b"0", b"1"):
            raise MovementError(f"{self._path} holds neither 0 nor 1")
        return Motion.DRIVING if value == self._driving else Motion.STANDING


class Journey:
    """One source, settled: `turn` says a motion once, when the line has said it for `settle_s`."""

    def __init__(self, source: Movement, settle_s: float) -> None:
        self._source, self._settle_s = source, settle_s
        self._settled: Motion | None = None
        self._seen: Motion | None = None
        self._since = 0.0
        self._complaint = ""

    def turn(self, now: float) -> Motion | None:
        """The motion that has just begun; None where nothing is new. `now` is seconds of CLOCK_BOOTTIME."""
        seen = self._read()
        if seen is not self._seen:
            self._seen, self._since = seen, now
        if seen is None or seen is self._settled or now - self._since < self._settle_s:
            return None
        self._settled = seen
        return seen

    def forget(self) -> None:
        """Nobody may know at this moment whether it drives; what is seen next is new."""
        self._settled = self._seen = None

    def _read(self) -> Motion | None:
        try:
            seen = self._source.read()
        except MovementError as error:
            if str(error) != self._complaint:  # loud once, then quiet
                log.warning("movement: %s", error)
            self._complaint = str(error)
            return None
        self._complaint = ""
        return seen


def journey(settings: MovementSettings | None) -> Journey | None:
    """What bus.toml says of it."""
    return Journey(GpioFile(settings.file, settings.driving), settings.settle_s) if settings else None
