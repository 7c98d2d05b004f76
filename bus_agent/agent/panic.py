"""The alarm on board, and what city hall's `revoked` does here: all that the bus holds is destroyed, with or without a line.

What is at the printer the guard cancels, opener included, as for every other end of the moment (`Duty.why_end`).
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.lookout import keep_looking
from bus_agent.agent.roster import Roster
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from cityhall_base.reasons import REASONS, Reason
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event
from cityhall_wire.messages.link import Panic as Pressed
from cityhall_wire.modes import DutyCause

REST_S: Final = 1.0
"""How soon a disk that did not delete is asked again."""

log = logging.getLogger(__name__)


class Panic:
    """`press` is the alarm; `run` destroys whenever a lock demands it, from boot on."""

    def __init__(
        self, store: BusStore, bodies: Bodies, duty: Duty, roster: Roster, scribe: Scribe, syncer: Syncer
    ) -> None:
        self._store, self._bodies, self._duty, self._scribe, self._syncer = store, bodies, duty, scribe, syncer
        self._roster = roster
        roster.bars.append(self._bar)
        self._ended = ""  # the lock for which everything was ended

    def press(self) -> None:
        """Once is enough, and again changes nothing. Raises what the disk raises (TROUBLE); then it is locked all the same."""
        lock = self._duty.lock
        lock.reason = Reason.PANIC.bare  # before the disk is asked for anything
        self._duty.drop()
        count = self._empty()  # first: on a full disk it makes the room that the rest needs
        if not lock.pressed:
            with self._store.event():
                lock.panic()
                self._scribe.queue(Pressed)
                self._end(Reason.PANIC, By.CONCIERGE)
                self._store.record("destroyed", why=lock.reason, ciphertexts=count)
        self._syncer.wake()

    async def run(self) -> None:
        """For ever."""
        await keep_looking(self.look, self._syncer.planned, log, 60 * REST_S, REST_S)

    def look(self) -> None:
        """Once, now."""
        lock = self._duty.lock
        if not lock.destroys:
            self._ended = ""
            return
        count = self._empty()
        if self._ended != lock.reason or count or any(job.state in BEFORE_RELEASE for job in self._store.jobs()):
            with self._store.event():
                self._end(REASONS[lock.reason], By.RELAY)
                self._store.record("destroyed", why=lock.reason, ciphertexts=count)
            self._ended = lock.reason

    def _end(self, why: Reason, by: By) -> None:
        for job in self._store.jobs():
            if job.state in BEFORE_RELEASE:
                self._store.step(job.job, Event.SESSION_END, by, why=why.bare)
        self._duty.drop()
        self._roster.leave(DutyCause.RELAY if by is By.RELAY else DutyCause.PANIC)

    def _bar(self) -> None:
        # Not for every lock: with a wrong clock she may go on consulting, and only what prints is refused.
        if self._duty.lock.destroys:
            self._duty.lock.check()

    def _empty(self) -> int:
        # The rows keep their `body_kept`: the bus signs a deletion when city hall has receipted the end, as for every job.
        names = self._bodies.names()
        for name in names:
            self._bodies.delete(name)
        return len(names)


class PanicDesk:
    """`POST /v1/panic`, without a body: the answer is a snapshot."""

    def __init__(self, panic: Panic) -> None:
        self._panic = panic

    def routes(self, now: Callable[[], Response]) -> Sequence[Route]:
        """The one address."""

        async def press(request: Request) -> Response:
            self._panic.press()
            return now()

        return [Route("/v1/panic", press, methods=["POST"])]
