"""Link messages other than sync: what the concierge says of the sheets, the agent's doubt, and the bus's deletion receipt."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cityhall_base.clock import Clock
from cityhall_relay.answers import Answers
from cityhall_relay.facts import Facts
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, Receipt, Side
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages import link

Fact = link.HandOver | link.Spoiled | link.NothingCameOut | link.Doubt

MEANS: Final[Mapping[type[Fact], JobState]] = MappingProxyType(
    {
        link.HandOver: JobState.HANDED_OVER,
        link.Spoiled: JobState.SPOILED,
        link.NothingCameOut: JobState.NOT_PRINTED,
        link.Doubt: JobState.UNCERTAIN,
    }
)
"""Where the job stands after each fact; one that stands there already is told twice, and gets its receipt again."""


class LinkDesk:
    """Answers messages that are in order (cityhall_wire.messages.sequence) and properly signed; inside the running event."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        facts: Facts,
        sessions: Sessions,
        answers: Answers,
        clock: Clock,
    ) -> None:
        self._store, self._jobs, self._facts, self._sessions = store, jobs, facts, sessions
        self._answers, self._clock = answers, clock

    def fact(self, said: Fact, re: bytes) -> bytes:
        """The signed receipt or refusal."""
        job = self._job(said)
        if job is None:
            return self._answers.refusal(said.bus, re, "unknown_job")
        if said.attempt != job.attempt:
            return self._refuse(job, re, "wrong_attempt")
        if job.state is not MEANS[type(said)]:
            try:
                job = self._apply(job, said)
            except LifecycleError:
                return self._refuse(job, re, "wrong_state")
            self._sessions.touch(job.session)
        return self._answers.receipt(job, re)

    def deleted(self, said: link.CiphertextDeleted, envelope: bytes, re: bytes) -> bytes:
        """City hall's own deletion receipt for the bus's, which is kept; or the refusal while the job still lives."""
        job = self._job(said)
        if job is None:
            return self._answers.refusal(said.bus, re, "unknown_job")
        if said.seal_digest != job.seal_digest:
            return self._refuse(job, re, "wrong_seal")
        if not job.ended:
            return self._refuse(job, re, "wrong_state")
        self._store.save_receipt(Receipt(job=job.job, side=Side.BUS, envelope=envelope, at=self._clock.utc_ms()))
        self._store.record("ciphertext_deleted", job.job, state=job.state)
        if job.destroyed_at is None:
            # Its destruction here has failed so far, and city hall signs nothing that is not true yet. The bus's own receipt
            # is kept, so that a later plan lets it forget the job.
            return self._refuse(job, re, "wrong_state")
        return self._answers.deletion(job, re)

    def _apply(self, job: Job, said: Fact) -> Job:
        match said:
            case link.HandOver():
                return self._facts.person_says(job, Event.HAND_OVER)
            case link.Spoiled():
                return self._facts.person_says(job, Event.SPOIL, said.sheets, said.why)
            case link.NothingCameOut():
                return self._facts.person_says(job, Event.NOTHING_CAME_OUT)
            case link.Doubt():
                return self._jobs.step(job, Event.DOUBT, By.LINK_KEY)

    def _job(self, said: Fact | link.CiphertextDeleted) -> Job | None:
        job = self._store.job(said.job)
        return job if job is not None and job.bus == said.bus else None

    def _refuse(self, job: Job, re: bytes, reason: str) -> bytes:
        self._store.record("fact_refused", job.job, reason=reason, state=job.state)
        return self._answers.refusal(job.bus, re, reason, job)
