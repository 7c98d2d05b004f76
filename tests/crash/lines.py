"""Two lines with scissors, bus to city hall and spooler to printer: bytes are forwarded until a given one, and then the line
ends by FIN or by RST. Nothing real can be made to lose a connection at a given byte.
"""

import socket
import struct
import threading
from contextlib import suppress
from typing import Final

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of 0: close sends RST (socket(7))."""

_PIECE: Final = 16384


class Line:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`, two threads a connection."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._left: int | None = None
        self._up = self._politely = False
        self.dark = False
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int, *, up: bool, politely: bool) -> None:
        """After so many more bytes in one direction (`up`: towards the target) end every connection, and take no new one."""
        with self._lock:
            self._left, self._up, self._politely = after, up, politely

    def go_dark(self) -> None:
        """Now: end every connection, and take no new one."""
        with self._lock:
            self.dark = True
        self._end_all()

    def mend(self) -> None:
        """Forward everything again."""
        with self._lock:
            self._left, self.dark = None, False

    def close(self) -> None:
        """No new connections; those that are open end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end_all()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.dark:
                _reset(client)
                return
            with socket.create_connection(("127.0.0.1", self._target)) as target:
                self._open |= {client, target}
                back = threading.Thread(target=self._copy, args=(target, client, False), daemon=True)
                back.start()
                self._copy(client, target, True)
                back.join()
                self._open -= {client, target}

    def _copy(self, source: socket.socket, to: socket.socket, up: bool) -> None:
        try:
            while data := source.recv(_PIECE):
                allowed = self._allowed(len(data), up)
                to.sendall(data[:allowed])
                if allowed < len(data):
                    self._end_all()
                    return
            to.shutdown(socket.SHUT_WR)
        except OSError:
            # A peer that was killed resets its end, and the line must not keep the other one waiting.
            for sock in (source, to):
                with suppress(OSError):  # ended by the other direction already
                    _reset(sock)

    def _allowed(self, count: int, up: bool) -> int:
        with self._lock:
            if self._left is None or up is not self._up:
                return count
            allowed = min(count, self._left)
            self._left -= allowed
            if allowed < count:
                self._left, self.dark = None, True
                self.cuts += 1
            return allowed

    def _end_all(self) -> None:
        for sock in list(self._open):
            with suppress(OSError):
                if self._politely:
                    sock.shutdown(socket.SHUT_RDWR)
                else:
                    _reset(sock)
        self._open.clear()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RD)  # wakes whoever reads from it
    sock.close()
