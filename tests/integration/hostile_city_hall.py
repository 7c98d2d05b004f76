"""A city hall that answers as no relay of ours would: bytes over real TLS, for the faults that the real one cannot produce."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cityhall_base import tls

Answer = Callable[[socket.socket], None]


class HostileCityHall:
    """Reads one request head of each connection, then does what `answer` does with the socket."""

    def __init__(self, folder: Path, certificate: str = "relay", context: ssl.SSLContext | None = None) -> None:
        self._context = context or tls.server_context(
            folder / f"{certificate}.crt", folder / f"{certificate}.key", None
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.answer: Answer = lambda sock: None
        self.read: Answer = _read_request
        self.calls = self.handshakes = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(10)
            with suppress(OSError), raw, self._handshake(raw) as sock:
                self.read(sock)
                self.calls += 1
                self.answer(sock)

    def _handshake(self, raw: socket.socket) -> socket.socket:
        try:
            return self._context.wrap_socket(raw, server_side=True)
        finally:
            self.handshakes += 1


def _read_request(sock: socket.socket) -> None:
    # Whole: an end of the connection with bytes unread would take the answer with it.
    got = b""
    while b"\r\n\r\n" not in got and (piece := sock.recv(65536)):
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (piece := sock.recv(65536)):
        body += piece


def says(*pieces: bytes) -> Answer:
    """These bytes, then the end of the connection."""

    def answer(sock: socket.socket) -> None:
        for piece in pieces:
            sock.sendall(piece)

    return answer


def for_ever(first: bytes, again: bytes) -> Answer:
    """`first`, and then the same again until the other end has had enough."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(again)

    return answer


def drips(first: bytes, seconds: float) -> Answer:
    """`first`, and then a byte whenever the other end has said nothing for so long."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(first)
        sock.settimeout(seconds)
        while True:
            try:
                if not sock.recv(1):
                    return
            except TimeoutError:
                sock.sendall(b" ")

    return answer
