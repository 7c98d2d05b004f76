"""`evidence` → `receipt`: what a spooler saw of one attempt, and which event of the lifecycle table it is.

Every statement is kept, byte for byte. Only one about the attempt that was released causes anything.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.printers import Printer, Proof
from cityhall_base.reasons import Reason
from cityhall_relay.answers import Answers
from cityhall_relay.jobs import Jobs, may
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Evidence as Kept
from cityhall_relay.store.rows import Job
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages.printing import Evidence, Finding

_EVENTS: Final = {
    Finding.NO_SHEET: Event.NO_SHEET,
    Finding.SENDING: Event.SENDING,
    Finding.SENT: Event.SENT,
    Finding.COMPLETED: Event.COMPLETED,
    Finding.DOUBT: Event.DOUBT,
    Finding.CANCELED_AT_PRINTER: Event.CANCELED_AT_PRINTER,
}


class EvidenceDesk:
    """Takes statements; each is one event. `noticed` hear those about the released attempt, and the job as it stands then."""

    def __init__(
        self, store: RelayStore, jobs: Jobs, sessions: Sessions, answers: Answers, city: City, clock: Clock
    ) -> None:
        self._store, self._jobs, self._sessions = store, jobs, sessions
        self._answers, self._city, self._clock = answers, city, clock
        self.noticed: list[Callable[[Job, Evidence], None]] = []

    def answer(self, said: Evidence, digest: bytes, envelope: bytes) -> bytes:
        """The signed receipt or refusal. The same statement again gets the same answer again, byte for byte."""
        with self._store.event():
            job = self._store.job(said.job)
            if job is None or job.bus != said.bus:
                return self._answers.refusal(said.bus, digest, "unknown_job")
            before = self._store.evidence(said.incarnation, said.nonce, said.job, said.attempt, said.n)
            if before is not None:
                # Under one number a spooler says one thing; a second one is no repetition and is not taken.
                same = before.payload_digest == digest
                return before.answer if same else self._answers.refusal(said.bus, digest, "not_understood", job)
            return self._take(job, said, digest, envelope)

    def _take(self, job: Job, said: Evidence, digest: bytes, envelope: bytes) -> bytes:
        if _unheard(job, said):
            job = self._jobs.step(job, Event.RELEASE, By.PRINT_KEY, nonce=said.nonce)
        if said.attempt != job.attempt or said.nonce != job.nonce:
            answer = self._answers.refusal(said.bus, digest, "wrong_attempt", job)
        else:
            job = self._apply(job, said)
            for notices in self.noticed:
                notices(job, said)
            answer = self._answers.receipt(job, digest)
        self._store.add_evidence(self._kept(said, digest, envelope, answer))
        self._store.record("evidence", job.job, finding=said.finding, why=said.why, n=said.n, attempt=said.attempt)
        return answer

    def _apply(self, job: Job, said: Evidence) -> Job:
        event = self._event(job, said)
        if not may(job.state, event, By.PRINT_KEY):
            return job  # late, or a second witness of the same: where the job stands is the answer
        self._sessions.touch(job.session)
        if event is not Event.NO_SHEET:
            return self._jobs.step(job, event, By.PRINT_KEY, why=said.why)
        # The nonce ends with its attempt: nothing more is said about it that could cause anything.
        job = self._jobs.step(job, event, By.PRINT_KEY, nonce=b"", why=said.why)
        if self._sessions.live(job.session) is None:
            job = self._jobs.step(job, Event.SESSION_END, By.RELAY, why=Reason.SESSION_ENDED.bare)
        return job

    def _event(self, job: Job, said: Evidence) -> Event:
        event = _EVENTS[said.finding]
        came_out = _PROVES[self._printer(job).proof](said)
        proven = {
            Event.COMPLETED: came_out == job.header.impressions and _unbroken(job, said),
            Event.CANCELED_AT_PRINTER: came_out == 0,
        }
        if event in proven and not proven[event]:
            return Event.DOUBT  # a machine never guesses: a printer that cannot prove it leaves it to a person
        return event

    def _printer(self, job: Job) -> Printer:
        return self._city.printers[self._city.vehicles[job.bus].printer]

    def _kept(self, said: Evidence, digest: bytes, envelope: bytes, answer: bytes) -> Kept:
        return Kept(
            incarnation=said.incarnation,
            nonce=said.nonce,
            job=said.job,
            attempt=said.attempt,
            n=said.n,
            finding=str(said.finding),
            payload_digest=digest,
            envelope=envelope,
            answer=answer,
            at=self._clock.utc_ms(),
        )


def _unheard(job: Job, said: Evidence) -> bool:
    """Whether the request of this very attempt was lost on its way here: the bus must not be alone with its doubt.

    That no release was given proves nothing here: this relay may have been restored from before it was.
    """
    return job.state is JobState.ON_BUS and said.attempt == job.attempt and said.finding is not Finding.NO_SHEET


def _counted(said: Evidence) -> int | None:
    if said.counter_before is None or said.counter_after is None:
        return None
    return said.counter_after - said.counter_before


_PROVES: Final[Mapping[Proof, Callable[[Evidence], int | None]]] = {
    Proof.IMPRESSIONS: lambda said: said.impressions,
    Proof.COUNTER: _counted,
    Proof.STATE: lambda said: None,
}
"""Impressions that came out, as each kind of printer can prove them; None is no proof."""


def _unbroken(job: Job, said: Evidence) -> bool:
    """Whether it is the same printer, not restarted since the release was asked for (its counters start at 0 again)."""
    return said.printer_uuid == job.printer_uuid and said.printer_up_time >= job.printer_up_time
