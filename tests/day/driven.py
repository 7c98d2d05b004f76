"""A house whose processes run on one clock that the test moves, without the rest of a day."""

from pathlib import Path
from typing import Any

from provisioning.demo.parts import House
from tests.day.clock import _FORM, DayClock


class DrivenHouse(House):
    """Relay, agent, spooler and openers on one clock, which begins at `now` (UTC milliseconds)."""

    def __init__(self, where: Path, now: int, **differs: Any) -> None:
        super().__init__(where, **{"apart": False, **differs})
        self._now = now

    def _prepare(self) -> None:
        super()._prepare()
        self.clock = DayClock.begin(self.dir / "clock", self._now)
        for name in ("relay", "spooler", "agent"):
            part = self.part(name)
            python, _m, module, *rest = part.command.argv
            argv = (python, "-m", "tests.day.under", str(self.dir / "clock"), module, *rest)
            part.command = part.command._replace(argv=argv)

    def goes_to(self, utc_ms: int) -> None:
        """The wall clocks alone: the printer's up-time is its own, and would not fit to seconds since boot that were moved."""
        began, utc, moved = _FORM.unpack(self.clock._map[:])
        self.clock._map[:] = _FORM.pack(began, utc + utc_ms - self.clock.utc_ms(), moved)
