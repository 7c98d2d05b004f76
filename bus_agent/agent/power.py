"""What the box runs on, as the kernel says (Linux, Documentation/ABI/testing/sysfs-class-power):

    [power]
    folder = "/sys/class/power_supply"

Each supply is a folder with `type` (Mains or Battery count), `online`, `capacity` (per cent) and `status`. One with `scope` Device
is a mouse's battery, one that is not `present` is an empty bay. A supply that fails says nothing: what is not heard is not known.
"""

import asyncio
import itertools
import logging
from pathlib import Path
from typing import Final, NamedTuple

from bus_agent.agent.pulse import Pulse
from bus_agent.settings import PowerSettings
from cityhall_base.clock import Clock
from cityhall_base.files import UnfitFileError, read_small

LOOK_S: Final = 5.0
STALE_S: Final = 15
"""Three looks: what was heard before that is not said any more."""

MOST_SUPPLIES: Final = 32
_VALUE_BYTES: Final = 64
_ON: Final = frozenset({"Charging", "Full", "Not charging"})

log = logging.getLogger(__name__)


class PowerError(Exception):
    """The folder cannot be read, or says what it cannot mean; the text is the technician's."""


class Reading(NamedTuple):
    """`mains`: power comes from outside. `percent` is None where no battery says it."""

    mains: bool
    percent: int | None = None


def read(folder: Path) -> Reading:
    """Now; raises PowerError."""
    mains: list[bool] = []
    charging: list[bool] = []
    percents: list[int] = []
    for supply in _supplies(folder):
        kind = _value(supply, "type")
        if kind == "Mains":
            mains.append(_flag(supply, "online"))
        elif kind == "Battery" and _counts(supply):
            status = _value(supply, "status")
            if status in _ON or status == "Discharging":
                charging.append(status in _ON)
            if (percent := _percent(supply)) is not None:
                percents.append(percent)
    if not mains and not charging:
        raise PowerError(f"{folder} names neither mains nor a battery that says what it does")
    return Reading(any(mains) if mains else all(charging), min(percents) if percents else None)


class Power:
    """`reading` is what was heard last; None where that is too old, or nothing was."""

    def __init__(self, settings: PowerSettings, clock: Clock, changed: Pulse) -> None:
        self._folder, self._clock, self._changed = settings.folder, clock, changed
        self._read: Reading | None = None
        self._read_at, self._complaint = 0.0, ""

    @property
    def reading(self) -> Reading | None:
        """As of the last STALE_S."""
        return self._read if self._clock.boottime() - self._read_at <= STALE_S else None

    def look(self) -> None:
        """Once, now."""
        before, complaint = self._read, ""
        try:
            self._read = read(self._folder)
        except PowerError as error:
            self._read, complaint = None, str(error)
            if complaint != self._complaint:  # loud once, then quiet
                log.warning("power: %s", error)
        self._complaint, self._read_at = complaint, self._clock.boottime()
        if self._read != before:
            self._changed.beat()

    async def run(self) -> None:
        """For ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)


def _supplies(folder: Path) -> list[Path]:
    try:
        found = sorted(itertools.islice(folder.iterdir(), MOST_SUPPLIES))
    except OSError as error:
        raise PowerError(f"{folder}: {error.strerror}") from None
    return [supply for supply in found if supply.is_dir()]


def _counts(supply: Path) -> bool:
    return _value(supply, "scope", "System") != "Device" and _value(supply, "present", "1") != "0"


def _flag(supply: Path, name: str) -> bool:
    value = _value(supply, name)
    if value not in ("0", "1"):
        raise PowerError(f"{supply / name} holds neither 0 nor 1")
    return value == "1"


def _percent(supply: Path) -> int | None:
    text = _value(supply, "capacity", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= 100):
        raise PowerError(f"{supply / 'capacity'} holds no per cent")
    return int(text)


def _value(supply: Path, name: str, missing: str | None = None) -> str:
    path = supply / name
    if missing is not None and not path.exists():
        return missing
    try:
        return read_small(path, _VALUE_BYTES).decode("ascii", "replace").strip()
    except UnfitFileError as error:
        raise PowerError(str(error)) from None
