"""Looking at what runs, without disturbing it: is it there yet?"""

import http.client
import json
import socket
from pathlib import Path
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"
_CONNECT_S: Final = 1.0
_LISTENING: Final = 0x10000
"""__SO_ACCEPTCON in the flags of /proc/net/unix (proc(5))."""


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports of loopback at which nobody listens now."""
    held = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    try:
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def accepts(port: int) -> bool:
    """Whether somebody accepts TCP connections at this port of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), _CONNECT_S).close()
    except OSError:
        return False
    return True


def listens(path: Path) -> bool:
    """Whether somebody listens at this Unix socket. It is not connected to: a program may mind who calls."""
    rows = (line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text().splitlines()[1:])
    return any(len(row) == 8 and row[7] == str(path) and int(row[3], 16) & _LISTENING for row in rows)


class _Local(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_CONNECT_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def snapshot(api_socket: Path) -> dict[str, Any] | None:
    """The bus's own view of itself; None while its agent does not answer."""
    connection = _Local(api_socket)
    try:
        connection.request("GET", "/v1/snapshot")
        answer = connection.getresponse()
        return dict(json.loads(answer.read())) if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
