"""Start an opener: a process of its own, exec'ed so that it inherits neither the print key nor anything else of the spooler."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final, TypeVar

import msgspec

import bus_agent
from bus_agent.errors import ChannelError, PeerSilentError
from bus_agent.ipc.channel import pair
from bus_agent.ipc.loop import Channel
from bus_agent.ipc.messages import Failed, FromOpener

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

M = TypeVar("M", bound=msgspec.Struct)


class OpenerFailedError(ChannelError):
    """The program that opens a document gave up."""

    key = "print.opener"

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.why, self.status = why, status


class Opener:
    """A running opener. It dies with `end`, with its own last word, or with the spooler."""

    def __init__(self) -> None:
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
        self._channel.close()
        return left
