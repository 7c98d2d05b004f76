"""Takamatsu, 2024: two relay processes on one state, which a lock forbids. If somebody forces it, nothing crosses all the same.

Here the second relay acts at the worst moment by construction: the first has been asked, has looked at whatever it looks at
beforehand, and is about to begin its event. (tests/integration/test_accidents.py does it with two processes and by chance.)
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from cityhall_base import store as base_store
from cityhall_relay import boss
from cityhall_relay.errors import BusBusyError, ClerkBusyError, NoSessionError, RelayError, TooLateError
from cityhall_relay.settings import load_relay
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.printing import Finding
from cityhall_wire.seal import OpenerKey
from tests.relay_city import HandMadeBus, OnBus, Town, carried, two_pages

S = JobState


class Second:
    """The other relay, over the same state, and whoever talks to it."""

    def __init__(self, first: Town) -> None:
        self.clock = first.clock
        self.relay = boss.build(load_relay(first.top / "relay.toml"), first.clock, two_pages)
        self.desk = self.relay.clerk_desk

    def bus(self, like: HandMadeBus) -> HandMadeBus:
        """The same vehicle, at this relay's door."""
        kinds = ("release-request", "evidence", "hand-over")
        twin = HandMadeBus(
            like._keys, like.bus, lambda _, raw: self.relay.bus_desk.answer(like.bus, raw, kinds), like.clock
        )
        twin.boot, twin.seq, twin.token, twin.held = like.boot, like.seq, like.token, like.held
        twin.incarnation = like.incarnation
        return twin


@pytest.fixture
def on_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnBus:
    # The only thing that keeps a second process out (test_takamatsu_2024_a_second_relay_on_the_same_database_does_not_start).
    monkeypatch.setattr(base_store, "_lock", lambda path: os.open(path.parent, os.O_RDONLY))
    return carried(Town(tmp_path), document=b"2 pages")


@pytest.fixture
def second(on_bus: OnBus) -> Iterator[Second]:
    second = Second(on_bus.town)
    yield second
    assert second.relay.store.verify_journal() == on_bus.town.relay.store.verify_journal() > 0
    second.relay.close()


def just_before_its_event(first: Town, act: Callable[[], object]) -> None:
    """Have the second relay do `act` when the first is about to begin its next event."""
    store: Any = first.relay.store
    event = store.event

    def overtaken() -> AbstractContextManager[object]:
        store.event = event
        act()
        return event()  # type: ignore[no-any-return]

    store.event = overtaken


def refused(answer: Any) -> str:
    assert isinstance(answer, relay.Refusal), answer
    return answer.reason


def test_of_two_releases_for_two_openers_one_is_given(on_bus: OnBus, second: Second) -> None:
    other, answers = second.bus(on_bus.bus), []
    just_before_its_event(on_bus.town, lambda: answers.append(other.asks(other.request(on_bus.job, OpenerKey()))))
    assert refused(on_bus.bus.asks(on_bus.bus.request(on_bus.job, OpenerKey()))) == "attempt_used"
    assert isinstance(answers[0], relay.Release)


def test_the_same_request_at_both_gets_the_same_release(on_bus: OnBus, second: Second) -> None:
    request, answers = on_bus.bus.request(on_bus.job, OpenerKey()), []
    just_before_its_event(on_bus.town, lambda: answers.append(second.bus(on_bus.bus).asks(request)))
    assert on_bus.bus.asks(request) == answers[0]


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_job_that_died_a_moment_ago_is_not_released(on_bus: OnBus, second: Second, end: str) -> None:
    ends: dict[str, Callable[[], object]] = {
        "cancel": lambda: second.desk.cancel("clerk-1", on_bus.name),
        "close": lambda: second.relay.sessions.close("clerk-1", on_bus.session.session),
    }
    just_before_its_event(on_bus.town, ends[end])
    asked = on_bus.bus.asks(on_bus.bus.request(on_bus.job, OpenerKey()))
    assert refused(asked) in {"wrong_state", "no_session"}
    assert on_bus.state is S.CANCELED
    assert on_bus.town.relay.store.release(on_bus.name, 1) is None


def released_at(second: Second, on_bus: OnBus) -> None:
    bus = second.bus(on_bus.bus)
    assert isinstance(bus.asks(bus.request(on_bus.job, OpenerKey())), relay.Release)


def test_what_was_released_a_moment_ago_is_not_canceled(on_bus: OnBus, second: Second) -> None:
    just_before_its_event(on_bus.town, lambda: released_at(second, on_bus))
    with pytest.raises(TooLateError):
        on_bus.town.relay.clerk_desk.cancel("clerk-1", on_bus.name)
    assert on_bus.state is S.RELEASING


