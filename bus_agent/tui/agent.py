"""The agent as the screen sees it: the last snapshot, what the city is called, and commands. Reconnects by itself.

A command whose answer was lost is never said again by itself: whether it was done, the snapshot that follows says.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

import msgspec

from bus_agent.errors import AgentAnswerError, AgentGoneError, BusError
from bus_agent.shown import CityShown, Said, Snapshot
from bus_agent.tui.local_http import ANSWER_BYTES, LocalHttp
from bus_agent.tui.scene import Tell
from cityhall_base.retry import Retry
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError

log = logging.getLogger(__name__)

T = TypeVar("T")

COMMAND_S: Final = 30.0
"""`print` answers when an opener waits for its key: the printer may take seconds to wake up."""

RETRY_FIRST_S: Final = 0.5
RETRY_MOST_S: Final = 5.0
"""A socket on the same box: nobody is kept from anything by a try every five seconds."""

NO_CITY: Final = CityShown(
    config="", city="", bus="", sections=(), services=(), stops=(), papers=(), concierges=(), extension_min=0
)
"""Until the agent has said more; its names then stand for themselves."""


class _Refusal(msgspec.Struct, frozen=True):
    key: str
    sentence: str
    detail: str = ""


class Agent:
    """`changed` is called after everything that may look different. `seen` is None before the first snapshot."""

    def __init__(
        self,
        http: LocalHttp,
        changed: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http, self._changed, self._sleep = http, changed, sleep
        self._retry = Retry(RETRY_FIRST_S, RETRY_MOST_S)
        self._heard = 0
        self._listening: asyncio.Task[None] | None = None
        self.seen: Snapshot | None = None
        self.city = NO_CITY
        self.up = False

    async def run(self) -> None:
        """Listen until canceled."""
        while True:
            self._listening = asyncio.create_task(self._listen())
            try:
                await asyncio.wait((self._listening,))
            finally:
                self._listening.cancel()
            self._lost(self._listening)
            await self._sleep(self._retry.failed())

    async def tell(self, said: Tell) -> Said | None:
        """Say it once. What comes back is the agent's refusal; None where it was done, or where the agent is lost meanwhile."""
        heard = self._heard
        body = b"" if said.body is None else msgspec.json.encode(dict(said.body))
        try:
            answer = await self._http.ask(said.method, said.path, body, COMMAND_S)
            if answer.status >= 400:
                refusal = _decode(answer.body, _Refusal)
                return Said(key=refusal.key, sentence=refusal.sentence, detail=refusal.detail)
            # A snapshot that the stream brought meanwhile may be the newer one; the next is half a second away.
            if self._heard == heard:
                self._see(_decode(answer.body, Snapshot))
        except AgentGoneError as error:
            log.warning("a command's answer is lost: %s", error)
            self._hang_up()
        return None

    async def _listen(self) -> None:
        async with aclosing(self._http.events("/v1/events")) as events:
            async for raw in events:
                self._heard += 1
                snapshot = _decode(raw, Snapshot)
                self._see(snapshot)
                if snapshot.config != self.city.config:
                    await self._ask_city()

    async def _ask_city(self) -> None:
        """Where it does not say, the names of before stand, and the next snapshot asks again."""
        try:
            answer = await self._http.ask("GET", "/v1/city")
            self.city = _decode(answer.body, CityShown) if answer.status == 200 else self.city
        except AgentGoneError as error:
            log.warning("what the city is called: %s", error)
        self._changed()

    def _see(self, snapshot: Snapshot) -> None:
        if not self.up:
            log.info("the agent is there")
        self._retry.succeeded()
        self.seen, self.up = snapshot, True
        self._changed()

    def _hang_up(self) -> None:
        self.up = False
        if self._listening is not None:
            self._listening.cancel()
        self._changed()

    def _lost(self, listening: "asyncio.Task[None]") -> None:
        if not listening.cancelled() and (error := listening.exception()) is not None:
            if not isinstance(error, BusError):
                raise error
            if self.up:
                log.warning("the agent is lost: %s", error)
        self.up = False
        self._changed()


def _decode(raw: bytes, into: type[T]) -> T:
    try:
        return strict_json.decode(raw, into, ANSWER_BYTES)
    except WireError as error:
        raise AgentAnswerError(str(error)) from None
