"""What a person on the bus says about the sheets, and the line of the sheet ledger that follows from it."""

import json

from cityhall_base.clock import Clock
from cityhall_relay.jobs import Jobs
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, SheetEntry
from cityhall_wire.lifecycle import AT_PRINTER, By, Event


class Facts:
    """A person's word; inside the running event."""

    def __init__(self, store: RelayStore, jobs: Jobs, clock: Clock) -> None:
        self._store, self._jobs, self._clock = store, jobs, clock

    def person_says(self, job: Job, event: Event, numbers: tuple[str, ...] = (), why: str = "") -> Job:
        """HAND_OVER, SPOIL or NOTHING_CAME_OUT by the concierge. Raises LifecycleError where the table has no such row."""
        if job.state in AT_PRINTER:
            # The bus asks a person only when it knows or doubts, so its print evidence is late or lost: a doubt first.
            job = self._jobs.step(job, Event.DOUBT, By.LINK_KEY)
        job = self._jobs.step(job, event, By.CONCIERGE)
        if event is not Event.NOTHING_CAME_OUT:
            self._store.add_sheets(self._entry(job, numbers, why))
        return job

    def _entry(self, job: Job, numbers: tuple[str, ...], why: str) -> SheetEntry:
        header = job.header
        return SheetEntry(
            job=job.job,
            attempt=job.attempt,
            kind=str(job.state),
            paper=header.paper,
            # Without numbers, every sheet of the document counts: a person gave the whole of it an end.
            sheets=len(numbers) or header.sheets,
            numbers=json.dumps(numbers, ensure_ascii=False),
            why=why,
            at=self._clock.utc_ms(),
        )
