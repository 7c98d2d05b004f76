"""One HTTP/1.1 request to a printer and its answer (RFC 8010 section 4, RFC 9112), within one deadline and a bounded answer.

A timeout for each read alone would let a printer that drips a byte a second hold a print for ever.
"""

import http.client
import io
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from bus_agent.errors import PrinterAccessError, PrinterAnswerError, PrinterSilentError

ANSWER_BYTES: Final = 256 * 1024
"""Get-Jobs of 500 jobs is about 100 kB."""

_HEADER_BYTES: Final = 64 * 1024
"""Status line, headers and chunk sizes beyond the answer; printers send about 300 bytes."""

_SLICE: Final = 256 * 1024
"""Sent at one go; between two the deadline is looked at."""

_ACCESS: Final = frozenset({401, 403, 407, 426})
"""RFC 9110 sections 15.5.2, 15.5.4, 15.5.8 and 15.5.22."""


class Patience(NamedTuple):
    """Seconds: how long each step may take, and all of them together."""

    step_s: float
    total_s: float


class Endpoint(NamedTuple):
    """Where the printer is. `secure` makes a connected socket a protected one, or raises PrinterError."""

    host: str
    port: int
    path: str
    secure: Callable[[socket.socket, str], socket.socket] | None


Addresses = Sequence[tuple[int, Any]]
"""Address families and what `connect` takes for them."""


def look_up(endpoint: Endpoint) -> Addresses:
    """All addresses of its host; raises PrinterSilentError."""
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PrinterSilentError(type(error).__name__) from None
    return [(family, address) for family, _kind, _protocol, _name, address in found]


def post(endpoint: Endpoint, addresses: Addresses, pieces: list[bytes | memoryview], patience: Patience) -> bytes:
    """The body of the printer's answer; raises PrinterError. `pieces` is the request's body."""
    deadline = _Deadline(patience)
    try:
        sock = _connected(endpoint, addresses, deadline)
    except OSError as error:
        raise PrinterSilentError(type(error).__name__) from None
    with sock:
        return _exchanged(endpoint, _Line(sock, deadline), pieces)


class _Deadline:
    def __init__(self, patience: Patience) -> None:
        self._step_s, self._until = patience.step_s, time.monotonic() + patience.total_s

    def left(self) -> float:
        """Seconds that the next step may take; raises TimeoutError where there are none."""
        left = min(self._step_s, self._until - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left


def _connected(endpoint: Endpoint, addresses: Addresses, deadline: _Deadline) -> socket.socket:
    problem: OSError = ConnectionRefusedError()
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left())
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(deadline.left())
            return endpoint.secure(sock, endpoint.host) if endpoint.secure else sock
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
    raise problem


class _Line:
    """What http.client uses of a socket, every step within the deadline."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock, self._deadline = sock, deadline

    def sendall(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._deadline.left())
            view = view[self._sock.send(view[:_SLICE]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self._sock, self._deadline))

    def close(self) -> None:
        """http.client closes before it has read; `post` does it at the end."""


class _Answer(io.RawIOBase):
    """No more of it is read than an answer may have."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock, self._deadline = sock, deadline
        self._allowed = ANSWER_BYTES + _HEADER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._deadline.left())
        size = self._sock.recv_into(buffer)
        self._allowed -= size
        if self._allowed < 0:
            raise http.client.HTTPException("longer than an answer may be")
        return size


def _exchanged(endpoint: Endpoint, line: _Line, pieces: list[bytes | memoryview]) -> bytes:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port)
    connection.sock = line
    try:
        connection.request("POST", endpoint.path, _each(pieces), _headers(endpoint, pieces))
        answer = connection.getresponse()
        raw = answer.read(ANSWER_BYTES + 1)
    except OSError as error:
        raise PrinterSilentError(type(error).__name__) from None
    except (http.client.HTTPException, ValueError) as error:
        # A negative chunk size, for one, is a ValueError of the reader below.
        raise PrinterAnswerError(type(error).__name__) from None
    if answer.status in _ACCESS:
        raise PrinterAccessError(answer.status)
    if answer.status != http.client.OK or len(raw) > ANSWER_BYTES:
        raise PrinterAnswerError(f"HTTP {answer.status}, {len(raw)} bytes")
    if answer.length:
        raise PrinterAnswerError(f"{answer.length} bytes fewer than announced")
    return raw


def _headers(endpoint: Endpoint, pieces: list[bytes | memoryview]) -> dict[str, str]:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return {
        "Host": f"{host}:{endpoint.port}",
        "Content-Type": "application/ipp",
        "Content-Length": str(sum(len(piece) for piece in pieces)),
        "Connection": "close",
    }


def _each(pieces: list[bytes | memoryview]) -> Iterable[bytes | memoryview]:
    # http.client sends an iterable piece by piece; a list of them it would call a body of unknown kind.
    return iter(pieces)
