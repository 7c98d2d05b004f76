"""Bytes as a hostile client sends them, at TCP, TLS and Unix sockets alike."""

import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

Connect = Callable[[], socket.socket]


class Answer(NamedTuple):
    """What came back; status 0 where the connection just ended."""

    status: int
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def tcp(port: int, context: ssl.SSLContext | None = None) -> Connect:
    def connect() -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        return context.wrap_socket(raw, server_hostname="localhost") if context else raw

    return connect


def unix(path: Path) -> Connect:
    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))  # with a timeout it would not wait for a place in the backlog
        sock.settimeout(20)
        return sock

    return connect


def head(method: str, path: str, **headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def exchange(connect: Connect, raw: bytes) -> Answer:
    """Send everything, read to the end of the answer or of the connection."""
    with connect() as sock:
        with suppress(OSError):  # cut off while we still sent: the answer, where there is one, is read all the same
            sock.sendall(raw)
        return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer:
    got = b""
    while b"\r\n\r\n" not in got:
        piece = received(sock)
        if not piece:
            return Answer(0, got)
        got += piece
    first, _, body = got.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in first.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length and (piece := received(sock)):
        body += piece
    return Answer(int(first.split()[1]), body)


def received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except TimeoutError:
        raise
    except OSError:
        return b""


def ended(sock: socket.socket, within_s: float) -> bool:
    """Whether the other end closes, whatever it says before."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        sock.settimeout(max(0.01, until - time.monotonic()))
        try:
            if not received(sock):
                return True
        except TimeoutError:
            return False
    return False
