"""Start an opener: a process of its own, exec'ed so that it inherits neither the print key nor anything else of the spooler."""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

import bus_agent
from bus_agent.errors import ChannelError, PeerGoneError, PeerSilentError
from bus_agent.ipc.channel import pair
from bus_agent.ipc.loop import Channel
from bus_agent.ipc.messages import Failed, FromOpener, Prepare, Prepared

_START_S: Final = 10
"""An opener is ready in 0.2 s; a box that is just booting is slower."""

_TOP: Final = str(Path(str(bus_agent.__file__)).parent.parent)

_START: Final = """
import sys
sys.path.append(sys.argv.pop())
from bus_agent import lean
lean.leave_out()
from bus_agent.spooler.opener import main
main(*map(int, sys.argv[1:]))
"""
"""What `-m bus_agent.spooler.opener` would do: isolated mode (-I) leaves out the folder that a checkout is run from."""

log = logging.getLogger(__name__)

M = TypeVar("M", bound=msgspec.Struct)


class OpenerFailedError(ChannelError):
    """The program that opens a document gave up."""

    key = "print.opener"

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.why, self.status = why, status


class Opener:
    """A running opener for the printer at `address`. It dies with `end`, with its own last word, or with the spooler."""

    def __init__(self, address: str) -> None:
        ours, theirs = pair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _START, str(theirs.fileno()), str(os.getpid()), _TOP],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={"LANG": "C.UTF-8"},
            )
        self._channel: Channel[FromOpener] = Channel(ours, FromOpener)
        self.pid = self._process.pid
        with contextlib.suppress(PeerGoneError):  # killed as soon as it lived: whoever waits for it hears of it
            self.send(Prepare(printer=address))
        self._preparing = asyncio.create_task(self._prepare())

    @property
    def standing_by(self) -> bool:
        """Whether it waits for its order."""
        ready = self._preparing.done() and not self._preparing.cancelled() and self._preparing.exception() is None
        return ready and self._process.poll() is None

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def when_prepared(self, then: Callable[[], None]) -> None:
        """`then` runs once it waits for its order, or when that failed."""
        self._preparing.add_done_callback(lambda _: then())

    async def prepared(self) -> None:
        """Until it waits for its order; raises as `expect`."""
        await asyncio.shield(self._preparing)

    async def _prepare(self) -> None:
        await self.expect(Prepared, _START_S)

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """Raises PeerGoneError."""
        self._channel.send(message, fd)

    async def expect(self, kind: type[M], timeout_s: float) -> M:
        """Its next message, which must be of this kind.

        Raises OpenerFailedError where it gave up, PeerGoneError, PeerSilentError or ChannelError.
        """
        try:
            async with asyncio.timeout(timeout_s):
                message = (await self._channel.receive()).message
        except TimeoutError:
            raise PeerSilentError from None
        if isinstance(message, Failed):
            raise OpenerFailedError(message.why, message.status)
        if not isinstance(message, kind):
            raise ChannelError("out of step")
        return message

    def end(self) -> list[FromOpener]:
        """Kill it where it still lives, with all that it holds. What it said before and nobody read is returned."""
        self._process.kill()
        self._process.wait()
        left = list(self._channel.left())
        # Its end has woken whoever still listens; a descriptor closed under him would be another's by then.
        self._preparing.add_done_callback(self._close)
        return left

    def _close(self, prepared: "asyncio.Task[None]") -> None:
        if not prepared.cancelled() and (error := prepared.exception()) is not None:
            log.info("an opener ended before it was ready: %s", error)
        self._channel.close()
