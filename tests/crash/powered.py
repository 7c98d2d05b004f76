"""A house whose parts are killed, whose sides lose their power, and each side of which has a disk of its own for that."""

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from provisioning.demo.blueprint import PARTS
from provisioning.demo.parts import House
from provisioning.small_city import Hours
from tests.crash.power import Supply

SIDES: Final = {"bus": ("agent", "spooler"), "city": ("relay", "broker")}
_ROOT: Final = Path(__file__).parents[2]


class PoweredHouse(House):
    """One user runs everything: kills and power cuts know no users, and every start is shorter.

    Parts are started and killed by one thread that stays, because the kernel ends them with the thread that started them.
    """

    def __init__(
        self,
        where: Path,
        *,
        limits: Mapping[str, int],
        print_seconds: float,
        power: bool,
        hours: Hours | None = None,
        people: bool = False,
    ) -> None:
        super().__init__(where, limits=limits, print_seconds=print_seconds, apart=False, hours=hours, people=people)
        self._power = power
        self._hand = ThreadPoolExecutor(1)
        self._acts: list[Future[None]] = []
        self.supplies: dict[str, Supply] = {}

    def start(self) -> None:
        """As any house."""
        self._hand.submit(super().start).result()

    def stop(self) -> None:
        """Everything, and what is mounted."""
        self._hand.submit(super().stop).result()
        self._hand.shutdown()
        for supply in self.supplies.values():
            supply.remove()
        self.supplies.clear()

    def act(self, what: Callable[..., None], *arguments: object) -> "Future[None]":
        """Do it in the one thread, after what is under way there."""
        self._acts.append(act := self._hand.submit(what, *arguments))
        return act

    @property
    def busy(self) -> bool:
        """Whether something is being killed or started; raises PartError where one could not be started."""
        for act in [act for act in self._acts if act.done()]:
            self._acts.remove(act)
            act.result()
        return bool(self._acts)

    def kill(self, names: Iterable[str]) -> None:
        """SIGKILL, at once."""
        for name in names:
            if name == "opener":
                self.kill_openers()
            else:
                self.part(name).kill()

    def kill_openers(self) -> None:
        """Those that stand by too."""
        for pid in self.openers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def openers(self) -> list[int]:
        """Process ids of the spooler's children."""
        spooler = self.part("spooler")
        if not spooler.running:
            return []
        return [int(pid) for pid in Path(f"/proc/{spooler.pid}/task/{spooler.pid}/children").read_text().split()]

    def cut_power(self, side: str, printer_too: bool) -> None:
        """Of one side. The printer has no disk; its power cut is its kill."""
        parts = [self.part(name) for name in SIDES[side]]
        pids = [part.pid for part in parts if part.running]
        self.supplies[side].cut([*pids, *(self.openers() if side == "bus" else ())])
        self.kill([*SIDES[side], *(["printer"] if printer_too else [])])  # for the side's own: dead, and waited for
        self.supplies[side].restore()

    def mend(self) -> None:
        """Start what does not run, in the order of a start; raises PartError.

        Nobody is waited for: a part may be held at a point of its start, and its mishap needs this thread.
        """
        for name in self.down():
            self.part(name).launch()

    def down(self) -> list[str]:
        """Parts that do not run."""
        return [name for name in PARTS if not self.part(name).running]

    def run_under(self, name: str, *argv: str) -> None:
        """Have this part's module started by another program of the tests: `python -m ARGV MODULE its arguments`."""
        part = self.part(name)
        python, _m, module, *rest = part.command.argv
        command = part.command._replace(argv=(python, "-m", *argv, module, *rest))
        part.command = command._replace(env=with_tests(command.env))

    @staticmethod
    def has_met(shown: dict[str, Any]) -> bool:
        """`met`, from a snapshot that is at hand."""
        return bool(shown["link"]["state"] == "up" and shown["spooler"] and shown["printer"]["state"] != "unknown")

    def _prepare(self) -> None:
        super()._prepare()
        if self._power:
            states = {"bus": self.city.bus.state, "city": self.city.city.relay / "state"}
            self.supplies = {side: Supply(self.dir / f"disk-{side}", state) for side, state in states.items()}


def with_tests(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which the tests can be imported too."""
    return {**env, "PYTHONPATH": f"{env['PYTHONPATH']}{os.pathsep}{_ROOT}"}
