"""What a clerk may do with a job: allow it, take it back, look at it. No HTTP."""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_relay.changes import Changes
from cityhall_relay.errors import NoSessionError, NotFoundError, TokenError, TooLateError
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Approval, Job
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event, JobState


class Clerks:
    """Tokens → opaque ids. Only digests of tokens are known here."""

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

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
        self, store: RelayStore, jobs: Jobs, sessions: Sessions, city: City, clock: Clock, changes: Changes
    ) -> None:
        self._store, self._jobs, self._sessions, self._city = store, jobs, sessions, city
        self._clock, self._changes = clock, changes

    def job(self, clerk: str, name: str) -> Job:
        """A job of one of the clerk's sessions; raises NotFoundError."""
        job = self._store.job(name)
        session = self._store.session(job.session) if job else None
        if job is None or session is None or session.clerk != clerk:
            raise NotFoundError
        return job

    def approve(self, clerk: str, name: str) -> Job:
        """印刷を許可. Raises NotFoundError, NoSessionError or TooLateError.

        Where the service demands a second approver, any other clerk who is told the job's number may be the second; that
        is the one thing somebody else can do with it, and only after the first.
        """
        now = self._clock.utc_ms()
        with self._store.event():
            job = self._approvable(clerk, name)
            if job.approved_at is not None:
                return job
            if job.state not in BEFORE_RELEASE:
                raise TooLateError
            if self._sessions.live(job.session) is None:
                raise NoSessionError
            self._store.add_approval(Approval(job=name, clerk=clerk, at=now))
            self._store.record("approved", name, by=clerk)
            enough = len(self._store.approvals(name)) >= self._needed(job)
            job = msgspec.structs.replace(job, approved_at=now if enough else None)
            self._store.save_job(job)
            self._sessions.touch(job.session)
            self._changes.concerns(job.bus)
        return job

    def cancel(self, clerk: str, name: str) -> Job:
        """取消, whole and before the release only. Raises NotFoundError or TooLateError."""
        with self._store.event():
            job = self.job(clerk, name)
            if job.state is JobState.CANCELED:
                return job
            if job.state not in BEFORE_RELEASE:
                raise TooLateError
            job = self._jobs.step(job, Event.CANCEL, By.CLERK)
            self._sessions.touch(job.session)
            self._changes.concerns(job.bus)
        return job

    def _approvable(self, clerk: str, name: str) -> Job:
        job = self._store.job(name)
        second = job is not None and self._needed(job) > 1 and self._store.approvals(name)
        return job if job is not None and second else self.job(clerk, name)

    def _needed(self, job: Job) -> int:
        return 2 if self._city.services[job.service].second_approver else 1
