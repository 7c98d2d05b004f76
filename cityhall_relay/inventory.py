"""What a bus's inventory tells about jobs: facts whose own message was lost or stale are taken from here.

Applied at every sync, news or not, so only what the table allows is done and everything else is left as it is.
"""

from typing import Final

from cityhall_base.reasons import Reason
from cityhall_relay.facts import Facts
from cityhall_relay.jobs import Jobs, may
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job
from cityhall_wire.lifecycle import AT_PRINTER, By, Event, JobState
from cityhall_wire.messages.link import Holding

_PERSON: Final = {
    JobState.HANDED_OVER: Event.HAND_OVER,
    JobState.SPOILED: Event.SPOIL,
    JobState.NOT_PRINTED: Event.NOTHING_CAME_OUT,
}
_BEFORE: Final = {JobState.REFUSED: Event.REFUSE, JobState.CANCELED: Event.SESSION_END}
"""What she ended before the release: her own word on this document, or on the whole session."""


class Inventory:
    """Applies holdings; inside the running event."""

    def __init__(self, store: RelayStore, jobs: Jobs, facts: Facts) -> None:
        self._store, self._jobs, self._facts = store, jobs, facts

    def apply(self, bus: str, holdings: tuple[Holding, ...]) -> None:
        """Bring the relay's view of this bus's live jobs up to what the bus holds."""
        held = {holding.job: holding for holding in holdings}
        for job in self._store.live_jobs():
            if job.bus != bus:
                continue
            holding = held.get(job.job)
            if holding is None:
                self._lost(job)
            elif holding.attempt == job.attempt:
                self._told(job, holding)
            elif holding.attempt > job.attempt and job.state in AT_PRINTER:
                # It says that nothing came out, and what the print key signed of that would have come before the inventory.
                self._jobs.step(job, Event.DOUBT, By.RELAY, why=Reason.PROOF_MISSING.bare)

    def _lost(self, job: Job) -> None:
        # Before the release it is simply offered again; at the printer nobody is left who could say what came out.
        if job.state in AT_PRINTER:
            self._jobs.step(job, Event.DOUBT, By.RELAY, why=Reason.BUS_LOST.bare)

    def _told(self, job: Job, holding: Holding) -> None:
        if holding.received >= job.body_size:
            job = self._carried(job)
        before, person = _BEFORE.get(holding.state), _PERSON.get(holding.state)
        if holding.state is JobState.UNCERTAIN and may(job.state, Event.DOUBT, By.LINK_KEY):
            self._jobs.step(job, Event.DOUBT, By.LINK_KEY)
        elif before and may(job.state, before, By.CONCIERGE):
            self._jobs.step(job, before, By.CONCIERGE)
        elif person and (job.state in AT_PRINTER or may(job.state, person, By.CONCIERGE)):
            self._facts.person_says(job, person)

    def _carried(self, job: Job) -> Job:
        if job.state is JobState.SEALED:
            job = self._jobs.step(job, Event.OFFER, By.RELAY)
        if job.state is JobState.OFFERED:
            job = self._jobs.step(job, Event.CARRIED, By.LINK_KEY)
        return job
