"""What ends by the clock or by a change of the moment: jobs at the printer without lease, session or mode (invariant I10),
and prints of which nobody knows anything any more because the spooler is gone.
"""

import logging
from typing import Final

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.lookout import keep_looking
from bus_agent.agent.printing import SPOOLER_GONE
from bus_agent.agent.rows import Job
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import SpoolerGoneError
from bus_agent.ipc.messages import Cancel
from cityhall_base.clock import Clock
from cityhall_wire.lifecycle import AT_PRINTER, By, Event, JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages.link import Doubt

TICK_S: Final = 1.0
"""How late a lapsed lease may be noticed."""

_HELD: Final = AT_PRINTER | {JobState.UNCERTAIN}

log = logging.getLogger(__name__)


class Guard:
    """Looks at every change and every second."""

    def __init__(
        self,
        store: BusStore,
        duty: Duty,
        line: SpoolerLine,
        scribe: Scribe,
        syncer: Syncer,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store, self._duty, self._line, self._scribe, self._syncer = store, duty, line, scribe, syncer
        self._limits, self._clock = limits, clock
        self._canceled: set[tuple[str, int]] = set()
        self._seen_spooler, self._had_spooler, self._had_told = clock.boottime(), False, False

    async def run(self) -> None:
        """For ever."""
        await keep_looking(self.look, self._syncer.planned, log, TICK_S)

    def look(self) -> None:
        """Once, now."""
        now = self._clock.boottime()
        if self._had_told and self._duty.told is None:
            self._syncer.planned.beat()  # the screens must not go on showing what is too old
        self._had_told = self._duty.told is not None
        if self._duty.spooler is not None:
            self._seen_spooler = now
            self._had_spooler = True
        elif self._had_spooler:
            self._canceled.clear()  # the next one has heard nothing yet
            self._had_spooler = False
        blind = now - self._seen_spooler > self._limits.printer_silence_s
        for job in self._store.jobs():
            if blind and job.state in AT_PRINTER:
                self._doubt(job)
            if job.state in _HELD and job.request and (why := self._duty.why_end(job)):
                self._cancel(job, why)

    def _cancel(self, job: Job, why: str) -> None:
        key = (job.job, job.attempt)
        if key in self._canceled:
            return
        try:
            self._line.send(Cancel(job=job.job, attempt=job.attempt, why=why))
        except SpoolerGoneError:
            return  # asked for again when it is back
        self._canceled.add(key)
        log.info("%s: canceled at the printer: %s", job.job, why)
        with self._store.event():
            self._store.record("cancel", job.job, attempt=job.attempt, why=why)

    def _doubt(self, job: Job) -> None:
        with self._store.event():
            self._store.step(job.job, Event.DOUBT, By.LINK_KEY, why=SPOOLER_GONE)
            self._scribe.queue(Doubt, job.job, attempt=job.attempt, why=SPOOLER_GONE)
        self._syncer.tell()
