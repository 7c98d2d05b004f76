"""One uvicorn server on a socket of our own: limits against slow and greedy clients, and the client's certificate for the app.

What a stranger can make it hold is counted at each stage: MOST_HANDSHAKES half-open ones, `most` connections, `share` of them
for one certificate. Whoever comes when all are taken gets the place of the one that has been idle for longest: a flood of idle
connections costs a real client one handshake, never its turn.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Generator
from typing import Final, NamedTuple

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cityhall_base.tls import peer_name, why_refused
from cityhall_base.web.errors import BadRequestError, BusyError, plain

HEAD_BYTES: Final = 16 * 1024
"""Request line and headers; ours take about 400 bytes."""

HEAD_S: Final = 20.0
"""For a handshake, and then for a whole request head: three lost packets on a line of 600 ms are 5 s."""

MOST_HANDSHAKES: Final = 64
"""Connections whose TLS is not up yet. A real one takes 0.3 to 2 s; the oldest gives way."""

LINGER_S: Final = 5.0
"""For the rest of a body that was answered before its end: an honest client gets its sentence, an endless one its end."""

BACKLOG: Final = 128
GOODBYE_S: Final = 0.1
"""For a client's answer to our close_notify; an idle one never reads it."""

REST_S: Final = 0.2
"""When the process has no descriptor left for another connection."""

SAID_AGAIN_S: Final = 60.0

log = logging.getLogger(__name__)


class Bounds(NamedTuple):
    """What one listener allows. `share`: connections of one certificate; times are seconds."""

    most: int
    share: int
    keep_alive_s: int
    grace_s: int  # what is in flight when the program stops may take so long to finish


class PeerProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which knows nothing of the client's certificate and waits for a request head for ever.

    `scope["state"]["peer"]` is the common name in the client's certificate, or None.
    """

    bounds: Bounds
    peer: str | None = None
    idle_since = 0.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """TLS is up, the certificate is verified."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self.peer = peer_name(tls.getpeercert()) if tls else None
        # The dict is shared by all connections of the server: a new one for this connection.
        self.app_state = {**self.app_state, "peer": self.peer}
        self.idle_since = self.loop.time()
        self._make_room()
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_timer is None and self.timeout_keep_alive_task is None:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """Answered: idle from now on, or still sending what nobody will read."""
        self.idle_since = self.loop.time()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            # To close at once would take the answer with it (RFC 9112 section 9.6).
            self.loop.call_later(LINGER_S, self._stop_lingering, self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so where nothing was answered yet, in the shape of every other error."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        answer = plain(BadRequestError.status, BadRequestError.key, str(BadRequestError()))
        headers = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=answer.status_code, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def idle(self) -> bool:
        """No request of its is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, PeerProtocol) and one is not self]
        same = [one for one in others if self.peer is not None and one.peer == self.peer]
        if len(same) >= self.bounds.share:
            # A bus that lost its line leaves dead connections behind, whatever they were doing.
            min(same, key=lambda one: one.idle_since).transport.abort()
        elif len(others) >= self.bounds.most and (idle := [one for one in others if one.idle]):
            min(idle, key=lambda one: one.idle_since).transport.abort()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_lingering(self, answered: object) -> None:
        if self.cycle is answered and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self.transport.abort()


class Listener(uvicorn.Server):
    """A server that its program starts and stops: it takes no signals for itself."""

    def __init__(self, app: ASGIApp, sock: socket.socket, context: ssl.SSLContext | None, bounds: Bounds) -> None:
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            http=type("Protocol", (PeerProtocol,), {"bounds": bounds}),
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody stands in front; a header must not choose the client's address
            server_header=False,
            timeout_keep_alive=bounds.keep_alive_s,
            timeout_graceful_shutdown=bounds.grace_s,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        super().__init__(config)
        self._app, self._sock, self._context, self._bounds = app, sock, context, bounds
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._said: dict[str, float] = {}
        self.up = asyncio.Event()

    @property
    def port(self) -> int:
        """Of a TCP listener."""
        return int(self._sock.getsockname()[1])

    async def run_until_stopped(self) -> None:
        """Listen until `stop`."""
        await self.serve()

    def stop(self) -> None:
        """Take no more connections, let running requests finish."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """An accept loop in place of uvicorn's: asyncio's own counts neither handshakes nor descriptors."""
        self.servers = []
        self._sock.listen(BACKLOG)
        self._sock.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())
        self.started = True
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, without waiting for idle clients to say goodbye: a kept connection would cost all of the grace."""
        for task in (self._accepting, *self._handshakes):
            task.cancel()
        dropping = asyncio.create_task(self._drop_said_goodbye())
        try:
            await super().shutdown([self._sock])
        finally:
            dropping.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Several servers may share one process, which has the signals."""
        yield

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.server_state.tasks) > self._bounds.most:
            await plain(BusyError.status, BusyError.key, str(BusyError()))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(self._sock)
            except OSError as error:
                self._say(f"a connection could not be taken: {error.strerror}")
                await asyncio.sleep(REST_S)
                continue
            if len(self._handshakes) >= MOST_HANDSHAKES:
                next(iter(self._handshakes)).cancel()
            task = asyncio.create_task(self._welcome(sock))
            self._handshakes[task] = None
            task.add_done_callback(lambda done: self._handshakes.pop(done, None))

    async def _welcome(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        seconds = {"ssl_handshake_timeout": HEAD_S, "ssl_shutdown_timeout": HEAD_S} if self._context else {}
        try:
            await loop.connect_accepted_socket(self._protocol, sock, ssl=self._context, **seconds)
        except (OSError, TimeoutError) as error:
            if why := why_refused(error):
                self._say(f"a client was refused: {why}")

    def _protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]

    def _say(self, sentence: str) -> None:
        # Strangers can cause these: each sentence (there are about twenty) at most once a minute.
        if time.monotonic() >= self._said.get(sentence, 0.0):
            self._said[sentence] = time.monotonic() + SAID_AGAIN_S
            log.warning("%s", sentence)

    async def _drop_said_goodbye(self) -> None:
        # Closed on our side and everything written: what is missing is only the other side's close_notify (RFC 8446 6.1).
        while True:
            await asyncio.sleep(GOODBYE_S)
            for connection in list(self.server_state.connections):
                transport = connection.transport
                if transport.is_closing() and not transport.get_write_buffer_size():
                    transport.abort()
