"""A line with a delay and a rate each way, on loopback: what TCP carries leaves later, in order, and no faster.

What it does not have is TCP's slow start: 150 ms at 1 Mbit/s hold 19 kB, and TCP begins with 14 kB, so that costs at most one more
round trip each way. Setting up a connection costs its round trip here too.
"""

import asyncio
from contextlib import suppress
from typing import Final, NamedTuple

from tests.integration.tcp_proxy import Ear, TcpProxy

_BITS: Final = 8
_SEGMENT: Final = 1400


class Pace(NamedTuple):
    """Of a line; without delay and rate it is loopback itself."""

    label: str
    round_trip_s: float = 0.0
    bits_per_s: float = 0.0


class SlowLine(TcpProxy):
    """Nothing passes before `rise`; `called` is whether somebody waits for that."""

    def __init__(self, target: int, pace: Pace) -> None:
        self._pace, self._lit, self.called = pace, asyncio.Event(), False
        self._free_at = {True: 0.0, False: 0.0}
        super().__init__(target)

    def rise(self) -> None:
        """From now on it carries."""
        self._loop.call_soon_threadsafe(self._lit.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.called = True
        await self._lit.wait()
        await asyncio.sleep(self._pace.round_trip_s)
        await super()._serve(reader, writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ear: Ear, *, down: bool) -> None:
        flying: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        landing = asyncio.create_task(_land(flying, writer))
        with suppress(ConnectionError):
            while data := await reader.read(_SEGMENT):
                if down:
                    self._count(len(data))
                flying.put_nowait((self._arrival(len(data), down), data))
        flying.put_nowait((0.0, b""))
        await landing

    def _arrival(self, size: int, down: bool) -> float:
        now = asyncio.get_running_loop().time()
        busy = size * _BITS / self._pace.bits_per_s if self._pace.bits_per_s else 0.0
        self._free_at[down] = max(now, self._free_at[down]) + busy
        return self._free_at[down] + self._pace.round_trip_s / 2


async def _land(flying: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while (one := await flying.get())[1]:
            await asyncio.sleep(one[0] - loop.time())
            writer.write(one[1])
            await writer.drain()
    writer.close()
