"""Brings a release request to city hall and its answer back to the spooler, unchanged, within the release time."""

import asyncio
import logging

from bus_agent.agent.link import Link
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import LinkError, SpoolerGoneError, UnknownJobError
from bus_agent.ipc.messages import ENVELOPE_BYTES, Answered, Requested
from cityhall_base.clock import Clock
from cityhall_base.retry import Retry
from cityhall_base.store import TROUBLE, trouble
from cityhall_wire.limits import Limits
from cityhall_wire.messages.relay import Refusal

_AGAIN_S = 0.3

log = logging.getLogger(__name__)


class ReleaseCourier:
    """Each request in a task of its own. City hall answers the identical request identically, so asking twice is safe."""

    def __init__(self, store: BusStore, link: Link, syncer: Syncer, limits: Limits, clock: Clock) -> None:
        self._store, self._link, self._syncer = store, link, syncer
        self._limits, self._clock = limits, clock
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, requested: Requested, line: SpoolerLine) -> None:
        """In the background; what does not come in time is NO_SHEET by the spooler's word."""
        task = asyncio.create_task(self._fetch(requested, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, requested: Requested, line: SpoolerLine) -> None:
        answer = await self._ask(requested)
        if answer is None or len(answer) > ENVELOPE_BYTES:
            return
        try:
            line.send(Answered(job=requested.job, attempt=requested.attempt, envelope=answer))
        except SpoolerGoneError as error:
            log.info("%s: %s", requested.job, error)

    async def _ask(self, requested: Requested) -> bytes | None:
        until, retry = self._clock.boottime() + self._limits.release_s, Retry(_AGAIN_S)
        while (left := until - self._clock.boottime()) > 0:
            try:
                raw, opened = await self._link.ask("/1/release", requested.envelope, left)
            except LinkError as error:
                log.info("%s: release: %s", requested.job, error)
                await asyncio.sleep(min(left, retry.failed()))
                continue
            if isinstance(opened.message, Refusal):
                self._refused(requested.job, opened.message.reason)
            return raw
        return None

    def _refused(self, name: str, reason: str) -> None:
        try:
            with self._store.event():
                self._store.change(name, why=reason)
                self._store.record("release_refused", name, reason=reason)
        except UnknownJobError:
            log.info("%s: refused, and forgotten here already", name)
        except TROUBLE as error:
            log.warning("%s: %s", name, trouble(error))  # the spooler gets the refusal all the same
        self._syncer.wake()
