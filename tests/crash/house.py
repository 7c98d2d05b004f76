"""The house with points in its parts, and lines with scissors."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from provisioning.errors import PartError
from provisioning.files import me, write
from provisioning.small_city import Plan
from tests.crash.lines import Line
from tests.crash.points import Switchboard
from tests.crash.powered import PoweredHouse, with_tests

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

_WATCHED: Final = ("relay", "spooler", "agent")


class CrashHouse(PoweredHouse):
    """Every mishap there is can happen in it."""

    def __init__(self, where: Path, *, power: bool) -> None:
        super().__init__(where, limits=LIMITS, print_seconds=PRINT_S, power=power)
        self.lines: dict[str, Line] = {}

    def stop(self) -> None:
        """Everything, and what is mounted."""
        if hasattr(self, "points"):
            self.points.close()
        super().stop()
        for line in self.lines.values():
            line.close()

    def kill(self, names: Iterable[str]) -> None:
        """SIGKILL, at once."""
        for name in names:
            self.points.note_killed(name)
            super().kill([name])

    def mend(self) -> None:
        """Put the lines together, and start what does not run."""
        for line in self.lines.values():
            line.mend()
        super().mend()

    # --- how it is made ---

    def _prepare(self) -> None:
        super()._prepare()
        self.points = Switchboard(self.dir / "points")
        self._send_bus_through_line()
        for name in _WATCHED:
            self.run_under(name, "tests.crash.under", str(self.points.path), name)
        self._watch_paper()

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

    def _watch_paper(self) -> None:
        printer = self.part("printer")
        printer.command = printer.command._replace(env=with_tests(printer.command.env))
        script = self.printer.top / "print.sh"
        ours, under = (
            "-m provisioning.demo.paper ",
            shlex.join(("-m", "tests.crash.under", str(self.points.path), "printer")),
        )
        text = script.read_text()
        if ours not in text:
            raise PartError("the printer's paper is recorded in another way now: its points must follow")
        write(script, text.replace(ours, f"{under} provisioning.demo.paper ").encode(), me(), 0o700)
