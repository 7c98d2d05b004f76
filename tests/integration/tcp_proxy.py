"""A user-space TCP relay on loopback between a bus and city hall: counts bytes, cuts at a byte, goes dark.

It stands for the line: what a real line does to a connection (silence, reset) no printer, broker or relay can produce by itself.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any


class TcpProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`. `down` counts the bytes from the target to its clients."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.down = 0
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
        server = await asyncio.start_server(self._serve, sock=self._listener)
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
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.gather(self._pump(reader, up_writer, down=False), self._pump(up_reader, writer, down=True))
        finally:
            writer.transport.abort()
            up_writer.transport.abort()
            self._writers -= {writer, up_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        try:
            while data := await reader.read(4096):
                if down:
                    self._count(len(data))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            writer.transport.abort()
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
            writer.transport.abort()
