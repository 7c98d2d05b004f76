"""How spooler and opener use the driver: the spooler engages it before anything is begun, and hands the connection on."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bus_agent.driver.stream import Converted, Document, Engage, FromDriver, Ready, Stream
from bus_agent.errors import (
    ChannelError,
    DriverError,
    DriverGoneError,
    DriverSlowError,
    PeerSilentError,
    WrongPeerError,
)
from bus_agent.ipc import address
from bus_agent.ipc.channel import check_peer
from cityhall_wire.headers import SealHeader

ENGAGE_S: Final = 15
"""A room with its cupsd is ready in about 0.3 s; the one of the job before must have ended first."""

CONVERT_S: Final = 330
"""Longer than the driver's own deadline can be set, which says why it gave up; this ends the wait for one that hangs."""


class Driver(NamedTuple):
    """Where the driver listens, which user may be behind it, and which PPD the printer's profile names."""

    path: Path
    uid: int
    ppd: str

    def engage(self) -> socket.socket:
        """A connection behind which a private cupsd waits for one document; raises DriverError."""
        try:
            sock = address.connect(self.path, socket.SOCK_STREAM)
        except OSError as error:
            raise DriverGoneError(type(error).__name__) from None
        try:
            # What travels here is readable, so who listens matters as much as who calls.
            check_peer(sock, self.uid)
            with _said():
                stream = Stream(sock, ENGAGE_S)
                stream.send(Engage(ppd=self.ppd))
                stream.receive(FromDriver, Ready)
        except WrongPeerError as error:
            sock.close()
            raise DriverGoneError(str(error)) from None
        except BaseException:
            sock.close()
            raise
        return sock


def convert(sock: socket.socket, header: SealHeader, document: bytearray) -> bytearray:
    """The whole of `document` in the printer's language, at most OUTPUT_BYTES; `sock` is closed.

    Raises DriverError; then nothing of it is to be sent.
    """
    with sock, _said(), memoryview(document) as data:
        stream = Stream(sock, CONVERT_S)
        stream.send(Document(size=len(data), media=header.media, sides=header.sides, impressions=header.impressions))
        stream.send_bytes(data)
        return stream.receive_bytes(stream.receive(FromDriver, Converted).size)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except PeerSilentError:
        raise DriverSlowError from None
    except ChannelError as error:
        # Its sentence would speak of programs; what counts for the person is that nothing was printed.
        raise DriverError(type(error).__name__) from None
