"""`bus-agent tui` as a process on a terminal of its own, and what stands on that terminal. It is only ever ended by SIGKILL."""

import asyncio
import codecs
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from provisioning.demo.parts import House
from provisioning.demo.process import Command, as_user
from tests.journeys.concierge import KIOSK

_READ: Final = 64 * 1024
_TOKEN: Final = re.compile(
    r"\x1b\[(?P<codes>[<=>?]?[0-9;:]*)[ -/]*(?P<final>[@-~])"  # CSI (ECMA-48, 5.4)
    r"|\x1b[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b(?![\[\]P_^X])[ -/]*[0-~]"
    r"|(?P<sign>[^\x1b])",
    re.DOTALL,
)
_PLACE: Final = "Hf"


class Page:
    """The cells of a terminal, as far as Textual uses it: place, signs, line feeds."""

    def __init__(self) -> None:
        self._columns, self._rows = KIOSK
        self._cells = [[" "] * self._columns for _ in range(self._rows)]
        self._x = self._y = 0
        self._rest = ""

    @property
    def text(self) -> str:
        """Row by row."""
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def feed(self, said: str) -> None:
        """What the process wrote; half a sequence waits for its other half."""
        text, at = self._rest + said, 0
        while at < len(text) and (found := _TOKEN.match(text, at)):
            at = found.end()
            self._take(found)
        self._rest = text[at:]

    def _take(self, found: re.Match[str]) -> None:
        if (sign := found["sign"]) is not None:
            self._sign(sign)
        elif found["final"] and found["final"] in _PLACE:
            row, _, column = found["codes"].partition(";")
            self._x, self._y = int(column or 1) - 1, int(row or 1) - 1

    def _sign(self, sign: str) -> None:
        if sign == "\n":
            self._y, self._x = self._y + 1, 0  # the terminal's driver adds the carriage return
        elif sign >= " " and self._y < self._rows:
            wide = cell_len(sign)
            self._cells[self._y][self._x : self._x + wide] = [sign, *[""] * (wide - 1)]
            self._x += wide


class Terminal:
    """Started and killed as often as one likes."""

    def __init__(self, house: House) -> None:
        person = house.concierge
        argv = [sys.executable, "-m", "bus_agent.cli", "tui", "--socket", str(house.city.bus.api_socket)]
        env = {**person.env, "TERM": "xterm-256color"}
        self._command = Command("tui", argv, person.owner, env, Path(os.devnull))
        self._process: subprocess.Popen[bytes] | None = None
        self._page, self._master = Page(), -1
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def text(self) -> str:
        """What stands there."""
        return self._page.text

    def start(self) -> None:
        """On an empty terminal."""
        self._page = Page()
        self._decoder.reset()
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", KIOSK[1], KIOSK[0], 0, 0))
        os.set_blocking(self._master, False)
        try:
            self._process = subprocess.Popen(
                self._command.argv, stdin=slave, stdout=slave, stderr=slave, **as_user(self._command)
            )
        finally:
            os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._hear)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    def _hear(self) -> None:
        with suppress(OSError):  # EIO: nobody holds the other end any more
            self._page.feed(self._decoder.decode(os.read(self._master, _READ)))