def test_a_sessions_end_does_not_bury_what_was_released_a_moment_ago(on_bus: OnBus, second: Second) -> None:
    just_before_its_event(on_bus.town, lambda: released_at(second, on_bus))
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    assert on_bus.state is S.RELEASING


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_an_approval_wakes_no_dead_job(on_bus: OnBus, second: Second, end: str) -> None:
    job = on_bus.town.send(on_bus.session, b"another").job.job
    ends: dict[str, Callable[[], object]] = {
        "cancel": lambda: second.desk.cancel("clerk-1", job),
        "close": lambda: second.relay.sessions.close("clerk-1", on_bus.session.session),
    }
    just_before_its_event(on_bus.town, ends[end])
    with pytest.raises(TooLateError):
        on_bus.town.relay.clerk_desk.approve("clerk-1", job)
    assert on_bus.town.state(job) is S.CANCELED
    assert on_bus.town.relay.store.approvals(job) == []


def test_a_document_is_not_kept_in_a_session_that_ended_a_moment_ago(on_bus: OnBus, second: Second) -> None:
    just_before_its_event(on_bus.town, lambda: second.relay.sessions.close("clerk-1", on_bus.session.session))
    with pytest.raises(NoSessionError):
        on_bus.town.send(on_bus.session, b"too late")
    assert on_bus.town.relay.store.live_jobs() == []
    assert list((on_bus.town.top / "state" / "bodies").iterdir()) == []
    assert on_bus.town.relay.keys.db.table("wrapped").count == 0


@pytest.mark.parametrize(
    ("clerk", "bus", "error"), [("clerk-2", "bus-1", BusBusyError), ("clerk-1", "bus-2", ClerkBusyError)]
)
def test_of_two_sessions_for_one_bus_or_one_clerk_one_is_opened(
    on_bus: OnBus, second: Second, clerk: str, bus: str, error: type[RelayError]
) -> None:
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    just_before_its_event(on_bus.town, lambda: second.relay.sessions.open("clerk-1", "bus-1", "citizen", "hall", 1))
    with pytest.raises(error):
        on_bus.town.relay.sessions.open(clerk, bus, "citizen", "hall", 1)
    assert [live.bus for live in on_bus.town.relay.store.live_sessions()] == ["bus-1"]


def test_late_evidence_takes_no_job_out_of_its_end(on_bus: OnBus, second: Second) -> None:
    request, _ = on_bus.release()
    other = second.bus(on_bus.bus)
    just_before_its_event(on_bus.town, lambda: other.fact(link.HandOver, job=on_bus.name, attempt=1))
    answer = on_bus.bus.evidence(request, Finding.COMPLETED, 1, impressions=2)
    assert isinstance(answer, relay.Receipt)
    assert answer.state is on_bus.state is S.HANDED_OVER


def test_the_same_statement_at_both_counts_once(on_bus: OnBus, second: Second) -> None:
    request, _ = on_bus.release()
    other, answers = second.bus(on_bus.bus), []
    just_before_its_event(on_bus.town, lambda: answers.append(other.evidence(request, Finding.NO_SHEET, 1)))
    assert on_bus.bus.evidence(request, Finding.NO_SHEET, 1) == answers[0]
    assert (on_bus.state, on_bus.job.attempt) == (S.ON_BUS, 2)


def test_the_clock_does_not_judge_by_what_was_true_a_moment_ago(on_bus: OnBus, second: Second) -> None:
    request, _ = on_bus.release()
    on_bus.town.clock.forward(136)  # longer than release and printer's silence
    other = second.bus(on_bus.bus)
    just_before_its_event(on_bus.town, lambda: other.evidence(request, Finding.COMPLETED, 1, impressions=2))
    on_bus.town.relay.housekeeping.tick()
    assert on_bus.state is S.PRINTED


def test_an_idle_session_that_was_used_a_moment_ago_goes_on(on_bus: OnBus, second: Second) -> None:
    town = on_bus.town
    job = town.send(on_bus.session, b"another").job.job
    town.clock.forward(900)

    def used_in_its_last_second() -> None:
        town.clock.forward(-1)
        second.desk.approve("clerk-1", job)
        town.clock.forward(1)

    just_before_its_event(town, used_in_its_last_second)
    town.relay.sessions.end_idle()
    assert town.relay.sessions.live(on_bus.session.session) is not None
