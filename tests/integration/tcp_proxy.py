"""A user-space TCP relay on loopback between a bus and city hall: counts bytes, cuts at a byte, goes dark.

It stands for the line: what a real line does to a connection (silence, reset) no printer, broker or relay can produce by itself.
"""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until

Ear = Callable[[bytes, bool], None]
"""Hears what passes on one connection; True is down, from the target."""


class Inside(NamedTuple):
    """Ends TLS on both sides with the keys of both ends, to see what is said inside it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


class TcpProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`. `down` counts the bytes from the target to its clients, `up` the others.

    `ear` is called for each connection, and what it returns for all that passes on it.
    """

    def __init__(
        self, target: int, inside: Inside | None = None, ear: Callable[[], Ear] = lambda: lambda data, down: None
    ) -> None:
        self.target = target
        self.down = self.up = 0
        self._inside, self._ear = inside, ear
        self.cuts = 0
        self._cut_at: int | None = None
        self._dark = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut_after(self, more: int) -> None:
        """Reset every connection once `more` further bytes have gone down."""
        self._cut_at = self.down + more

    @property
    def cut_done(self) -> bool:
        """Whether the last `cut_after` has happened."""
        return self._cut_at is None

    def go_dark(self) -> None:
        """Reset every connection and every new one until `light`."""
        self._dark = True
        self._call(self._reset_all)

    def light(self) -> None:
        """Forward again."""
        self._dark = False

    def close(self) -> None:
        """Stop and join."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        self._loop.close()
        self._listener.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        tls = self._inside.server if self._inside else None
        server = await asyncio.start_server(self._serve, sock=self._listener, ssl=tls)
        await self._stop.wait()
        server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        self._reset_all()
        await asyncio.sleep(0)  # one turn, in which the transports close their sockets

    def _call(self, act: Callable[[], Any]) -> None:
        async def run() -> None:
            act()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._dark:
            _abort(writer)
            return
        try:
            tls = self._inside.client if self._inside else None
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target, ssl=tls)
        except OSError:
            _abort(writer)
            return
        self._writers |= {writer, up_writer}
        try:
            ear = self._ear()
            up, down = self._pump(reader, up_writer, ear, down=False), self._pump(up_reader, writer, ear, down=True)
            await asyncio.gather(up, down)
        finally:
            _abort(writer)
            _abort(up_writer)
            self._writers -= {writer, up_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ear: Ear, *, down: bool) -> None:
        try:
            while data := await reader.read(4096):
                if down:
                    self._count(len(data))
                else:
                    self.up += len(data)
                ear(data, down)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            _abort(writer)
        else:
            writer.close()

    def _count(self, size: int) -> None:
        self.down += size
        if self._cut_at is not None and self.down >= self._cut_at:
            self._cut_at = None
            self.cuts += 1
            self._reset_all()

    def _reset_all(self) -> None:
        for writer in self._writers:
            _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    # A TLS transport that was closed twice has nothing left to abort, and fails to say so in Python 3.11.
    with suppress(AttributeError):
        writer.transport.abort()


def lead(house: House, proxies: dict[int, TcpProxy]) -> None:
    """From its next start on the bus reaches these ports of city hall through proxies."""
    path = house.city.bus.bus_toml
    text = path.read_text()
    for port, proxy in proxies.items():
        text = re.sub(rf"\b{port}\b", str(proxy.port), text)
    with path.open("r+") as file:  # in place, so that the file keeps its owner
        file.truncate()
        file.write(text)


def through(house: House, proxies: dict[int, TcpProxy], seconds: float) -> None:
    """Have the bus reach city hall's ports through proxies."""
    house.part("agent").stop()
    lead(house, proxies)
    house.part("agent").start()
    wait_until(house.met, seconds, "the bus has met city hall through the proxy")
    assert all(proxy.down > 0 for proxy in proxies.values())
