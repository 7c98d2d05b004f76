"""City hall's plan, applied: what should be, made so. Any number of times, in any order, with the same result."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.facts import Scribe
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from cityhall_base.store import trouble
from cityhall_wire.errors import WireError
from cityhall_wire.headers import decode_seal_header
from cityhall_wire.lifecycle import AT_PRINTER, ENDS, TABLE, By, Event, JobState, Row, step
from cityhall_wire.messages.link import CiphertextDeleted
from cityhall_wire.messages.relay import Offer, Order, Plan
from cityhall_wire.seal import sealed_size

MOST_JOBS: Final = 200
"""Lines that an inventory may have."""

log = logging.getLogger(__name__)


class Planner:
    """Brings the bus to where city hall sees it.

    `hears` are told each plan before its orders; `spoils` a job that ended as spoiled by city hall's word, inside that event.
    """

    def __init__(self, store: BusStore, bodies: Bodies, scribe: Scribe) -> None:
        self._store, self._bodies, self._scribe = store, bodies, scribe
        self.hears: list[Callable[[Plan], None]] = []
        self.spoils: list[Callable[[Job], None]] = []

    def apply(self, plan: Plan) -> None:
        """Whoever hears it, then offers, then orders; one event each."""
        for hear in self.hears:
            hear(plan)
        for offer in plan.offers:
            self._offer(offer)
        held = {job.job: job for job in self._store.jobs()}
        for order in plan.orders:
            if order.job in held:
                self._order(held[order.job], order)

    def ended(self, name: str) -> None:
        """City hall has receipted this job's end: its ciphertext goes, and the bus says so."""
        job = self._store.job(name)
        if not job.body_kept:
            return
        self._bodies.delete(name)
        with self._store.event():
            self._store.change(name, body_kept=False, acknowledged=True, request=b"")
            self._store.record("ciphertext_deleted", name)
            self._scribe.queue(CiphertextDeleted, name, seal_digest=job.seal_digest)

    def agree(self, name: str, state: JobState, attempt: int) -> None:
        """Where city hall sees a job, from a receipt or an order. Its word on an end is final, and so is its attempt."""
        job = self._store.job(name)
        if state in ENDS and not job.ended:
            self._follow(job, state)
        elif state is JobState.UNCERTAIN and job.state in AT_PRINTER:
            with self._store.event():
                self._store.step(name, Event.DOUBT, By.RELAY, why="relay_doubts")
        elif state is job.state is JobState.ON_BUS and attempt != job.attempt:
            with self._store.event():
                self._store.change(name, attempt=attempt)
                self._store.record("attempt", name, attempt=attempt)
        if state in ENDS:
            self.ended(name)

    def _offer(self, offer: Offer) -> None:
        try:
            header = decode_seal_header(offer.seal_header)
        except WireError as error:
            log.warning("an offer was not taken: %s", error)
            return
        jobs = {job.job for job in self._store.jobs()}
        fits = header.city == self._scribe.city and offer.body_size == sealed_size(header.size)
        if header.job in jobs or not fits or len(jobs) >= MOST_JOBS:
            return
        try:
            self._bodies.prepare(header.job, offer.body_size)
        except OSError as error:
            # City hall offers it again with each plan; what is here already goes on.
            log.warning("%s was not taken: %s", header.job, trouble(error))
            return
        job = Job(
            job=header.job,
            session=offer.session,
            state=step(JobState.SEALED, Event.OFFER, By.RELAY),
            attempt=1,
            approved=offer.approved,
            seal_header=offer.seal_header,
            body_size=offer.body_size,
        )
        with self._store.event():
            self._store.add(job)

    def _order(self, job: Job, order: Order) -> None:
        if order.approved != job.approved:
            with self._store.event():
                self._store.change(job.job, approved=order.approved)
                self._store.record("approved" if order.approved else "approval_gone", job.job)
        self.agree(job.job, order.state, order.attempt)
        if order.forget and order.state in ENDS:
            with self._store.event():
                self._store.forget(job.job)

    def _follow(self, job: Job, end: JobState) -> None:
        rows = path(job.state, end)
        if not rows:
            log.warning("%s: city hall sees %s, here it is %s", job.job, end, job.state)
            return
        # City hall has recorded each step from one who may cause it; the bus was not there, or has lost it.
        with self._store.event():
            for row in rows:
                self._store.step(job.job, row.event, By.RELAY if By.RELAY in row.by else min(row.by))
            self._store.record("followed", job.job, state=end)
            if end is JobState.SPOILED:
                for spoil in self.spoils:
                    spoil(job)


def path(start: JobState, end: JobState) -> list[Row]:
    """The shortest way through the lifecycle table; empty where there is none."""
    ways: deque[tuple[JobState, list[Row]]] = deque([(start, [])])
    seen = {start}
    while ways:
        state, rows = ways.popleft()
        if state is end:
            return rows
        for row in TABLE:
            if row.state is state and row.to not in seen:
                seen.add(row.to)
                ways.append((row.to, [*rows, row]))
    return []
