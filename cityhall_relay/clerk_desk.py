"""What a clerk may do with a job: allow it, take it back, refuse it, declare it void, look at it. No HTTP."""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_relay.books import Books
from cityhall_relay.changes import Changes
from cityhall_relay.errors import (
    NoSessionError,
    NotAllowedError,
    NotFoundError,
    ReissueUsedError,
    ResendError,
    TokenError,
    TooLateError,
)
from cityhall_relay.facts import Facts
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.settings import Clerk, Right
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Approval, Job
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event, JobState


class Clerks:
    """Tokens → opaque ids, and the sections that each answers for. Only digests of tokens are known here."""

    def __init__(self, clerks: Mapping[str, Clerk]) -> None:
        self._digests = {name: bytes.fromhex(clerk.token_sha256) for name, clerk in clerks.items()}
        self._sections = {name: clerk.sections for name, clerk in clerks.items()}
        self._rights = {name: frozenset(clerk.may) for name, clerk in clerks.items()}

    def answers_for(self, clerk: str, section: str) -> bool:
        """Whether a session of this section may be the clerk's; one for whom no section is named answers for all."""
        mine = self._sections[clerk]
        return not mine or section in mine

    def check(self, clerk: str, right: Right) -> None:
        """Raises NotAllowedError where this is not among what the clerk may do. Whoever writes into the books reads them too."""
        mine = self._rights[clerk]
        if right not in mine and not (right is Right.READ and Right.BOOKS in mine):
            raise NotAllowedError(f"relay.toml does not give {clerk} the right `{right}`")

    def of_token(self, token: str) -> str:
        """The clerk's opaque id; raises TokenError."""
        shown = hashlib.sha256(token.encode()).digest()
        # Every digest is compared, each in constant time: how long it takes tells nothing.
        found = [clerk for clerk, digest in self._digests.items() if hmac.compare_digest(shown, digest)]
        if not found:
            raise TokenError
        return found[0]


class ClerkDesk:
    """A clerk's own jobs. Anybody else's are not there at all."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        facts: Facts,
        sessions: Sessions,
        city: City,
        clock: Clock,
        changes: Changes,
        books: Books,
    ) -> None:
        self._store, self._jobs, self._facts, self._sessions, self._city = store, jobs, facts, sessions, city
        self._clock, self._changes, self._books = clock, changes, books

    def job(self, clerk: str, name: str) -> Job:
        """A job of one of the clerk's sessions, or one that waits for a second approver. Raises NotFoundError."""
        job = self._store.job(name)
        if job is None or not (self._owns(clerk, job) or self._waits_for_second(job)):
            raise NotFoundError
        return job

    def approve(self, clerk: str, name: str, *, again: bool = False) -> Job:
        """印刷を許可. Raises NotFoundError, NoSessionError, TooLateError or ResendError.

        The very same document a second time in one session is allowed only where the clerk says so (`again`).

        Where the service demands a second approver, any other clerk who is told the job's number may look at it and be the
        second; that is all that somebody else can do with it, and only after the first.
        """
        with self._store.event():
            job = self.job(clerk, name)
            if job.approved_at is not None:
                return job
            if job.state not in BEFORE_RELEASE:
                raise TooLateError
            if self._sessions.live(job.session) is None:
                raise NoSessionError
            if job.resend_of and not again:
                raise ResendError(job.resend_of)
            now = self._clock.utc_ms()
            self._store.add_approval(Approval(job=name, clerk=clerk, at=now))
            self._store.record("approved", name, by=clerk)
            enough = len(self._store.approvals(name)) >= self._city.services[job.service].approvers
            job = msgspec.structs.replace(job, approved_at=now if enough else None, why="")
            self._store.save_job(job)
            self._sessions.touch(job.session)
            self._changes.concerns(job.bus)
        return job

    def cancel(self, clerk: str, name: str) -> Job:
        """取消, whole and before the release only. Raises NotFoundError or TooLateError."""
        return self._end(clerk, name, Event.CANCEL, "")

    def refuse(self, clerk: str, name: str, why: str) -> Job:
        """受付不可, for example because the identity could not be confirmed. Raises NotFoundError or TooLateError."""
        return self._end(clerk, name, Event.REFUSE, why)

    def void(self, clerk: str, name: str, sheets: tuple[str, ...]) -> Job:
        """無効: an `uncertain` job that nobody on the bus can resolve, or a spoiled one that is to have no reissue.

        `sheets` are the numbers of an uncertain one, where they are known. Raises NotFoundError, TooLateError or ReissueError.
        """
        with self._store.event():
            job = self._own(clerk, name)
            match job.state:
                case JobState.SPOILED if job.voided_at is not None:
                    return job
                case JobState.SPOILED:
                    if self._store.reissue_of(name) is not None:
                        raise ReissueUsedError
                    job = msgspec.structs.replace(job, voided_at=self._clock.utc_ms())
                    self._store.save_job(job)
                case JobState.UNCERTAIN:
                    job = self._facts.void(job, sheets)
                    self._books.void(job, sheets, clerk)
                case _:
                    raise TooLateError
            self._store.record("voided", name, by=clerk)
            self._changes.concerns(job.bus)
        return job

    def _end(self, clerk: str, name: str, event: Event, why: str) -> Job:
        with self._store.event():
            job = self._own(clerk, name)
            if job.state is {Event.CANCEL: JobState.CANCELED, Event.REFUSE: JobState.REFUSED}[event]:
                return job
            if job.state not in BEFORE_RELEASE:
                raise TooLateError
            job = self._jobs.step(job, event, By.CLERK, why=why)
            self._sessions.touch(job.session)
            self._changes.concerns(job.bus)
        return job

    def _own(self, clerk: str, name: str) -> Job:
        job = self.job(clerk, name)
        if not self._owns(clerk, job):
            raise NotFoundError
        return job

    def _owns(self, clerk: str, job: Job) -> bool:
        session = self._store.session(job.session)
        return session is not None and session.clerk == clerk

    def _waits_for_second(self, job: Job) -> bool:
        begun = (
            job.approved_at is None and job.state in BEFORE_RELEASE and self._city.services[job.service].approvers > 1
        )
        return begun and bool(self._store.approvals(job.job))
