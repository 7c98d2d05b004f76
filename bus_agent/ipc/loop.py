"""The event loop's side of a channel: the kernel's buffer is the queue. (The opener does without the event loop's 5 MiB.)"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any, TypeVar

from bus_agent.errors import ChannelError, PeerGoneError
from bus_agent.ipc.channel import End, Received

T = TypeVar("T")


class Channel(End[T]):
    """One end, read without blocking the loop."""

    def __init__(self, sock: socket.socket, into: Any) -> None:
        super().__init__(sock, into)
        sock.setblocking(False)

    async def receive(self) -> Received[T]:
        """The next message; raises PeerGoneError at the end, ChannelError for what is not in form."""
        while True:
            await self._readable()
            with contextlib.suppress(BlockingIOError):
                return self.take()

    def left(self) -> Iterator[T]:
        """What the other end said before it ended, without waiting; nothing after the end of the channel."""
        with contextlib.suppress(BlockingIOError, ChannelError):
            while self._sock.fileno() >= 0:
                received = self.take()
                if received.fd is not None:
                    os.close(received.fd)
                yield received.message

    async def _readable(self) -> None:
        loop, fd = asyncio.get_running_loop(), self._sock.fileno()
        if fd < 0:
            raise PeerGoneError
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(fd, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_reader(fd)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
