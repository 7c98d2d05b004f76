"""The relay's two listeners: who may be connected, and the address that they are bound to."""

import socket
from typing import Final

from cityhall_base.web.listener import Bounds
from cityhall_relay.errors import ListenError

_GRACE_S: Final = 5
"""What is in flight when the relay stops may finish; a sync takes milliseconds."""

_KEEP_ALIVE_S: Final = 90
"""Longer than the rhythm of sync, so that a bus pays for one TLS handshake (about 5 kB) a day part, not one a minute."""

BUSES: Final = Bounds(most=64, share=8, keep_alive_s=_KEEP_ALIVE_S, grace_s=_GRACE_S)
"""A bus uses four at a time (sync, release, two ranges), and after a lost line as many dead ones; 64 are a group of towns."""

CLERKS: Final = Bounds(most=400, share=400, keep_alive_s=_KEEP_ALIVE_S, grace_s=_GRACE_S)
"""Fifty counters: a browser opens up to six connections, and the board's event stream stays on one of them all day. Clerks show
no certificate, so nobody's share can be counted here; streams are (cityhall_relay/console/streams.py): they take half at most."""


def bind(host: str, port: int) -> socket.socket:
    """A listening address; raises ListenError."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        raise ListenError(f"{host} port {port}: {error.strerror}") from error
    return sock
