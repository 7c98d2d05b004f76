"""The line between spooler and printer, with scissors: ends a document's upload after so many of its bytes.

It stands for a cable that is pulled: neither the printer nor the spooler can be made to lose a connection at a given byte.
"""

import contextlib
import re
import socket
import struct
import threading
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_DOCUMENT: Final = 10_000
"""A request with a longer body carries a document."""

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of 0: close sends RST (socket(7))."""


class PrinterLine:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`, one thread a connection."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut: tuple[int, bool] | None = None
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, left_out: int, *, politely: bool) -> None:
        """Of the next document keep back the last `left_out` bytes, and end the connection by FIN or by RST."""
        self._cut = (left_out, politely)

    def mend(self) -> None:
        """Forward everything."""
        self._cut = None

    def close(self) -> None:
        """No new connections; those that are open end with their ends."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as printer:
            back = threading.Thread(target=_copy, args=(printer, client), daemon=True)
            back.start()
            self._upload(client, printer)
            back.join()

    def _upload(self, client: socket.socket, printer: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (data := client.recv(65536)):
            head += data
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        cut = self._cut if length > _DOCUMENT else None
        left = head.index(b"\r\n\r\n") + 4 + length - (cut[0] if cut else 0)
        printer.sendall(head[:left])
        left -= len(head[:left])
        while left > 0 and (data := client.recv(min(65536, left))):
            printer.sendall(data)
            left -= len(data)
        if cut:
            self.cuts += 1
            _end(printer, politely=cut[1])
            _end(client, politely=cut[1])


def _end(sock: socket.socket, *, politely: bool) -> None:
    if not politely:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.shutdown(socket.SHUT_RD)
        sock.close()
        return
    sock.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
