"""Typed messages over a Unix SEQPACKET socket: one packet, one message of at most 64 KiB, at most one descriptor with it.

The kernel keeps packet borders, order, and says who is at the other end (SO_PEERCRED, unix(7)); so there is no framing of
our own. Whatever is not in form ends the connection: neither end ever guesses.
"""

import array
import os
import socket
import struct
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from bus_agent.errors import ChannelError, PeerGoneError, PeerSilentError, WrongPeerError
from bus_agent.ipc.messages import WITH_DESCRIPTOR
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError

MESSAGE_BYTES: Final = strict_json.MESSAGE_BYTES
_FD_SPACE: Final = socket.CMSG_SPACE(4 * 8)  # room to see, and close, more descriptors than the one that is allowed
_UCRED: Final = struct.Struct("3i")

T = TypeVar("T")


class Received(NamedTuple, Generic[T]):
    """One message, and the descriptor that came with it; whoever takes it closes it."""

    message: T
    fd: int | None


class End(Generic[T]):
    """What both kinds of channel do; `into` is the union of the messages that the other end may say."""

    def __init__(self, sock: socket.socket, into: Any) -> None:
        self._sock = sock
        self._into = into

    def close(self) -> None:
        """The other end sees it at once."""
        self._sock.close()

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """Never waits for the other end's program; raises PeerGoneError or, for what is too large, ChannelError."""
        raw = strict_json.encode(message)
        if len(raw) > MESSAGE_BYTES:
            raise ChannelError(f"{len(raw)} bytes, {MESSAGE_BYTES} are allowed")
        try:
            socket.send_fds(self._sock, [raw], [] if fd is None else [fd], socket.MSG_NOSIGNAL)
        except BlockingIOError:
            raise PeerGoneError("it does not read") from None
        except OSError as error:
            raise PeerGoneError(type(error).__name__) from None

    def take(self) -> Received[T]:
        """The next message as the socket's own mode has it: waiting, or BlockingIOError, or TimeoutError."""
        try:
            raw, fds, flags = _receive(self._sock)
        except (BlockingIOError, TimeoutError):
            raise
        except OSError as error:
            raise PeerGoneError(type(error).__name__) from None
        try:
            message = self._read(raw, fds, flags)
        except BaseException:
            _close_all(fds)
            raise
        return Received(message, fds[0] if fds else None)

    def _read(self, raw: bytes, fds: list[int], flags: int) -> T:
        if not raw:
            raise PeerGoneError
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise ChannelError("larger than a message may be")
        if len(fds) > 1:
            raise ChannelError("more than one descriptor")
        try:
            message = strict_json.decode(raw, self._into)
        except WireError as error:
            raise ChannelError(str(error)) from None
        if fds and not isinstance(message, WITH_DESCRIPTOR):
            raise ChannelError("a descriptor that nobody asked for")
        return cast(T, message)


class BlockingChannel(End[T]):
    """The opener's side: it does one thing after the other."""

    def receive(self, timeout_s: float | None) -> Received[T]:
        """The next message; raises PeerSilentError after `timeout_s` (None: never), else as Channel does."""
        self._sock.settimeout(timeout_s)
        try:
            return self.take()
        except TimeoutError:
            raise PeerSilentError from None


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, neither inherited by a child unless it is passed on."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def check_peer(sock: socket.socket, uid: int) -> None:
    """Raises WrongPeerError where another user's process is at the other end."""
    _pid, peer, _gid = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    if peer != uid:
        raise WrongPeerError(f"user {peer}, expected {uid}")


def _receive(sock: socket.socket) -> tuple[bytes, list[int], int]:
    # One byte more than allowed is asked for, so that the largest message and a larger one can be told apart.
    raw, ancillary, flags, _address = sock.recvmsg(MESSAGE_BYTES + 1, _FD_SPACE, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return raw, list(fds), flags


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
