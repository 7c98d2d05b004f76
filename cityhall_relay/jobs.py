"""The one place where a job changes its state, and what follows from an end.

`step` asks the lifecycle table (cityhall_wire.lifecycle) and writes state, step and journal row in the running event.
"""

import logging
from typing import Any

import msgspec

from cityhall_base.clock import Clock
from cityhall_base.store import TROUBLE, trouble
from cityhall_relay.answers import Answers
from cityhall_relay.bodies import Bodies
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, Receipt, Side, Step
from cityhall_relay.vault import Vault
from cityhall_wire import lifecycle
from cityhall_wire.lifecycle import By, Event, JobState

log = logging.getLogger(__name__)


class Jobs:
    """Steps through the table; the store's event is the caller's."""

    def __init__(self, store: RelayStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def step(self, job: Job, event: Event, by: By, **facts: Any) -> Job:
        """The job after `event`; `facts` are fields that become true with it. Raises LifecycleError."""
        state = lifecycle.step(job.state, event, by)
        # Machine evidence that no sheet came out is the only thing that ever opens another attempt.
        attempt = job.attempt + 1 if event is Event.NO_SHEET else job.attempt
        changed = {"state": state, "attempt": attempt, "changed_at": self._clock.utc_ms(), **facts}
        job = msgspec.structs.replace(job, **changed)
        self._write(job, event, by)
        return job

    def begin(self, job: Job) -> None:
        """A new job, sealed."""
        self._write(job, "seal", By.CLERK)

    def _write(self, job: Job, event: str, by: By) -> None:
        self._store.save_job(job)
        step = Step(job=job.job, event=str(event), by=str(by), state=job.state, attempt=job.attempt, at=job.changed_at)
        self._store.add_step(step)
        self._store.record("step", job.job, event=step.event, by=step.by, state=job.state, attempt=job.attempt)
        if job.ended:
            self._store.drop_releases(job.job)


def may(state: JobState, event: Event, by: By) -> bool:
    """Whether the table has such a row: for facts that are told again and again."""
    return any(row.state is state and row.event is event and by in row.by for row in lifecycle.TABLE)


class Undertaker:
    """Ended means destroyed: key, release and ciphertext go, then city hall signs that they are gone."""

    def __init__(self, store: RelayStore, vault: Vault, bodies: Bodies, answers: Answers, clock: Clock) -> None:
        self._store, self._vault, self._bodies = store, vault, bodies
        self._answers, self._clock = answers, clock
        self._busy, self._said = False, ""

    def bury_all(self) -> None:
        """Do it for every job that ended. What fails is said in the log, stays undone, and is tried again."""
        if self._busy:  # its own commits wake it up
            return
        self._busy = True
        try:
            for job in self._store.undestroyed_jobs():
                self._bury(job)
            self._said = ""
        except TROUBLE as error:
            sentence = str(trouble(error))
            if sentence != self._said:  # loud once, then quiet: it is tried every second
                log.error("an ended job could not be destroyed yet: %s", sentence)  # noqa: TRY400 - the sentence is enough
            self._said = sentence
        finally:
            self._busy = False

    def _bury(self, job: Job) -> None:
        self._bodies.delete(job.job)  # first: on a full disk it makes the room that the rest needs
        self._vault.destroy(job.job)
        self._store.checkpoint()  # the release, too, leaves the log
        now = self._clock.utc_ms()
        with self._store.event():
            receipt = Receipt(job=job.job, side=Side.RELAY, envelope=self._answers.deletion(job), at=now)
            self._store.save_receipt(receipt)
            self._store.save_job(msgspec.structs.replace(job, destroyed_at=now))
            self._store.record("destroyed", job.job, state=job.state)
