"""The house: city hall and a bus made of their real parts on this machine, on free loopback ports, in one folder.

    with House(folder) as house:
        house.on_duty()
        house.part("agent").kill()
        house.part("agent").start()

Used by the demo, by tests, by measurements and by what kills parts at the worst moment. Parts, in the order of their start:
PARTS. Start it from a thread that stays: the kernel ends the parts when that thread ends.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cityhall_base.clock import SystemClock
from cityhall_base.printers import PDF
from provisioning import small_city
from provisioning.city_folder import Addresses
from provisioning.demo import paper, users
from provisioning.demo.blueprint import DRIVER, PARTS, Blueprint, Ports, environment
from provisioning.demo.bytecode import compile_ours
from provisioning.demo.panel import Panel
from provisioning.demo.printer import PCL, VIRTUAL_PPD, PrinterFolder
from provisioning.demo.probe import LOOPBACK, free_ports, post, snapshot
from provisioning.demo.process import READY_S, Part
from provisioning.demo.stage import Director
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.files import folder, me, own_empty_folder

_TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - looked at, not written to
_CUPS: Final = tuple(Path(name) for name in ("/var/spool/cups", "/var/cache/cups", "/var/log/cups", "/run/cups"))
"""Where a cupsd that is not private would keep a document. (A folder that is not there has no files.)"""
_SOCKET_PATH: Final = 107
"""Longest path of a Unix socket in bytes (unix(7))."""


class House:
    """City hall and one bus. `limits` are city.toml's; `hours` its timetable; `formats` and `lies` its printer's; `print_seconds`:
    how long a document takes to come out. With `driver` the printer takes PCL, and PARTS are one more: DRIVER. With `people` the
    city has checklists and concierges, who sign in; with `checks` a clerk checks who it is first
    and `second` and `deputy` ask for a second person (provisioning/small_city.py). `staff` are accounts of the console, id to
    roles, and `answers` the sections of those who do not answer for all; `codes` has the first-time code of each."""

    def __init__(
        self,
        where: Path,
        *,
        limits: Mapping[str, int] | None = None,
        formats: tuple[str, ...] = (PDF,),
        lies: tuple[str, ...] = (),
        driver: bool = False,
        print_seconds: float = 0.0,
        hours: small_city.Hours | None = None,
        apart: bool = True,
        people: bool = False,
        checks: bool = False,
        second: bool = False,
        deputy: str = "",
        staff: Mapping[str, tuple[str, ...]] | None = None,
        answers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.dir = where.resolve()
        self.log, self.desk = self.dir / "log", self.dir / "desk"
        self._limits, self._print_seconds, self._apart = limits or {}, print_seconds, apart
        self._hours = hours or small_city.Hours()
        self._formats, self._lies, self._driver = (PCL,) if driver else formats, lies, driver
        self._people, self._checks, self._second, self._deputy = people, checks, second, deputy
        self._staff, self._answers = staff or {}, answers or {}
        self._names = (*PARTS[:1], *((DRIVER,) if driver else ()), *PARTS[1:])
        self._parts: dict[str, Part] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Make the city where it is not made yet, start every part, wait until bus and city hall have met.

        Raises PartError, with the log's end of the part that did not start; then nothing runs.
        """
        if not self._parts:
            self._prepare()
        try:
            self.part("message-bus").start()
            for name in self._names[1:]:
                self.part(name).launch()
            for name in self._names[1:]:
                self.part(name).wait_ready()
            wait_until(self.met, READY_S, "the bus has met city hall, its spooler and its printer")
            self._fill_drawer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every part; nothing of it runs afterwards."""
        for part in reversed(self._parts.values()):
            part.terminate()
        for part in reversed(self._parts.values()):
            part.stop()

    def part(self, name: str) -> Part:
        """One of PARTS."""
        return self._parts[name]

    def on_duty(self, mode: str = "city_hall") -> None:
        """The concierge changes the duty mode, and city hall knows of it: from then on a clerk may open a session."""
        self.concierge.run("mode", mode)
        wait_until(lambda: bool(self.snapshot()["duty"]["noted"]), READY_S, f"city hall knows that the bus is {mode}")

    def papers(self) -> list[paper.Paper]:
        """What came out of the printer, oldest first."""
        return paper.read(self.printer.records)

    def met(self) -> bool:
        """Whether the bus hears city hall, and its agent the spooler, and that the printer."""
        seen = snapshot(self.city.bus.api_socket)
        return bool(
            seen and seen["link"]["state"] == "up" and seen["spooler"] and seen["printer"]["state"] != "unknown"
        )

    def snapshot(self) -> dict[str, Any]:
        """The bus's own view of itself; raises PartError where its agent does not answer."""
        seen = snapshot(self.city.bus.api_socket)
        if seen is None:
            raise PartError("the agent does not answer")
        return seen

    @property
    def console(self) -> str:
        """Where a browser finds the console."""
        return f"https://localhost:{self.ports.clerk}"

    @property
    def leave_out(self) -> tuple[Path, ...]:
        """Where a document may be readable: the printer's own folder and the clerk's computer."""
        return (self.printer.top, self.desk)

    def may_hold_plaintext(self) -> list[Path]:
        """Where bus and city hall keep files: the whole folder, and what their users left in the machine's temporary folders."""
        if not self.users.apart:
            return [self.dir]
        city = self.users.city
        return [
            self.dir,
            *_strays({city.relay.uid, city.broker.uid, city.agent.uid, city.spooler.uid, city.driver.uid}),
            *_CUPS,
        ]

    @property
    def isolation(self) -> str:
        """`users`, or `one user: ` and why."""
        return self.users.isolation

    def _prepare(self) -> None:
        own_empty_folder(self.dir, 0o711)
        compile_ours()
        self.users = users.choose(self.dir, environment()) if self._apart else users.one_user("asked for")
        self.ports = Ports(*free_ports(len(Ports._fields)))
        self.printer = PrinterFolder(self.dir / "printer")
        self.printer.prepare(self.users.printer, sys.executable, self._print_seconds)
        self.city = small_city.make(self.dir, self._plan(), self.users.city, SystemClock())
        self._check_length(self.city.bus.spooler_socket)
        folder(self.log, me(), 0o711)
        folder(self.desk, self.users.city.clerk)
        plan = Blueprint(self.dir, self.users, self.ports, self.printer, self.city)
        self._parts = {name: plan.part(name) for name in self._names}
        self.clerk, self.concierge = plan.clerk(), plan.concierge()
        self.director = Director(self.printer.stage, Panel(self.ports.printer))
        self.codes = plan.accounts(self._staff, self._answers)

    def _fill_drawer(self) -> None:
        # The concierge writes down the numbered paper that she was given: without it no certificate is printed. Where she has
        # to sign in first, whoever plays her does both.
        if not self._people and not any(paper["left"] for paper in self.snapshot()["books"]["papers"]):
            first, last = small_city.DRAWER
            post(self.city.bus.api_socket, "/v1/sheets/receive", paper=small_city.PAPER, first=first, last=last)

    def _plan(self) -> small_city.Plan:
        at = Addresses(LOOPBACK, self.ports.bus, self.ports.clerk, self.ports.broker)
        # Mosquitto started as root looks for another user; here it shall be the one that all parts are.
        runs_as = "root" if self.users.city.broker.uid == 0 else None
        uri = f"ipp://localhost:{self.ports.printer}/ipp/print"
        printer = small_city.PrinterPlan(uri, self._formats, self._lies, VIRTUAL_PPD if self._driver else None)
        return small_city.Plan(
            at,
            printer,
            self._limits,
            runs_as,
            self._hours,
            checklists=self._people,
            concierges=self._people,
            checks=self._checks,
            second=self._second,
            deputy=self._deputy,
        )

    def _check_length(self, path: Path) -> None:
        if len(os.fsencode(path)) > _SOCKET_PATH:
            raise PartError(f"{path} is too long for a socket; choose a folder with a shorter name")


def _strays(owners: set[int]) -> Iterator[Path]:
    for above in filter(Path.is_dir, _TEMPORARY):
        for path in above.iterdir():
            with suppress(FileNotFoundError):
                if path.lstat().st_uid in owners:
                    yield path
