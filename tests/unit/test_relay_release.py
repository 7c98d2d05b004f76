"""The one moment in which a content key leaves city hall, and every reason for which it does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cityhall_relay.bodies import Bodies
from cityhall_relay.errors import KeyGoneError
from cityhall_wire import headers, seal
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import relay
from cityhall_wire.messages.link import HandOver
from cityhall_wire.messages.printing import Finding
from cityhall_wire.modes import DutyMode
from tests.relay_city import OnBus, Town, carried, desk_bus


@pytest.fixture
def on_bus(tmp_path: Path) -> OnBus:
    return carried(Town(tmp_path))


def reason(answer: Any) -> str:
    assert isinstance(answer, relay.Refusal), answer
    return answer.reason


def test_a_released_key_opens_the_body_for_this_opener_alone(on_bus: OnBus) -> None:
    opener = seal.OpenerKey()
    answer = on_bus.bus.asks(on_bus.bus.request(on_bus.job, opener))
    assert on_bus.state is JobState.RELEASING
    job = on_bus.job
    body = Bodies(on_bus.town.top / "state" / "bodies").read(job.job, 0, job.body_size)
    key = opener.unwrap(answer.wrapped_key, answer.release_header)
    assert bytes(seal.open_body(key, job.seal_header, [body])) == b"a document"
    header = headers.decode_release_header(answer.release_header)
    assert [approval.by for approval in header.approvals] == ["clerk-1"]


WRONG: dict[str, Callable[[OnBus], dict[str, Any]]] = {
    "unknown_job": lambda _: {"job": "j" + "0" * 24},
    "wrong_session": lambda _: {"session": "s" + "0" * 24},
    "wrong_attempt": lambda _: {"attempt": 2},
    "wrong_seal": lambda _: {"seal_digest": bytes(32)},
    "mode_forbids": lambda _: {"mode": DutyMode.ROUTE_BUS},
    "software_not_approved": lambda _: {"software": bytes(32)},
    "config_differs": lambda _: {"config": bytes(32)},
}


@pytest.mark.parametrize("expected", WRONG)
def test_a_request_with_one_wrong_thing_is_refused_for_it(on_bus: OnBus, expected: str) -> None:
    request = on_bus.bus.request(on_bus.job, seal.OpenerKey(), **WRONG[expected](on_bus))
    assert reason(on_bus.bus.asks(request)) == expected
    assert on_bus.state is JobState.ON_BUS


@pytest.mark.parametrize(("field", "expected"), [("software", "software_not_approved"), ("config", "config_differs")])
def test_an_agent_that_was_left_behind_is_reason_enough(on_bus: OnBus, field: str, expected: str) -> None:
    request = on_bus.bus.request(on_bus.job, seal.OpenerKey())
    on_bus.bus.sync(**{field: bytes(32)})
    assert reason(on_bus.bus.asks(request)) == expected
    on_bus.bus.sync()
    assert isinstance(on_bus.bus.asks(request), relay.Release)


def test_another_bus_cannot_ask_for_the_job(on_bus: OnBus) -> None:
    other = desk_bus(on_bus.town, "bus-2")
    assert reason(other.asks(other.request(on_bus.job, seal.OpenerKey()))) == "unknown_job"


def test_an_unapproved_job_is_not_released(tmp_path: Path) -> None:
    on_bus = carried(Town(tmp_path), approve=False)
    assert reason(on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))) == "not_approved"


def test_an_approval_that_is_too_old_no_longer_counts(on_bus: OnBus) -> None:
    on_bus.town.clock.forward(300)
    on_bus.town.relay.sessions.touch(on_bus.session.session)  # the session lives on
    on_bus.town.clock.forward(301)
    assert reason(on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))) == "approval_expired"


def test_a_late_release_is_refused_after_the_session_ended(on_bus: OnBus) -> None:
    request = on_bus.bus.request(on_bus.job, seal.OpenerKey())
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    answer = on_bus.bus.asks(request)
    assert reason(answer) == "no_session"
    assert answer.state is JobState.CANCELED


def test_a_document_of_the_session_before_is_refused_in_the_next_one(on_bus: OnBus) -> None:
    """Yokohama 2023: the next applicant must never get the file of the one before."""
    old = on_bus.job
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    new = on_bus.town.session()
    for session in (old.session, new.session):
        request = on_bus.bus.request(old, seal.OpenerKey(), session=session)
        assert reason(on_bus.bus.asks(request)) == "wrong_session"


def test_a_canceled_document_is_refused(on_bus: OnBus) -> None:
    on_bus.town.relay.clerk_desk.cancel("clerk-1", on_bus.name)
    assert reason(on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))) == "wrong_state"


def test_the_identical_request_gets_the_identical_release_and_any_other_none(on_bus: OnBus) -> None:
    request, first = on_bus.release()
    assert on_bus.bus.asks(request) == first
    other = msgspec.structs.replace(request, opener_key=seal.OpenerKey().public)
    assert reason(on_bus.bus.asks(other)) == "attempt_used"
    assert reason(on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))) == "attempt_used"


def test_a_release_is_not_repeated_once_the_session_ended(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    assert reason(on_bus.bus.asks(request)) == "no_session"
    assert on_bus.state is JobState.RELEASING


def test_a_request_that_its_own_end_overtook_releases_nothing(on_bus: OnBus) -> None:
    request = on_bus.bus.request(on_bus.job, seal.OpenerKey())
    assert reason(on_bus.bus.evidence(request, Finding.NO_SHEET, 1)) == "wrong_attempt"
    assert reason(on_bus.bus.asks(request)) == "attempt_used"
    assert on_bus.state is JobState.ON_BUS


def test_two_approvers_are_two_clerks(tmp_path: Path) -> None:
    town = Town(tmp_path)
    desk, session = town.relay.clerk_desk, town.session()
    job = town.send(session, service="two-approvers").job
    assert desk.approve("clerk-1", job.job).approved_at is None
    assert desk.approve("clerk-1", job.job).approved_at is None
    assert desk.approve("clerk-2", job.job).approved_at is not None


def test_without_its_key_a_job_expires_instead_of_being_released(on_bus: OnBus) -> None:
    on_bus.town.relay.vault.destroy(on_bus.name)
    assert reason(on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))) == "wrong_state"
    assert on_bus.state is JobState.EXPIRED


def test_an_ended_job_cannot_be_opened_by_the_live_relay(on_bus: OnBus) -> None:
    job = on_bus.job
    on_bus.release()
    on_bus.bus.fact(HandOver, job=job.job, attempt=1)
    with pytest.raises(KeyGoneError):
        on_bus.town.relay.vault.take(job.job, job.seal_digest)
    assert on_bus.town.relay.store.release(job.job, 1) is None
    assert not (on_bus.town.top / "state" / "bodies" / job.job).exists()
