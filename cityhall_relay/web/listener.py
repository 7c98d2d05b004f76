"""One uvicorn server on a socket of our own: limits against slow and greedy clients, and the client's certificate for the app."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from cityhall_base.tls import peer_name
from cityhall_relay.errors import ListenError

HEAD_BYTES: Final = 16 * 1024
"""Request line and headers; ours take about 400 bytes."""

HEAD_S: Final = 20.0
"""For a whole request head after the connection is up: three lost packets on a line of 600 ms are 5 s."""

KEEP_ALIVE_S: Final = 90
"""Longer than the rhythm of sync, so that a bus pays for one TLS handshake (about 5 kB) a day part, not one a minute."""

GRACE_S: Final = 5
"""What is in flight when the relay stops may finish; a sync takes milliseconds."""

GOODBYE_S: Final = 0.1
"""For a client's answer to our close_notify; an idle one never reads it."""


class PeerProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which knows nothing of the client's certificate and waits for a request head for ever.

    `scope["state"]["peer"]` is the common name in the client's certificate, or None.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """TLS is up, the certificate is verified."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        # The dict is shared by all connections of the server: a new one for this connection.
        self.app_state = {**self.app_state, "peer": peer_name(tls.getpeercert()) if tls else None}
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_timer is None and self.timeout_keep_alive_task is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self.transport.abort()


class Listener(uvicorn.Server):
    """A server that the boss starts and stops: it takes no signals for itself."""

    def __init__(self, app: ASGIApp, sock: socket.socket, context: ssl.SSLContext, most: int) -> None:
        config = uvicorn.Config(
            app,
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody stands in front; a header must not choose the client's address
            server_header=False,
            limit_concurrency=most,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
            ssl_context_factory=lambda _config, _default: context,
        )
        super().__init__(config)
        self._sock = sock
        self.port: Final[int] = sock.getsockname()[1]
        self.up = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Listen until `stop`."""
        await self.serve(sockets=[self._sock])

    def stop(self) -> None:
        """Take no more connections, let running requests finish."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, and then the word that it is up."""
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, without waiting for idle clients to say goodbye: a kept connection would cost all of GRACE_S."""
        dropping = asyncio.create_task(self._drop_said_goodbye())
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()

    async def _drop_said_goodbye(self) -> None:
        # Closed on our side and everything written: what is missing is only the other side's close_notify (RFC 8446 6.1).
        while True:
            await asyncio.sleep(GOODBYE_S)
            for connection in list(self.server_state.connections):
                transport = connection.transport
                if transport.is_closing() and not transport.get_write_buffer_size():
                    transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Two servers share one process: the boss has the signals."""
        yield


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
