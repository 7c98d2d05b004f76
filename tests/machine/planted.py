"""Faults that the machine must find: each is what a hurried change could make of the product, put in its place for one run."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

import msgspec

from bus_agent.spooler.recovery import Recovery
from bus_agent.spooler.watch import Verdict
from cityhall_relay import evidence, release
from cityhall_relay.inventory import Inventory
from cityhall_relay.jobs import Jobs, Undertaker
from cityhall_relay.link_desk import LinkDesk
from cityhall_relay.sessions import Sessions
from cityhall_relay.store.rows import Session
from cityhall_relay.vault import Vault
from cityhall_wire.lifecycle import AT_PRINTER, By, Event, JobState
from cityhall_wire.messages import link, sequence
from cityhall_wire.messages.printing import Finding

Planted = Callable[[], contextlib.AbstractContextManager[Any]]


@contextlib.contextmanager
def only_the_lock_is_released() -> Iterator[None]:
    """A session's end frees clerk and bus, and leaves the documents where they are (a timed-out wait, and the next applicant)."""

    def end(self: Sessions, session: Session, why: str) -> Session:
        ended = msgspec.structs.replace(session, ended_at=self._clock.utc_ms(), why_ended=why)
        with self._store.event():
            self._store.save_session(ended)
            self._store.record("session_ended", session=session.session, why=why)
        return ended

    with mock.patch.object(Sessions, "_end", end):
        yield


@contextlib.contextmanager
def the_end_spares_what_is_approved() -> Iterator[None]:
    """A session's end kills only what its clerk has not approved."""
    step = Jobs.step

    def spare(self: Jobs, job: Any, event: Event, by: By, **facts: Any) -> Any:
        spared = event is Event.SESSION_END and job.approved_at is not None
        return job if spared else step(self, job, event, by, **facts)

    with mock.patch.object(Jobs, "step", spare):
        yield


@contextlib.contextmanager
def a_release_is_given_twice() -> Iterator[None]:
    """Whoever asks for an attempt gets a release, and a fresh one each time."""
    checks = tuple(check for check in release.CHECKS if check[0] != "attempt_used")
    give = release.ReleaseDesk._case

    def case(self: release.ReleaseDesk, *of: Any) -> release.Case:
        found = give(self, *of)
        if found.given is not None:
            self._store.drop_releases(found.job.job)
            found = found._replace(given=None, job=msgspec.structs.replace(found.job, state=JobState.ON_BUS))
        return found

    with mock.patch.object(release, "CHECKS", checks), mock.patch.object(release.ReleaseDesk, "_case", case):
        yield


@contextlib.contextmanager
def no_sheet_is_believed_from_the_agent() -> Iterator[None]:
    """The agent's own doubt takes a job back to the bus."""
    told, fact = Inventory._told, LinkDesk.fact

    def doubt(self: LinkDesk, said: Any, re: bytes) -> bytes:
        job = self._store.job(said.job)
        if isinstance(said, link.Doubt) and job is not None and job.state in AT_PRINTER:
            self._jobs.step(job, Event.NO_SHEET, By.PRINT_KEY, nonce=b"")
        return fact(self, said, re)

    def believe(self: Inventory, job: Any, holding: Any) -> None:
        if job.state in AT_PRINTER and holding.state is JobState.UNCERTAIN:
            self._jobs.step(job, Event.NO_SHEET, By.PRINT_KEY, nonce=b"")
            return
        told(self, job, holding)

    with mock.patch.object(Inventory, "_told", believe), mock.patch.object(LinkDesk, "fact", doubt):
        yield


@contextlib.contextmanager
def an_older_nonce_is_taken() -> Iterator[None]:
    """Evidence counts by its attempt alone."""
    take = evidence.EvidenceDesk._take

    def any_nonce(self: evidence.EvidenceDesk, job: Any, said: Any, digest: bytes, envelope: bytes) -> bytes:
        return take(self, msgspec.structs.replace(job, nonce=said.nonce), said, digest, envelope)

    with mock.patch.object(evidence.EvidenceDesk, "_take", any_nonce):
        yield


@contextlib.contextmanager
def not_found_is_taken_for_never_there() -> Iterator[None]:
    """After a restart "no such job" always means that no sheet came out."""
    never = Verdict(Finding.NO_SHEET, "never_at_printer")
    with mock.patch.object(Recovery, "_not_found", return_value=never):
        yield


@contextlib.contextmanager
def a_torso_is_believed() -> Iterator[None]:
    """After a restart `completed` counts also where nobody knows that the document was sent whole."""
    with mock.patch.object(Recovery, "_if_sent", lambda self, verdict: verdict):
        yield


@contextlib.contextmanager
def the_order_is_not_looked_at() -> Iterator[None]:
    """Link messages are taken in any order."""
    with mock.patch("cityhall_relay.bus_desk.judge", return_value=sequence.Verdict.NEW):
        yield


@contextlib.contextmanager
def the_key_outlives_its_job() -> Iterator[None]:
    """City hall signs an end and keeps the wrapped key."""
    bury = Undertaker._bury

    def keep(self: Undertaker, job: Any) -> None:
        with mock.patch.object(Vault, "destroy", return_value=None):
            bury(self, job)

    with mock.patch.object(Undertaker, "_bury", keep):
        yield


FAULTS: Final[tuple[Planted, ...]] = (
    only_the_lock_is_released,
    the_end_spares_what_is_approved,
    a_release_is_given_twice,
    no_sheet_is_believed_from_the_agent,
    an_older_nonce_is_taken,
    not_found_is_taken_for_never_there,
    a_torso_is_believed,
    the_order_is_not_looked_at,
    the_key_outlives_its_job,
)
