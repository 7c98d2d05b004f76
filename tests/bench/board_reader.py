"""Browsers as a measurement needs fifty of them: TLS, a cookie, a page and an event stream; what is drawn nobody looks at."""

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import h11

PATIENCE_S: Final = 30.0
AGAIN_S: Final = 0.5
_READ: Final = 1 << 16


class Place(NamedTuple):
    """Where the console listens."""

    port: int
    context: ssl.SSLContext

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """With TLS."""
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context, server_hostname="localhost", limit=1 << 20
        )

    def request(self, path: str, cookie: str, **more: str) -> bytes:
        """A GET as Chromium sends it."""
        said = {
            "Host": f"localhost:{self.port}",
            "Cookie": f"__Host-console={cookie}",
            "Accept": "text/html",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name.replace('_', '-')}: {value}" for name, value in (said | more).items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Page:
    """One connection that is kept, as a browser keeps it; `load` gives status and seconds to the last byte."""

    def __init__(self, place: Place, cookie: str) -> None:
        self._place, self._cookie = place, cookie
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def load(self, path: str) -> tuple[int, float]:
        """Raises TimeoutError or OSError."""
        if self._streams is None:
            self._streams = await self._place.connect()
        reader, writer = self._streams
        http = h11.Connection(h11.CLIENT)
        http.send(h11.Request(method="GET", target=path, headers=[("Host", "localhost")]))
        http.send(h11.EndOfMessage())
        async with asyncio.timeout(PATIENCE_S):
            began, status = time.monotonic(), 0
            writer.write(self._place.request(path, self._cookie))
            while not isinstance(event := http.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Response):
                    status = event.status_code
                elif event is h11.NEED_DATA:
                    http.receive_data(await reader.read(_READ))
                elif isinstance(event, h11.ConnectionClosed):
                    raise ConnectionResetError(path)
            took = time.monotonic() - began
        if http.their_state is h11.MUST_CLOSE:
            self.close()
        return status, took

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Board:
    """An event stream that is opened again whenever it ends. `seen` is when each mark was first there (monotonic seconds)."""

    def __init__(self, place: Place, cookie: str, mark: re.Pattern[bytes]) -> None:
        self._place, self._cookie, self._mark = place, cookie, mark
        self.seen: dict[int, float] = {}
        self.bytes, self.opened = 0, 0
        self.refused = b""

    async def read(self) -> None:
        """Until canceled."""
        more: Mapping[str, str] = {"Accept": "text/event-stream", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}
        while True:
            reader, writer = await self._place.connect()
            try:
                writer.write(self._place.request("/events/board", self._cookie, **more))
                self.opened += 1
                await self._stream(reader)
            finally:
                writer.close()
            await asyncio.sleep(AGAIN_S)

    async def _stream(self, reader: asyncio.StreamReader) -> None:
        tail = b""
        while piece := await reader.read(_READ):
            at = time.monotonic()
            if not self.bytes and not piece.startswith(b"HTTP/1.1 200"):
                self.refused = piece[:200]
            self.bytes += len(piece)
            for found in self._mark.finditer(tail + piece):
                self.seen.setdefault(int(found[1]), at)
            tail = piece[-40:]
            if b"\r\n0\r\n\r\n" in piece:
                return
