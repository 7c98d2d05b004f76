"""The socket file at which a program listens: made by it, with the rights that its settings say, and nobody else's."""

import grp
import os
import socket
from pathlib import Path
from typing import Final

from cityhall_base.errors import ConfigError, SetupError

BACKLOG: Final = 8


class AddressInUseError(SetupError):
    """Another process already listens here; stop it first:"""

    key = "setup.address_in_use"


def listen(path: Path, kind: socket.SocketKind, mode: int, group: str = "") -> socket.socket:
    """A listening Unix socket, not blocking. Raises AddressInUseError or ConfigError.

    What a killed process left behind is replaced.
    """
    _remove_left_over(path, kind)
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        _bind(sock, path, mode, group)
    except OSError as error:
        sock.close()
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except BaseException:
        sock.close()
        raise
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def connect(path: Path, kind: socket.SocketKind) -> socket.socket:
    """A connected Unix socket; raises OSError where nobody listens."""
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        sock.connect(str(path))
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, path: Path, mode: int, group: str) -> None:
    # Between bind and chmod nobody else may connect.
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    if group:
        os.chown(path, -1, _gid(group))
    path.chmod(mode)


def _gid(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError(f"there is no group {group} on this machine") from None


def _remove_left_over(path: Path, kind: socket.SocketKind) -> None:
    try:
        if not path.is_socket():
            return
        connect(path, kind).close()
    except ConnectionRefusedError:
        path.unlink()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    else:
        raise AddressInUseError(str(path))
