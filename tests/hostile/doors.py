"""Where the messages go in: HTTP over TLS and over a Unix socket, the spooler's socket, the agent's end of it, the broker."""

import http.client
import os
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bus_agent.ipc import address
from bus_agent.ipc.channel import check_peer

WAIT_S: Final = 30
_SEND_TIMEOUT: Final = struct.pack("ll", WAIT_S, 0)


class Told(NamedTuple):
    """What came back; status 0 where the connection ended without an answer."""

    status: int
    body: bytes


class Http:
    """One client, one kept connection, a new one after every end."""

    def __init__(self, connect: Callable[[], socket.socket], headers: dict[str, str]) -> None:
        self._connect, self._headers = connect, headers
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None, **headers: str) -> Told:
        connection = self._connection or self._new()
        try:
            connection.request(method, path, body, self._headers | headers)
            answer = connection.getresponse()
            told = Told(answer.status, answer.read())
        except (http.client.HTTPException, OSError):
            self.close()
            return Told(0, b"")
        if answer.will_close:
            self.close()
        return told

    def raw(self, data: bytes) -> Told:
        """Bytes that need not be HTTP; the head that comes back."""
        self.close()
        with self._connect() as sock:
            got = b""
            try:
                sock.sendall(data)
                if not isinstance(sock, ssl.SSLSocket):
                    sock.shutdown(socket.SHUT_WR)
                sock.settimeout(0.2)
                got = sock.recv(65536)
            except OSError:
                pass  # nothing more is wanted of it: it waits for the rest of a head, or has cut us off
        status = got.split(b" ")[1:2]
        return Told(int(status[0]) if got.startswith(b"HTTP/1.1 ") and status[0].isdigit() else 0, b"")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _new(self) -> http.client.HTTPConnection:
        self._connection = http.client.HTTPConnection("localhost")
        self._connection.sock = self._connect()
        return self._connection


def tls(port: int, context: ssl.SSLContext) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", port), WAIT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(raw, server_hostname="localhost")

    return connect


def unix(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))
        sock.settimeout(WAIT_S)
        return sock

    return connect


def _drain(sock: socket.socket, *, to_the_end: bool) -> None:
    """Read what came; raises OSError at the end of the connection."""
    while True:
        try:
            if not sock.recv(1 << 17, 0 if to_the_end else socket.MSG_DONTWAIT):
                raise ConnectionResetError
        except BlockingIOError:
            if to_the_end:
                raise AssertionError("the other end keeps a connection that it must not trust") from None
            return


class HandMadeAgent:
    """The agent's end of the spooler's socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sock: socket.socket | None = None
        self._body = os.memfd_create("body")

    def say(self, raw: bytes, *, descriptor: bool, ends: bool) -> None:
        """One packet. What the spooler says is read and dropped; where this one `ends` the connection, the end is waited for."""
        sock = self._sock or self._connect()
        try:
            socket.send_fds(sock, [raw or b" "], [self._body] if descriptor else [])
            _drain(sock, to_the_end=ends)
        except OSError:
            self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _connect(self) -> socket.socket:
        self._sock = address.connect(self._path, socket.SOCK_SEQPACKET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SEND_TIMEOUT)
        return self._sock


class HandMadeSpooler:
    """Listens where the spooler would; the agent comes to it."""

    def __init__(self, path: Path, status: msgspec.Struct) -> None:
        self._listener = address.listen(path, socket.SOCK_SEQPACKET, 0o600)
        self._listener.setblocking(True)
        self._listener.settimeout(WAIT_S)
        self._status = msgspec.json.encode(status)
        self._sock: socket.socket | None = None

    def say(self, raw: bytes, *, ends: bool) -> None:
        """One packet, as soon as the agent reads."""
        sock = self._sock or self._accept()
        try:
            sock.send(raw or b" ")
            _drain(sock, to_the_end=ends)
        except OSError:
            sock.close()
            self._sock = None

    def close(self) -> None:
        self._listener.close()
        if self._sock is not None:
            self._sock.close()

    def _accept(self) -> socket.socket:
        self._sock, _ = self._listener.accept()
        check_peer(self._sock, os.getuid())
        # Not settimeout: with it Python itself waits before a read that must not.
        self._sock.setblocking(True)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SEND_TIMEOUT)
        self._sock.send(self._status)  # a good word first, or the agent waits longer before it comes again
        return self._sock
