"""Link messages other than sync: what the concierge says of sheets and sessions, the agent's doubt, the bus's deletion receipt."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay import errors
from cityhall_relay.answers import Answers
from cityhall_relay.books import Books
from cityhall_relay.errors import RelayError
from cityhall_relay.facts import Facts
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Place, Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, Receipt, Side
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages import envelope, link, relay

Fact = link.HandOver | link.Spoiled | link.Refused | link.NothingCameOut | link.Doubt

MEANS: Final[Mapping[type[Fact], JobState]] = MappingProxyType(
    {
        link.HandOver: JobState.HANDED_OVER,
        link.Spoiled: JobState.SPOILED,
        link.Refused: JobState.REFUSED,
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
        books: Books,
    ) -> None:
        self._store, self._jobs, self._facts, self._sessions = store, jobs, facts, sessions
        self._answers, self._clock, self._books = answers, clock, books

    def fact(self, said: Fact, re: bytes) -> bytes:
        """The signed receipt or refusal. Its line of the book is written down in either case: the sheet is gone."""
        if isinstance(said, link.HandOver | link.Spoiled) and said.entry is not None:
            self._books.write(said.bus, said.entry)
        job = self._job(said)
        if job is None:
            return self._answers.refusal(said.bus, re, "unknown_job")
        if said.attempt != job.attempt:
            return self._refuse(job, re, Reason.WRONG_ATTEMPT, said)
        if job.state is not MEANS[type(said)]:
            try:
                job = self._apply(job, said)
            except LifecycleError:
                return self._refuse(job, re, Reason.WRONG_STATE, said)
            self._sessions.touch(job.session)
        elif isinstance(said, link.Spoiled):
            self._facts.name_sheets(job, said.sheets)
        return self._answers.receipt(job, re)

    def session(self, said: link.Call | link.SessionEnd, re: bytes) -> bytes:
        """What the concierge does with the session itself: the signed session-receipt or refusal."""
        try:
            if isinstance(said, link.Call):
                self._sessions.call(said.session, Place(said.bus, said.section, said.stop, said.slot))
            else:
                self._sessions.end_on_bus(said.bus, said.session)
        except RelayError as error:
            reason = _WHY_NOT[type(error)].bare
            self._store.record("session_refused", session=said.session, reason=reason)
            return self._answers.refusal(said.bus, re, reason)
        live = self._sessions.on_bus(said.bus)
        view = self._sessions.view(live) if live else None
        return self._answers.signed(relay.SessionReceipt, said.bus, re, session=view)

    def deleted(self, said: link.CiphertextDeleted, raw: bytes, re: bytes) -> bytes:
        """City hall's own deletion receipt for the bus's, which is kept; or the refusal while the job still lives."""
        job = self._job(said)
        if job is None:
            return self._answers.refusal(said.bus, re, "unknown_job")
        if said.seal_digest != job.seal_digest:
            return self._refuse(job, re, Reason.WRONG_SEAL, said)
        if not job.ended:
            return self._refuse(job, re, Reason.WRONG_STATE, said)
        self._store.save_receipt(Receipt(job=job.job, side=Side.BUS, envelope=raw, at=self._clock.utc_ms()))
        self._store.record("ciphertext_deleted", job.job, state=job.state)
        if job.destroyed_at is None:
            # Its destruction here has failed so far, and city hall signs nothing that is not true yet. The bus's own receipt
            # is kept, so that a later plan lets it forget the job.
            return self._refuse(job, re, Reason.WRONG_STATE, said)
        return self._answers.deletion(job, re)

    def _apply(self, job: Job, said: Fact) -> Job:
        match said:
            case link.HandOver():
                return self._facts.person_says(job, Event.HAND_OVER)
            case link.Spoiled():
                return self._facts.person_says(job, Event.SPOIL, said.sheets, said.why, said.came_out)
            case link.Refused():
                return self._jobs.step(job, Event.REFUSE, By.CONCIERGE, why=said.why)
            case link.NothingCameOut():
                return self._facts.person_says(job, Event.NOTHING_CAME_OUT)
            case link.Doubt():
                return self._jobs.step(job, Event.DOUBT, By.LINK_KEY, why=said.why)

    def _job(self, said: Fact | link.CiphertextDeleted) -> Job | None:
        job = self._store.job(said.job)
        return job if job is not None and job.bus == said.bus else None

    def _refuse(self, job: Job, re: bytes, reason: Reason, said: Fact | link.CiphertextDeleted) -> bytes:
        # What a person on the bus said stays on record, also where it came too late to count.
        what = envelope.kind_of(type(said))
        self._store.record("fact_refused", job.job, said=what, reason=reason.bare, state=job.state)
        return self._answers.refusal(job.bus, re, reason.bare, job)


_WHY_NOT: Final[Mapping[type[RelayError], Reason]] = {
    errors.BusBusyError: Reason.BUS_BUSY,
    errors.BusSuspendedError: Reason.SUSPENDED,
    errors.UnknownPlaceError: Reason.UNKNOWN_PLACE,
    errors.NotFoundError: Reason.UNKNOWN_SESSION,
    errors.NoDutyError: Reason.NO_DUTY,
    errors.NoBookingsError: Reason.NO_BOOKINGS,
}
