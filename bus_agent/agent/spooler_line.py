"""The agent's connection to the spooler: kept up, the peer known by its user id, every message handed on."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from bus_agent.errors import ChannelError, PeerGoneError, SpoolerGoneError
from bus_agent.ipc import address
from bus_agent.ipc.channel import check_peer
from bus_agent.ipc.loop import Channel
from bus_agent.ipc.messages import FromSpooler
from cityhall_base.retry import Retry
from cityhall_base.store import TROUBLE

_FIRST_S = 0.2
_MOST_S = 5.0
"""The spooler is on this box: looking for it costs nothing."""

log = logging.getLogger(__name__)


class SpoolerLine:
    """`on_message` runs for each message; `on_connect` and `on_gone` at the ends of a connection."""

    def __init__(self, path: Path, uid: int) -> None:
        self._path, self._uid = path, uid
        self._channel: Channel[FromSpooler] | None = None
        self.on_message: Callable[[FromSpooler], None] = lambda message: None
        self.on_connect: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """Raises SpoolerGoneError."""
        if self._channel is None:
            raise SpoolerGoneError
        try:
            self._channel.send(message, fd)
        except PeerGoneError:
            raise SpoolerGoneError from None

    async def run(self) -> None:
        """Connect, listen, connect again."""
        retry, said = Retry(_FIRST_S, _MOST_S), ""
        while True:
            try:
                await self._converse(retry)
            except (ChannelError, SpoolerGoneError, *TROUBLE) as error:
                # It may be gone again before it has been asked anything; and what could not be written down was not agreed to
                # either. The next connection asks again (`Recover`).
                if str(error) != said:
                    log.warning("spooler: %s", error)
                said = str(error)
            await asyncio.sleep(retry.failed())

    async def _converse(self, retry: Retry) -> None:
        with address.connect(self._path, socket.SOCK_SEQPACKET) as sock:
            check_peer(sock, self._uid)
            self._channel = Channel(sock, FromSpooler)
            log.info("spooler connected")
            try:
                self.on_connect()
                while True:
                    self.on_message(await self._receive())
                    retry.succeeded()
            finally:
                self._channel = None
                self.on_gone()

    async def _receive(self) -> FromSpooler:
        channel = self._channel
        if channel is None:
            raise PeerGoneError
        return (await channel.receive()).message
