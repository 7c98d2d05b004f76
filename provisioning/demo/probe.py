"""What runs, seen and pressed from outside: is it there yet, and what does it say?"""

import http.client
import json
import socket
from pathlib import Path
from typing import Any, Final

from provisioning.demo.people import RefusedError

LOOPBACK: Final = "127.0.0.1"
_CONNECT_S: Final = 1.0
_PRESS_S: Final = 30.0
"""A print is answered when an opener waits for its key; a busy machine gets time."""
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
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def snapshot(api_socket: Path) -> dict[str, Any] | None:
    """The bus's own view of itself; None while its agent does not answer."""
    try:
        status, answer = _local(api_socket, "GET", "/v1/snapshot")
    except (OSError, http.client.HTTPException):
        return None
    return answer if status == http.client.OK else None


def press(api_socket: Path, job: str, button: str, **said: Any) -> None:
    """One of the concierge's buttons, as her screen will press it. Raises RefusedError with the bus's sentence, or OSError."""
    post(api_socket, f"/v1/jobs/{job}/{button}", **said)


def post(api_socket: Path, url: str, **said: Any) -> None:
    """Any of its commands. Raises RefusedError with the bus's sentence, or OSError."""
    status, answer = _local(api_socket, "POST", url, json.dumps(said), _PRESS_S)
    if status >= http.client.BAD_REQUEST:
        raise RefusedError(str(answer["sentence"]), str(answer["key"]))


def _local(
    path: Path, method: str, url: str, body: str | None = None, seconds: float = _CONNECT_S
) -> tuple[int, dict[str, Any]]:
    connection = _Local(path, seconds)
    try:
        connection.request(method, url, body)
        answer = connection.getresponse()
        return answer.status, dict(json.loads(answer.read()))
    finally:
        connection.close()
