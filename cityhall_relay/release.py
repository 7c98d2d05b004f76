"""`release-request` → `release`: the one moment in which a content key leaves city hall, for one opener, once.

`CHECKS` is the whole rule (docs/design.md, I2) as a table: a reason, and when it refuses. They are asked in this order, so that
the reason on both screens is the first one that a person can do something about.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.answers import Answers
from cityhall_relay.errors import KeyGoneError
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus, Job, Release, Session
from cityhall_relay.vault import Vault
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.headers import ReleaseHeader
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event, JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages import relay
from cityhall_wire.messages.printing import ReleaseRequest
from cityhall_wire.modes import may_print


class Rules(NamedTuple):
    """What a bus must run with."""

    limits: Limits
    config: bytes
    software: frozenset[bytes]


class Case(NamedTuple):
    """One request, and everything that it is judged by."""

    request: ReleaseRequest
    digest: bytes  # of the request's payload
    job: Job
    bus: Bus  # what its agent said last
    session: Session | None  # live on this bus now
    given: Release | None  # for this job and attempt
    spoken_of: bool  # the spooler has already said what became of this very attempt
    rules: Rules
    now: int

    @property
    def repeated(self) -> bool:
        """Whether this is the request that the release was given to."""
        return self.given is not None and self.given.request_digest == self.digest


def _wrong_session(case: Case) -> bool:
    live = case.session.session if case.session else None
    return not live == case.request.session == case.job.session


def _approval_expired(case: Case) -> bool:
    approved_at = case.job.approved_at or 0
    return case.now >= approved_at + case.rules.limits.approved_s * 1000


def _software_not_approved(case: Case) -> bool:
    # Spooler and agent are two processes, and one of them may have been left behind by an update.
    return not {case.request.software, case.bus.software} <= case.rules.software


def _config_differs(case: Case) -> bool:
    return {case.request.config, case.bus.config} != {case.rules.config}


def _wrong_state(case: Case) -> bool:
    # While it is releasing, whoever asks is answered by the attempt: the same request again, or `attempt_used`.
    return case.job.state not in (JobState.ON_BUS, JobState.RELEASING)


CHECKS: Final[tuple[tuple[str, Callable[[Case], bool]], ...]] = (
    ("no_session", lambda case: case.session is None),
    ("not_approved", lambda case: case.job.approved_at is None),
    ("approval_expired", _approval_expired),
    ("wrong_session", _wrong_session),
    ("wrong_state", _wrong_state),
    ("wrong_attempt", lambda case: case.request.attempt != case.job.attempt),
    ("wrong_seal", lambda case: case.request.seal_digest != case.job.seal_digest),
    ("mode_forbids", lambda case: not may_print(case.request.mode, case.job.header.job_class)),
    ("software_not_approved", _software_not_approved),
    ("config_differs", _config_differs),
    ("attempt_used", lambda case: case.spoken_of or (case.given is not None and not case.repeated)),
)


def refusal_reason(case: Case) -> str | None:
    """The first check that refuses; None where the release may be given."""
    return next((reason for reason, refuses in CHECKS if refuses(case)), None)


Blocker = Callable[[Case], Reason | None]
"""Another desk's reason why nothing of this case may be released now: the books, a checklist, the hour."""


class ReleaseDesk:
    """Gives releases, each stored in the transaction that makes the job `releasing`. `blockers` are asked after CHECKS."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        sessions: Sessions,
        vault: Vault,
        answers: Answers,
        rules: Rules,
        clock: Clock,
    ) -> None:
        self._store, self._jobs, self._sessions, self._vault = store, jobs, sessions, vault
        self._answers, self._rules, self._clock = answers, rules, clock
        self.blockers: list[Blocker] = []

    def answer(self, request: ReleaseRequest, digest: bytes) -> bytes:
        """The signed release or refusal; one event. Raises OpenError where the opener's key is none."""
        with self._store.event():
            job = self._store.job(request.job)
            # Nothing can be asked about a job that this bus has no part in, so this comes before the table.
            if job is None or job.bus != request.bus:
                return self._answers.refusal(request.bus, digest, "unknown_job")
            case = self._case(request, digest, job)
            reason = refusal_reason(case) or self._blocked(case)
            if reason is not None:
                return self._refuse(case, reason)
            if case.given is not None:
                return case.given.envelope
            return self._give(case)

    def _case(self, request: ReleaseRequest, digest: bytes, job: Job) -> Case:
        bus = self._store.bus(request.bus)
        return Case(
            request=request,
            digest=digest,
            job=job,
            bus=bus,
            session=None if bus.suspended else self._sessions.on_bus(request.bus),
            given=self._store.release(request.job, request.attempt),
            # A request that was overtaken by its own end must not release anything any more.
            spoken_of=self._store.evidence_of_nonce(request.job, request.nonce),
            rules=self._rules,
            now=self._clock.utc_ms(),
        )

    def _blocked(self, case: Case) -> str | None:
        # What was given already is repeated: a block begins with the next print.
        if case.given is not None:
            return None
        return next((reason.bare for blocks in self.blockers if (reason := blocks(case))), None)

    def _refuse(self, case: Case, reason: str) -> bytes:
        self._store.record("release_refused", case.job.job, reason=reason, attempt=case.request.attempt)
        if case.job.state in BEFORE_RELEASE:
            # The clerk reads it too: whoever can mend it is at city hall as often as on the bus.
            self._store.save_job(msgspec.structs.replace(case.job, why=reason))
        return self._answers.refusal(case.request.bus, case.digest, reason, case.job)

    def _give(self, case: Case) -> bytes:
        request, job = case.request, case.job
        raw = headers.encode_header(self._header(request))
        try:
            wrapped = seal.wrap_for_opener(self._vault.take(job.job, job.seal_digest), request.opener_key, raw)
        except KeyGoneError:
            job = self._jobs.step(job, Event.EXPIRE, By.RELAY, why=Reason.KEY_GONE.bare)
            return self._refuse(case._replace(job=job), "wrong_state")
        answer = self._answers.signed(relay.Release, job.bus, case.digest, release_header=raw, wrapped_key=wrapped)
        facts = {
            "nonce": request.nonce,
            "printer_uuid": request.printer_uuid,
            "printer_up_time": request.printer_up_time,
            "why": "",
        }
        self._jobs.step(job, Event.RELEASE, By.PRINT_KEY, **facts)
        given = Release(job=job.job, attempt=job.attempt, request_digest=case.digest, envelope=answer)
        self._store.add_release(given)
        self._sessions.touch(job.session)
        return answer

    def _header(self, request: ReleaseRequest) -> ReleaseHeader:
        approvals = self._store.approvals(request.job)
        return ReleaseHeader(
            v=PROTOCOL_VERSION,
            city=request.city,
            bus=request.bus,
            session=request.session,
            job=request.job,
            seal_digest=request.seal_digest,
            attempt=request.attempt,
            nonce=request.nonce,
            opener_key_digest=headers.opener_key_digest(request.opener_key),
            mode=request.mode,
            approvals=tuple(headers.Approval(by=one.clerk, at=one.at) for one in approvals[:4]),
            software=request.software,
            config=request.config,
        )
