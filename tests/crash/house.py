"""The house with points in its parts, lines with scissors, and a disk of its own for each side where the machine allows it."""

import os
import shlex
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from provisioning.demo.blueprint import PARTS
from provisioning.demo.parts import House
from provisioning.errors import PartError
from provisioning.files import me, write
from provisioning.small_city import Plan
from tests.crash.lines import Line
from tests.crash.points import Switchboard
from tests.crash.power import Supply

PRINT_S: Final = 0.3

LIMITS: Final = {
    "sync_s": 1,
    "release_s": 5,
    "printer_silence_s": 5,
    "printer_poll_ms": 100,
    "cancel_confirm_s": 2,
    "lease_s": 120,
    "unapproved_s": 15,
}
"""Short, within their bounds: a cycle must not wait for a timetable."""

SIDES: Final = {"bus": ("agent", "spooler"), "city": ("relay", "broker")}
_WATCHED: Final = ("relay", "spooler", "agent")
_ROOT: Final = Path(__file__).parents[2]


class CrashHouse(House):
    """One user runs everything: kills and power cuts know no users, and every start is shorter.

    Parts are started and killed by one thread that stays, because the kernel ends them with the thread that started them.
    """

    def __init__(self, where: Path, *, power: bool) -> None:
        super().__init__(where, limits=LIMITS, print_seconds=PRINT_S, apart=False)
        self._power = power
        self._hand = ThreadPoolExecutor(1)
        self._acts: list[Future[None]] = []
        self.supplies: dict[str, Supply] = {}
        self.lines: dict[str, Line] = {}

    def start(self) -> None:
        """As any house."""
        self._hand.submit(super().start).result()

    def stop(self) -> None:
        """Everything, and what is mounted."""
        if hasattr(self, "points"):
            self.points.close()
        self._hand.submit(super().stop).result()
        self._hand.shutdown()
        for line in self.lines.values():
            line.close()
        for supply in self.supplies.values():
            supply.remove()
        self.supplies.clear()

    # --- mishaps ---

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
            self.points.note_killed(name)
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
        """Start what does not run, in the order of a start, and put the lines together; raises PartError.

        Nobody is waited for: a part may be held at a point of its start, and its mishap needs this thread.
        """
        for line in self.lines.values():
            line.mend()
        for name in self.down():
            self.part(name).launch()

    def down(self) -> list[str]:
        """Parts that do not run."""
        return [name for name in PARTS if not self.part(name).running]

    @staticmethod
    def has_met(shown: dict[str, Any]) -> bool:
        """`met`, from a snapshot that is at hand."""
        return bool(shown["link"]["state"] == "up" and shown["spooler"] and shown["printer"]["state"] != "unknown")

    # --- how it is made ---

    def _prepare(self) -> None:
        super()._prepare()
        self.points = Switchboard(self.dir / "points")
        self._send_bus_through_line()
        for name in _WATCHED:
            self._watch(name)
        self._watch_paper()
        if self._power:
            states = {"bus": self.city.bus.state, "city": self.city.city.relay / "state"}
            self.supplies = {side: Supply(self.dir / f"disk-{side}", state) for side, state in states.items()}

    def _plan(self) -> Plan:
        plan = super()._plan()
        self.lines["printer"] = Line(self.ports.printer)
        uri = f"ipp://localhost:{self.lines['printer'].port}/ipp/print"
        return plan._replace(printer=plan.printer._replace(uri=uri))

    def _send_bus_through_line(self) -> None:
        self.lines["city"] = Line(self.ports.bus)
        path = self.city.bus.bus_toml
        text = path.read_text()
        path.write_text(text.replace(f":{self.ports.bus}", f":{self.lines['city'].port}"))

    def _watch(self, name: str) -> None:
        part = self.part(name)
        python, _m, module, *rest = part.command.argv
        argv = (python, "-m", "tests.crash.under", str(self.points.path), name, module, *rest)
        part.command = part.command._replace(argv=argv, env=_with_tests(part.command.env))

    def _watch_paper(self) -> None:
        printer = self.part("printer")
        printer.command = printer.command._replace(env=_with_tests(printer.command.env))
        script = self.printer.top / "print.sh"
        ours, under = (
            "-m provisioning.demo.paper ",
            shlex.join(("-m", "tests.crash.under", str(self.points.path), "printer")),
        )
        text = script.read_text()
        if ours not in text:
            raise PartError("the printer's paper is recorded in another way now: its points must follow")
        write(script, text.replace(ours, f"{under} provisioning.demo.paper ").encode(), me(), 0o700)


def _with_tests(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "PYTHONPATH": f"{env['PYTHONPATH']}{os.pathsep}{_ROOT}"}
