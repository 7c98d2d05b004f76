"""Keeps bus and city hall at one view: what happened goes out first, in order; then `sync`, and its plan is applied.

What happened goes before `sync`, because it says more than the inventory: sheet numbers, and what the print key has seen.

Level-triggered: at once on a hint or a change of its own, else every `sync_s`; after any loss, in any order, any number of
times, both sides end in the same state.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping

import msgspec

from bus_agent.agent.duty import Duty, inventory
from bus_agent.agent.facts import Scribe
from bus_agent.agent.link import Link
from bus_agent.agent.outbox import EVIDENCE, Outbox
from bus_agent.agent.planning import Planner
from bus_agent.agent.pulse import Pulse
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.errors import AnswerError, LinkError
from cityhall_base.clock import Clock
from cityhall_base.retry import Retry
from cityhall_base.store import TROUBLE, trouble
from cityhall_base.words import Word
from cityhall_wire.limits import Limits
from cityhall_wire.messages.link import LinkMessage, Sync
from cityhall_wire.messages.relay import Answer, Plan, Refusal, Stale

log = logging.getLogger(__name__)


class Digests(msgspec.Struct, frozen=True):
    """Which program and which configuration this bus runs: 32 bytes each."""

    software: bytes
    config: bytes


class LinkWord(Word):
    """What is said of the line beside its errors."""

    CONNECTING = ("link.connecting", "City hall is being called; wait a moment.")
    DEAD_ZONE = ("link.dead_zone", "There is no signal here; just wait, it goes on by itself when the signal is back.")


class LinkState(msgspec.Struct, frozen=True):
    """The line as the screen shows it. `key` is empty while it is up."""

    up: bool
    since_ms: int
    key: str = ""
    sentence: str = ""


class Syncer:
    """Runs for ever; `wake` makes it look at once. `says` are asked for further fields of each sync."""

    def __init__(
        self,
        store: BusStore,
        link: Link,
        scribe: Scribe,
        planner: Planner,
        duty: Duty,
        digests: Digests,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store, self._link, self._scribe = store, link, scribe
        self._planner, self._duty, self._digests, self._limits = planner, duty, digests, limits
        self._clock = clock
        self._wake = asyncio.Event()
        self._outbox = Outbox(store, link, scribe, planner, self.wake)
        self._one_at_a_time = asyncio.Lock()
        self._due = 0.0  # when the next plan is wanted, by CLOCK_BOOTTIME
        self._told = b""  # digest of the inventory that city hall has
        self.says: list[Callable[[], Mapping[str, object]]] = []
        self.planned = Pulse()
        self.state = LinkState(
            up=False, since_ms=clock.utc_ms(), key=LinkWord.CONNECTING, sentence=LinkWord.CONNECTING.english
        )

    def wake(self) -> None:
        """Something is news, here or at city hall: a plan is wanted."""
        self._due = self._clock.boottime()
        self._wake.set()

    def tell(self) -> None:
        """A fact waits to go out. Its receipt says where the job stands, so no plan is asked for: the line is metered."""
        self._wake.set()

    async def run(self) -> None:
        """Sync, wait, sync."""
        retry = Retry()
        while True:
            self._wake.clear()
            try:
                await self._turn()
            except LinkError as error:
                self._due = self._clock.boottime()
                self._down(error.key, error.sentence, str(error))
                await self._rest(retry.failed())
            except TROUBLE as error:
                # Nothing of what failed stays, city hall will say it again, and the screen says why it waits.
                self._due = self._clock.boottime()
                said = trouble(error)
                self._down(said.key, str(said), str(said))
                await self._rest(retry.failed())
            else:
                retry.succeeded()
                await self._rest(self._due - self._clock.boottime())

    async def _rest(self, seconds: float) -> None:
        # A hint ends the wait after a failure too: it is the first sign that the line is back.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _turn(self) -> None:
        if self._clock.boottime() < self._due:
            await self.flush()
            return
        # Before it is asked for: what becomes news meanwhile wants another.
        self._due = self._clock.boottime() + self._limits.sync_s
        await self.once()

    async def once(self) -> None:
        """Everything out, one plan in, and out what follows from it; raises LinkError."""
        async with self._one_at_a_time:
            await self._outbox.drain()
            if await self._sync(whole=False) and await self._sync(whole=True):
                raise AnswerError("asked for the same twice")
            await self._outbox.drain()
        self._up()

    async def flush(self) -> None:
        """Everything out, so that city hall knows what came before a print; raises LinkError."""
        async with self._one_at_a_time:
            await self._outbox.drain()

    async def ask(self, kind: type[LinkMessage], **fields: object) -> Answer:
        """Say something that is worth nothing later, and hear the answer now; raises LinkError."""
        async with self._one_at_a_time:
            await self._outbox.drain()
            _, opened = await self._link.ask(EVIDENCE, self._scribe.sign(kind, **fields))
            if isinstance(opened.message, Stale):
                self._scribe.outrun(opened.message.boot)
                _, opened = await self._link.ask(EVIDENCE, self._scribe.sign(kind, **fields))
        return opened.expect(Answer)

    # --- sync ---

    async def _sync(self, *, whole: bool) -> bool:
        jobs = self._store.jobs()
        digest = hashlib.sha256(inventory(jobs)).digest()
        nonce, sent_at = secrets.token_bytes(32), self._clock.boottime()
        raw = self._scribe.sign(Sync, **self._content(jobs, digest, nonce, whole=whole or digest != self._told))
        _, opened = await self._link.ask("/1/sync", raw)
        if isinstance(opened.message, Stale):
            self._scribe.outrun(opened.message.boot)
            return True
        if isinstance(opened.message, Refusal):
            raise LinkError(opened.message.reason)
        plan = opened.message
        if not isinstance(plan, Plan):
            raise AnswerError(opened.kind)
        if plan.inventory_wanted:
            self._told = b""
            return True
        self._take(plan, nonce, sent_at)
        self._told = digest
        return False

    def _content(self, jobs: list[Job], digest: bytes, nonce: bytes, *, whole: bool) -> dict[str, object]:
        duty = self._duty
        return {
            "nonce": nonce,
            "token": self._store.get("token"),
            "software": self._digests.software,
            "config": self._digests.config,
            "mode": duty.mode,
            "session": duty.session.session if duty.session else None,
            "printer": duty.printer,
            "spooler": duty.spooler is not None,
            "inventory_digest": digest,
            "inventory": tuple(job.holding for job in jobs) if whole else None,
            **{name: value for say in self.says for name, value in say().items()},
        }

    def _take(self, plan: Plan, nonce: bytes, sent_at: float) -> None:
        if plan.token != self._store.get("token"):
            with self._store.event():
                self._store.put("token", plan.token)
        self._duty.hear(plan, nonce, sent_at)
        self._planner.apply(plan)
        self.planned.beat()

    # --- how the line is ---

    def _up(self) -> None:
        if not self.state.up:
            log.info("city hall answers")
            self.state = LinkState(up=True, since_ms=self._clock.utc_ms())
            self.planned.beat()

    def _down(self, key: str, sentence: str, detail: str) -> None:
        # Loud once, then quiet.
        if self.state.up or self.state.key != key:
            log.warning("%s", detail)
            since = self._clock.utc_ms() if self.state.up else self.state.since_ms
            self.state = LinkState(up=False, since_ms=since, key=key, sentence=sentence)
            self.planned.beat()
