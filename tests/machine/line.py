"""The line between a bus and city hall: it loses, holds, doubles and repeats, and an attacker on it keeps everything.

Everything above the socket is the agent's own `Link`: packing, signatures, `re`, one request at a time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import httpx

from bus_agent.agent.link import READ_S, Ends, Link
from bus_agent.errors import LinkError
from cityhall_base import coding
from cityhall_base.clock import Clock
from cityhall_wire.strict_json import MESSAGE_BYTES
from tests.machine.gates import Gates

TAPE: Final = 400
"""Messages that the attacker keeps of each kind."""


class Fate(StrEnum):
    """What becomes of one request."""

    ARRIVES = "arrives"
    LOST = "lost"
    ANSWER_LOST = "answer lost"
    DOUBLED = "doubled"
    HELD = "held"
    FORGED = "answered with an old answer"


class Reply(NamedTuple):
    """HTTP's, unpacked."""

    status: int
    body: bytes
    headers: dict[str, str]


class Asked(NamedTuple):
    """One request on the line, unpacked. `bus` is the common name in the certificate that was shown."""

    bus: str
    path: str
    raw: bytes
    headers: dict[str, str]


Serve = Callable[[Asked], Reply]
"""City hall's side; raises OSError where nobody listens."""


@dataclass
class Held:
    """A request that is under way for longer."""

    asked: Asked
    answer: "asyncio.Future[Reply]"


@dataclass
class Line:
    """One bus's line. `fates` are for the next requests, in order; without one a request arrives."""

    bus: str
    serve: Serve
    gates: Gates
    up: bool = True
    fates: deque[Fate] = field(default_factory=deque)
    held: list[Held] = field(default_factory=list)
    requests: "deque[Asked]" = field(default_factory=lambda: deque(maxlen=TAPE))
    answers: "deque[bytes]" = field(default_factory=lambda: deque(maxlen=TAPE))
    forged: bytes = b""

    async def carry(self, asked: Asked) -> Reply:
        """Raises OSError."""
        name = asked.path.split("/")[2]
        self.gates.passing(f"{name} goes out", self.bus)
        if asked.raw:
            self.requests.append(asked)
        reply = await self._meet(asked, self.fates.popleft() if self.fates else Fate.ARRIVES)
        self.gates.passing(f"{name} comes back", self.bus)
        if not self.up:
            raise ConnectionResetError
        return reply

    def deliver(self, held: Held, twice: bool) -> None:
        """A held request arrives after all; its answer finds whoever still waits."""
        self.held.remove(held)
        try:
            reply = self._served(held.asked)
            if twice:
                reply = self._served(held.asked)
        except OSError:
            self.drop(held, forget=False)
            return
        if not held.answer.done():
            held.answer.set_result(reply)

    def drop(self, held: Held, forget: bool = True) -> None:
        """It is lost."""
        if forget:
            self.held.remove(held)
        if not held.answer.done():
            held.answer.set_exception(ConnectionResetError())

    async def _meet(self, asked: Asked, fate: Fate) -> Reply:
        if not self.up or fate is Fate.LOST:
            raise ConnectionResetError
        if fate is Fate.HELD:
            held = Held(asked, asyncio.get_running_loop().create_future())
            self.held.append(held)
            return await held.answer
        reply = self._served(asked)
        if fate is Fate.DOUBLED:
            reply = self._served(asked)
        if fate is Fate.ANSWER_LOST:
            raise ConnectionResetError
        if fate is Fate.FORGED and self.forged:
            return Reply(200, self.forged, {})
        return reply

    def _served(self, asked: Asked) -> Reply:
        reply = self.serve(asked)
        if reply.status == httpx.codes.OK:
            self.answers.append(reply.body)
        return reply


class ModelLink(Link):
    """The agent's own link, whose socket is a `Line`."""

    def __init__(self, line: Line, ends: Ends, clock: Clock) -> None:
        self._line = line
        super().__init__("https://city.hall", None, ends, clock)  # type: ignore[arg-type] # no TLS on a model

    async def _send(
        self, method: str, path: str, headers: dict[str, str], content: bytes | None, limit: int
    ) -> tuple[int, bytes, httpx.Headers]:
        raw = coding.unpack(content, MESSAGE_BYTES) if content else b""
        try:
            async with asyncio.timeout(READ_S):
                reply = await self._line.carry(Asked(self._line.bus, path, raw, headers))
        except (OSError, TimeoutError) as error:
            raise LinkError(type(error).__name__) from None
        return reply.status, reply.body, httpx.Headers(reply.headers)

    async def _replace(self, failed: Any) -> None: ...

    def _new_client(self) -> Any:
        return None
