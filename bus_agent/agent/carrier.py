"""Fetches offered ciphertext by Range, two ranges in flight, and goes on where a cut left it.

What counts as received is whole ranges that are on disk; so a cut costs at most the two ranges in flight once more.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.link import Link
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import LinkError, UnknownJobError
from cityhall_base.retry import Retry
from cityhall_base.store import TROUBLE
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.limits import BODY_RANGE_BYTES, RANGES_IN_FLIGHT

REST_S: Final = 60.0
"""A plan that was missed is looked at again after this."""

log = logging.getLogger(__name__)


class Carrier:
    """Runs for ever; woken by each plan."""

    def __init__(self, store: BusStore, bodies: Bodies, link: Link, syncer: Syncer) -> None:
        self._store, self._bodies, self._link, self._syncer = store, bodies, link, syncer

    async def run(self) -> None:
        """The jobs one after the other, in the order in which they were offered."""
        retry, seen = Retry(), 0
        while True:
            seen = self._syncer.planned.count
            try:
                while job := self._next():
                    await self.carry(job)
            except (LinkError, *TROUBLE) as error:
                log.info("carriage interrupted: %s", error)
                await asyncio.sleep(retry.failed())
                self._syncer.wake()  # a body that is not there any more has another plan
                continue
            retry.succeeded()
            await self._syncer.planned.after(seen, REST_S)

    async def carry(self, job: Job) -> None:
        """One body to its end, or until the job is not wanted any more; raises LinkError or OSError."""
        async with contextlib.aclosing(self._ranges(job)) as ranges:
            async for start, data in ranges:
                await asyncio.to_thread(self._bodies.write, job.job, start, data)
                if not self._received(job.job, start + len(data)):
                    return
        with self._store.event():
            self._store.step(job.job, Event.CARRIED, By.LINK_KEY)
        self._syncer.wake()

    def _next(self) -> Job | None:
        return next((job for job in self._store.jobs() if job.state is JobState.OFFERED), None)

    def _received(self, name: str, received: int) -> bool:
        try:
            if self._store.job(name).state is not JobState.OFFERED:
                return False
        except UnknownJobError:
            return False
        with self._store.event():
            self._store.change(name, received=received)
        return True

    async def _ranges(self, job: Job) -> AsyncGenerator[tuple[int, bytes], None]:
        flying: deque[tuple[int, asyncio.Task[bytes]]] = deque()
        offset = job.received
        try:
            while offset < job.body_size or flying:
                while offset < job.body_size and len(flying) < RANGES_IN_FLIGHT:
                    end = min(offset + BODY_RANGE_BYTES, job.body_size)
                    flying.append((offset, asyncio.create_task(self._link.body(job.job, offset, end))))
                    offset = end
                start, task = flying[0]
                data = await task
                flying.popleft()
                yield start, data
        finally:
            for _, task in flying:
                task.cancel()
            await asyncio.gather(*(task for _, task in flying), return_exceptions=True)
