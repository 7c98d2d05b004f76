"""`bus-agent tui` as a process of its own in a pty, and an agent that says more than the real one may."""

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Final, Self

from tests.screen_city import StandIn

SIZE: Final = (128, 27)
"""Columns and rows of the kiosk (1280×800)."""

KEYS: Final = {
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f9": "\x1b[20~",
    "f10": "\x1b[21~",
    "f11": "\x1b[23~",
}
"""What xterm and foot send."""

PATIENCE_S: Final = 20.0


class Terminal:
    """The pty and the process in it. `press` gives the seconds until `shows` arrived at the pty."""

    def __init__(self, socket: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        argv = (sys.executable, "-m", "bus_agent.cli", "tui", "--socket", str(socket))
        said = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=said, start_new_session=True)
        os.close(slave)
        self.seen, self.bytes = bytearray(), 0
        self._wanted: tuple[bytes, asyncio.Future[float]] | None = None

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    async def press(self, key: str, shows: str) -> float:
        """Raises TimeoutError."""
        found = self._want(shows)
        began = time.monotonic()
        os.write(self._master, KEYS[key].encode())
        return await asyncio.wait_for(found, PATIENCE_S) - began

    async def shows(self, text: str) -> None:
        """Until it is drawn from now on; raises TimeoutError."""
        await asyncio.wait_for(self._want(text), PATIENCE_S)

    def _want(self, text: str) -> asyncio.Future[float]:
        self.seen.clear()
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wanted = (text.encode(), found)
        return found

    def _read(self) -> None:
        piece = os.read(self._master, 1 << 16)
        at = time.monotonic()
        self.bytes += len(piece)
        if self._wanted is not None:
            self.seen += piece
            text, found = self._wanted
            if text in self.seen:
                self._wanted = None
                if not found.done():
                    found.set_result(at)


class Talker(StandIn):
    """Says snapshots as fast as they are taken, or that it is still there."""

    async def drained(self) -> None:
        """Until the screen's socket has taken nearly all of it."""
        for writer in list(self._streams):
            await writer.drain()

    def still_here(self) -> None:
        """As the agent says it where nothing changes."""
        for writer in self._streams:
            writer.write(b"e\r\n: still here\n\n\r\n")
