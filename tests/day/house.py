"""The house of a whole day: its processes run on the day's clock, its city has checklists, concierges with PINs, and hours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from provisioning.small_city import Hours
from tests.crash.powered import PoweredHouse
from tests.day.clock import DayClock

MORNING: Final = 1_795_476_300_000
"""2026-11-24, a Tuesday, 08:25 JST, as UTC milliseconds."""

LIMITS: Final[Mapping[str, int]] = {
    "sync_s": 1,  # by the real timers: the hours pass in jumps, and each must be noticed
    "printer_poll_ms": 100,
    "cancel_confirm_s": 3,
}

HOURS: Final = Hours("08:30", "15:30", (1, 2, 3, 4, 5), (), enters=True)

PRINT_S: Final = 0.2
_DRIVEN: Final = ("relay", "spooler", "agent")


class DayHouse(PoweredHouse):
    """`clock` is everybody's."""

    def __init__(self, where: Path, *, power: bool) -> None:
        super().__init__(where, limits=LIMITS, print_seconds=PRINT_S, power=power, hours=HOURS, people=True)

    def _prepare(self) -> None:
        super()._prepare()
        path = self.dir / "clock"
        self.clock = DayClock.begin(path, MORNING)
        for name in _DRIVEN:
            self.run_under(name, "tests.day.under", str(path))
