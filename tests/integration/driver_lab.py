"""A real driver process as a user of its own, with filters that a test writes, and a look at what its rooms leave behind."""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from bus_agent.driver import room
from bus_agent.driver.client import Driver, convert
from bus_agent.driver.cupsd import CUPSD
from cityhall_wire.headers import SealHeader
from provisioning.demo.printer import VIRTUAL_PPD
from provisioning.demo.probe import listens
from provisioning.demo.process import Command, Part
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.files import Owner, folder, me, write
from tests.seals import seal_header

TOP: Final = Path(__file__).parents[2]
VIRTUAL: Final = VIRTUAL_PPD.name
GONE_S: Final = 10.0

WAITING: Final = """#!/bin/sh
trap 'exec cat "$TMPDIR/copy"' USR1
cat "$6" > "$TMPDIR/copy"
while :; do sleep 0.02; done
"""
"""Holds the document in a file of its own until somebody lets it go on."""

OTHER: Final = Owner(60810, 60810) if os.geteuid() == 0 else me()
"""The driver refuses to be root."""


class Inside(NamedTuple):
    """A room as it is seen from outside: its processes by what they run, and its tmpfs's name."""

    pids: dict[int, str]
    tmpfs: str

    def pid(self, name: str) -> int:
        """The first process whose command line has `name` in it."""
        return next(pid for pid, words in self.pids.items() if name in words)

    @property
    def gone(self) -> bool:
        """No process of it lives, and no process anywhere has its tmpfs mounted."""
        return not any(Path("/proc", str(pid)).exists() for pid in self.pids) and self.tmpfs not in mounted()


class DriverLab:
    """`top` must be a folder that another user can pass through."""

    def __init__(self, top: Path, programs: Path, deadline_s: int = 30) -> None:
        self.top, self.ppds, self.programs = top, folder(top / "ppd", me(), 0o755), programs
        self.socket = folder(top / "run", OTHER, 0o755) / "driver.sock"
        write(self.ppds / VIRTUAL, VIRTUAL_PPD.read_bytes(), me())
        lines = [f'socket = "{self.socket}"', "socket_mode = 0o666", f"spooler_uid = {os.getuid()}"]
        lines += [f'ppd_dir = "{self.ppds}"', f'programs = ["/usr", "{self.programs}"]', f"deadline_s = {deadline_s}"]
        self.toml = top / "driver.toml"
        self.toml.write_text("\n".join(lines))
        self.part = driver_part(top, self.toml, self.socket)

    def engage(self, ppd: str = VIRTUAL) -> "Engaged":
        """A room with its cupsd."""
        return Engaged(self, Driver(self.socket, OTHER.uid, ppd).engage())

    def convert(self, document: bytes, pages: int = 1, ppd: str = VIRTUAL) -> bytes:
        """All of it."""
        return self.engage(ppd).convert(document, pages)

    def filter(self, name: str, program: str) -> str:
        """A PPD whose only filter is this program, PDF in, whatever it writes out."""
        path = self.programs / name
        write(path, program.encode(), me(), 0o755)
        text = VIRTUAL_PPD.read_text()
        lines = [line for line in text.splitlines() if not line.startswith("*cupsFilter")]
        lines.insert(20, f'*cupsFilter: "application/pdf 0 {path}"')
        write(self.ppds / f"{name}.ppd", "\n".join(lines).encode() + b"\n", me())
        return f"{name}.ppd"


class Engaged:
    """A connection behind which a room waits."""

    def __init__(self, lab: DriverLab, sock: socket.socket) -> None:
        self.lab, self.sock = lab, sock

    def convert(self, document: bytes, pages: int = 1) -> bytes:
        """Raises DriverError."""
        return bytes(convert(self.sock, header_of(document, pages), bytearray(document)))

    def inside(self, *names: str) -> Inside:
        """The room once a process runs for each of `names`."""
        return inside(self.lab.part.pid, *names)


def inside(driver: int, *names: str) -> Inside:
    """The room below the driver's process, once a process runs for each of `names`."""
    found: dict[int, str] = {}

    def there() -> bool:
        found.clear()
        found.update({pid: words for pid in descendants(driver) if (words := command(pid))})
        return all(any(name in words for words in found.values()) for name in names) and bool(_tmpfs(found))

    wait_until(there, GONE_S, f"a room with {', '.join(names)}")
    return Inside(dict(found), _tmpfs(found))


def _tmpfs(pids: dict[int, str]) -> str:
    return next((name for pid in pids for name in _mounts(pid)), "")


def mounted() -> set[str]:
    """The rooms' tmpfs that any process of this machine has mounted."""
    return {name for path in Path("/proc").glob("[0-9]*") for name in _mounts(int(path.name))}


def _mounts(pid: int) -> set[str]:
    try:
        words = Path(f"/proc/{pid}/mountinfo").read_text().split()
    except OSError:
        return set()
    return {word for word in words if word.startswith(room.SOURCE)}


def descendants(pid: int) -> list[int]:
    """All processes below `pid`."""
    found, todo = [], [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += children
            todo += children
    return found


def command(pid: int) -> str:
    """Command line of a process, empty where it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def header_of(document: bytes, pages: int) -> SealHeader:
    """A seal header for `document`."""
    return seal_header(document, bytes(32), impressions=pages, sheets=pages, joint_seal=pages > 1)


def driver_part(top: Path, toml: Path, at: Path) -> Part:
    """`bus-agent driver`, not started."""
    argv = (sys.executable, "-m", "bus_agent.cli", "driver", "--config", str(toml))
    env = {"PATH": f"{os.defpath}:/usr/sbin", "LANG": "C.UTF-8", "PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"}
    return Part(Command("driver", argv, OTHER, env, top / "driver.log"), lambda: listens(at))


@contextmanager
def driver_lab(top: Path, deadline_s: int = 30) -> Iterator[DriverLab]:
    """A running driver; skips where this machine cannot lock one in."""
    if not Path(CUPSD).exists():
        pytest.skip("the package cups-core-drivers is missing")
    # Not below /tmp, which a room has for itself.
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-", dir="/var/tmp") as programs:
        Path(programs).chmod(0o755)
        lab = DriverLab(top, Path(programs), deadline_s)
        _start(lab)
        try:
            yield lab
        finally:
            lab.part.stop()


def _start(lab: DriverLab) -> None:
    try:
        lab.part.start()
    except PartError as error:
        if "cannot be locked in" in str(error):
            pytest.skip(f"this machine cannot lock a driver in: {error}")
        raise
