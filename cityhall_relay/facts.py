"""What a person says about the sheets of a job, kept as it was said."""

import json

from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.jobs import Jobs
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, SheetEntry
from cityhall_wire.lifecycle import AT_PRINTER, By, Event


class Facts:
    """A person's word; inside the running event."""

    def __init__(self, store: RelayStore, jobs: Jobs, clock: Clock) -> None:
        self._store, self._jobs, self._clock = store, jobs, clock

    def person_says(
        self, job: Job, event: Event, numbers: tuple[str, ...] = (), why: str = "", came_out: int | None = None
    ) -> Job:
        """HAND_OVER, SPOIL or NOTHING_CAME_OUT by the concierge. Raises LifecycleError where the table has no such row."""
        if job.state in AT_PRINTER:
            # The bus asks a person only when it knows or doubts, so its print evidence is late or lost: a doubt first.
            job = self._jobs.step(job, Event.DOUBT, By.LINK_KEY)
        job = self._jobs.step(job, event, By.CONCIERGE, **({"why": why} if why else {}))
        if event is not Event.NOTHING_CAME_OUT:
            self._store.add_sheets(self._entry(job, numbers, why, came_out))
        return job

    def name_sheets(self, job: Job, numbers: tuple[str, ...]) -> None:
        """The numbers of sheets of which only the count was known: an inventory overtook the message that has them."""
        if numbers:
            self._store.name_sheets(job.job, job.attempt, json.dumps(numbers, ensure_ascii=False))
            self._store.record("sheets_named", job.job, numbers=len(numbers))

    def void(self, job: Job, numbers: tuple[str, ...]) -> Job:
        """The clerk's word on an `uncertain` job: whatever came out is worth nothing. Raises LifecycleError."""
        why = Reason.VOIDED.bare
        job = self._jobs.step(job, Event.VOID, By.CLERK, why=why, voided_at=self._clock.utc_ms())
        self._store.add_sheets(self._entry(job, numbers, why, None))
        return job

    def _entry(self, job: Job, numbers: tuple[str, ...], why: str, came_out: int | None) -> SheetEntry:
        header = job.header
        return SheetEntry(
            job=job.job,
            attempt=job.attempt,
            kind=str(job.state),
            paper=header.paper,
            # Where nobody said how many, every sheet of the document counts: a person gave the whole of it an end.
            sheets=came_out or len(numbers) or header.sheets,
            numbers=json.dumps(numbers, ensure_ascii=False),
            why=why,
            at=self._clock.utc_ms(),
        )
