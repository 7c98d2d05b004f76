"""What is said over one connection to the driver: spooler `Engage`, driver `Ready`; opener `Document` and its bytes, driver
`Converted` and its bytes, or at any point `Failed`. Four octets of length, one message; lengths of documents are known first.
"""

import socket
import struct
import time
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from bus_agent import errors
from bus_agent.errors import ChannelError, DriverError, PeerGoneError, PeerSilentError
from cityhall_base.printers import PpdName
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.headers import Name
from cityhall_wire.limits import DOCUMENT_BYTES
from cityhall_wire.sheets import Sides

OUTPUT_BYTES: Final = 4 * DOCUMENT_BYTES
"""Largest converted document: the opener holds it in memory whole. 50 pages of uncompressed 300 dpi black and white are 55 MB."""

_BY_KEY: Final = {
    kind.key: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DriverError)
}
_MESSAGE_BYTES: Final = 4096
_LENGTH: Final = struct.Struct(">I")
_CHUNK: Final = 256 * 1024

T = TypeVar("T")


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is"):
    pass


class Engage(_Message, frozen=True, kw_only=True, tag="engage"):
    """Make a room with this PPD's driver; the document comes later over the same connection."""

    ppd: PpdName


class Ready(_Message, frozen=True, kw_only=True, tag="ready"):
    """A private cupsd waits for the document."""


class Document(_Message, frozen=True, kw_only=True, tag="document"):
    """`size` bytes of PDF follow. PWG 5101.1 media name and RFC 8011 sides, as the seal header has them."""

    size: Annotated[int, Meta(ge=1, le=DOCUMENT_BYTES)]
    media: Annotated[str, Meta(pattern=r"\A[a-z0-9_.-]{1,127}\Z")]
    sides: Sides
    impressions: Annotated[int, Meta(ge=1, le=10_000)]


class Converted(_Message, frozen=True, kw_only=True, tag="converted"):
    """`size` bytes in the printer's language follow; nothing of the room lives any more."""

    size: Annotated[int, Meta(ge=1, le=OUTPUT_BYTES)]


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """Nothing was converted; `why` is the key of a DriverError."""

    why: Name


def driver_error(why: str) -> DriverError:
    """The error that this key stands for."""
    return _BY_KEY.get(why, DriverError)()


ToDriver = Engage | Document
FromDriver = Ready | Converted | Failed


class Stream:
    """One end of a connected stream socket. Every call ends by `deadline` (seconds of time.monotonic) at the latest.

    All raise PeerGoneError, PeerSilentError, or ChannelError for what is not in form; `receive` also what `Failed` names.
    """

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        self._sock, self.deadline = sock, time.monotonic() + timeout_s

    def send(self, message: msgspec.Struct) -> None:
        """One message."""
        raw = strict_json.encode(message)
        self.send_bytes(memoryview(_LENGTH.pack(len(raw)) + raw))

    def receive(self, into: Any, kind: type[T]) -> T:
        """The next message, which must be of `kind`; `into` is the union of all that the other end may say."""
        (length,) = _LENGTH.unpack(self.receive_bytes(_LENGTH.size))
        if length > _MESSAGE_BYTES:
            raise ChannelError("larger than a message may be")
        try:
            message = strict_json.decode(bytes(self.receive_bytes(length)), into)
        except WireError as error:
            raise ChannelError(str(error)) from None
        if isinstance(message, Failed):
            raise driver_error(message.why)
        if not isinstance(message, kind):
            raise ChannelError("out of step")
        return message

    def send_bytes(self, data: memoryview) -> None:
        """All of it, in pieces, so that the deadline holds for the whole."""
        while data:
            self._settle()
            try:
                data = data[self._sock.send(data[:_CHUNK], socket.MSG_NOSIGNAL) :]
            except TimeoutError:
                raise PeerSilentError from None
            except OSError as error:
                raise PeerGoneError(type(error).__name__) from None

    def receive_bytes(self, size: int) -> bytearray:
        """Exactly `size` bytes."""
        whole = bytearray(size)
        left = memoryview(whole)
        while left:
            left = left[self.receive_into(left) :]
        return whole

    def receive_into(self, buffer: memoryview) -> int:
        """At least one byte into `buffer`: how many."""
        self._settle()
        try:
            count = self._sock.recv_into(buffer)
        except TimeoutError:
            raise PeerSilentError from None
        except OSError as error:
            raise PeerGoneError(type(error).__name__) from None
        if not count:
            raise PeerGoneError
        return count

    def _settle(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise PeerSilentError
        self._sock.settimeout(left)
