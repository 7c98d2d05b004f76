"""HTTP/1.1 over the agent's Unix socket: h11 on asyncio's own streams.

httpx would do the same for 11 MiB more (measured), in a process that may take 70. Whatever comes in has a limit and a deadline.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import h11

from bus_agent.errors import AgentAnswerError, AgentGoneError

ANSWER_BYTES: Final = 1024 * 1024
"""A snapshot of 200 documents takes about 0.1 MB."""

CONNECT_S: Final = 5.0
SILENCE_S: Final = 40.0
"""The event stream says something every 15 s, if only that it is still there."""

_HEAD_BYTES: Final = 16 * 1024
_READ_BYTES: Final = 64 * 1024


class Answer(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


class LocalHttp:
    """One connection for each question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ask(self, method: str, url: str, body: bytes = b"", within_s: float = CONNECT_S) -> Answer:
        """The whole answer; raises AgentGoneError where there is none in time, AgentAnswerError where it is none of HTTP."""
        try:
            async with asyncio.timeout(within_s), self._talk(method, url, body) as talk:
                status = await talk.status()
                parts = [part async for part in talk.body(ANSWER_BYTES)]
                return Answer(status, b"".join(parts))
        except TimeoutError:
            raise AgentGoneError("no answer in time") from None

    async def events(self, url: str, silence_s: float = SILENCE_S) -> AsyncGenerator[bytes, None]:
        """The data of each server-sent event (WHATWG HTML, section 9.2), as the agent writes them: one line each.

        Ends where the agent ends it; raises AgentGoneError after `silence_s` without a byte.
        """
        async with self._talk("GET", url, b"") as talk:
            async with asyncio.timeout(CONNECT_S):
                if (status := await talk.status()) != 200:
                    raise AgentAnswerError(f"status {status}")
            kept = bytearray()
            pieces = talk.body(None)
            while (piece := await _within(silence_s, pieces)) is not None:
                kept += piece
                *whole, rest = bytes(kept).split(b"\n\n")
                kept = bytearray(rest)
                if len(kept) > ANSWER_BYTES:
                    raise AgentAnswerError(f"an event of more than {ANSWER_BYTES} bytes")
                for event in whole:
                    if event.startswith(b"data: "):
                        yield event.removeprefix(b"data: ")

    @asynccontextmanager
    async def _talk(self, method: str, url: str, body: bytes) -> AsyncIterator["_Talk"]:
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(self._path)
        except TimeoutError:
            raise AgentGoneError("it does not take the connection") from None
        except OSError as error:
            raise AgentGoneError(error.strerror or "") from None
        try:
            talk = _Talk(reader, writer)
            await talk.say(method, url, body)
            yield talk
        except OSError as error:
            raise AgentGoneError(error.strerror or "") from None
        except h11.RemoteProtocolError as error:
            raise AgentAnswerError(str(error)) from None
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _within(seconds: float, pieces: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(seconds):
            return await anext(pieces, None)
    except TimeoutError:
        raise AgentGoneError("silent") from None


class _Talk:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)

    async def say(self, method: str, url: str, body: bytes) -> None:
        headers = [("Host", "bus"), ("Content-Length", str(len(body))), ("Connection", "close")]
        if body:
            headers.append(("Content-Type", "application/json"))
        events = (h11.Request(method=method, target=url, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()

    async def status(self) -> int:
        while not isinstance(event := await self._next(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise AgentGoneError("it hung up")
        return event.status_code

    async def body(self, most: int | None) -> AsyncIterator[bytes]:
        got = 0
        while isinstance(event := await self._next(), h11.Data):
            got += len(event.data)
            if most is not None and got > most:
                raise AgentAnswerError(f"more than {most} bytes")
            yield bytes(event.data)

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event
