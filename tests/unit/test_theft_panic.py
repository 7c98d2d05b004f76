"""The alarm on board, and a lock of city hall's: what is true on the bus at once, what survives a power cut, and what ends it."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent.agent.advice import advise
from bus_agent.agent.link import Link
from bus_agent.agent.outbox import Outbox
from bus_agent.agent.panic import Panic
from bus_agent.agent.syncer import LinkState, Syncer
from bus_agent.errors import LockedError
from cityhall_base.errors import StoreError
from cityhall_base.reasons import Reason
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages.envelope import Opened
from cityhall_wire.messages.link import SessionEnd
from cityhall_wire.messages.relay import Lease, Noted, Refusal
from cityhall_wire.modes import DutyMode
from tests.unit.test_bus_commands import commands, said
from tests.unit.test_bus_store import SESSION, Bus, ready, session_view

S = JobState
LOCKS = ["software_not_approved", "config_differs", "clock_wrong", "clone"]


@pytest.fixture
def bus(tmp_path: Path) -> Bus:
    return Bus(tmp_path)


def alarm(bus: Bus) -> Panic:
    return Panic(bus.store, bus.bodies, bus.duty, bus.roster, bus.scribe, cast(Syncer, bus.line))


def answered(bus: Bus, kind: str, answer: Any) -> None:
    """City hall's answer to the oldest message of this kind, through the real outbox."""
    outbox = Outbox(bus.store, cast(Link, None), bus.scribe, bus.planner, lambda: None)
    message = next(one for one in bus.store.outgoing(-1) if one.kind == kind)
    own = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": 1}
    outbox._settle([(message, Opened(kind, answer(**own), b"", ""))])


def destroyed(bus: Bus) -> bool:
    duty = bus.duty
    shut = (duty.lease_left_s, duty.session, duty.mode) == (0, None, DutyMode.ROUTE_BUS)
    return shut and not bus.bodies.names() and not any(job.state is S.ON_BUS for job in bus.store.jobs())


def at_printer(bus: Bus, *events: Event) -> str:
    name = bus.on_bus(approved=True)
    for event in (Event.RELEASE, *events):
        with bus.store.event():
            bus.store.step(name, event, By.PRINT_KEY, request=b"asked")
    return name


def test_the_alarm_destroys_everything_at_once_without_a_line(bus: Bus) -> None:
    waiting, coming = ready(bus), bus.offered()
    printing, doubtful = at_printer(bus, Event.SENDING), at_printer(bus, Event.DOUBT)
    alarm(bus).press()
    assert destroyed(bus)
    for name in (waiting, coming):
        assert (bus.store.job(name).state, bus.store.job(name).why) == (S.CANCELED, "panic")
    for name in (printing, doubtful):
        assert bus.duty.why_end(bus.store.job(name)) == "panic", "the guard cancels it at the printer, opener included"
    assert [kind for kind, _ in said(bus)] == ["panic", "duty-changed"]
    kinds = [row["kind"] for row in bus.store._store.db.query("select kind from journal")]
    assert kinds.count("destroyed") == 1


def test_the_alarm_pressed_twice_is_said_once(bus: Bus) -> None:
    ready(bus)
    for _ in range(3):
        alarm(bus).press()
    assert [kind for kind, _ in said(bus)] == ["panic", "duty-changed"]


def test_the_alarm_survives_power_cuts_and_nothing_prints_or_calls(bus: Bus) -> None:
    name = ready(bus)
    alarm(bus).press()
    for _ in range(2):
        bus.restart()
        assert (bus.duty.lock.reason, bus.duty.mode) == ("panic", DutyMode.ROUTE_BUS)
        assert [message.kind for message in bus.store.outgoing(-1)] == ["panic", "duty-changed"]
        alarm(bus).look()
        assert destroyed(bus)
    assert bus.store.job(name).state is S.CANCELED


def test_a_deletion_that_a_power_cut_left_undone_is_done_at_the_next_start(bus: Bus) -> None:
    name = ready(bus)
    with bus.store.event():
        bus.duty.lock.panic()
    bus.restart()
    assert bus.bodies.names() == [name]
    alarm(bus).look()
    assert destroyed(bus)


def test_a_plan_that_was_on_its_way_brings_nothing_back(bus: Bus) -> None:
    ready(bus)
    alarm(bus).press()
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    late = bus.offered()
    alarm(bus).look()
    assert destroyed(bus)
    assert bus.duty.lock.reason == "panic"
    assert bus.store.job(late).state is S.CANCELED


def test_the_alarm_ends_only_when_city_hall_has_noted_it_and_then_lets_the_bus_back_in(bus: Bus) -> None:
    ready(bus)
    alarm(bus).press()
    bus.plan()
    assert bus.duty.lock.reason == "panic", "it is not noted yet"
    answered(bus, "panic", Noted)
    bus.plan(locked="revoked")
    assert bus.duty.lock.reason == "panic"
    bus.restart()
    bus.plan(locked="revoked")
    assert bus.duty.lock.reason == "panic"
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    assert (bus.duty.lock.reason, bus.duty.lease_left_s) == ("", 60)
    ready(bus)


def test_a_city_hall_that_does_not_understand_the_alarm_does_not_end_it(bus: Bus) -> None:
    alarm(bus).press()
    answered(bus, "panic", lambda **own: Refusal(**own, reason="not_understood"))
    bus.plan()
    assert bus.duty.lock.reason == "panic"


def test_another_fact_that_is_noted_does_not_end_the_alarm(bus: Bus) -> None:
    alarm(bus).press()
    with bus.store.event():
        bus.scribe.queue(SessionEnd, session=SESSION)
    answered(bus, "session-end", Noted)
    bus.plan()
    assert bus.duty.lock.reason == "panic"


def test_a_disk_that_takes_nothing_does_not_stop_the_alarm_and_it_is_written_down_as_soon_as_it_does(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(bus)
    panic = alarm(bus)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(bus.store, "put", full)
        with pytest.raises(StoreError):
            panic.press()
    assert (bus.duty.lock.reason, bus.bodies.names(), bus.duty.lease_left_s, bus.duty.session) == ("panic", [], 0, None)
    assert said(bus) == []
    panic.press()
    assert destroyed(bus)
    assert [kind for kind, _ in said(bus)] == ["panic", "duty-changed"]


def test_revoked_by_city_hall_is_the_same_destruction_and_ends_with_the_next_unlocked_plan(bus: Bus) -> None:
    waiting, printing = ready(bus), at_printer(bus, Event.SENDING)
    bus.plan(locked="revoked")
    assert bus.duty.why_end(bus.store.job(printing)) == "revoked"
    alarm(bus).look()
    assert destroyed(bus)
    assert (bus.store.job(waiting).state, bus.store.job(waiting).why) == (S.CANCELED, "revoked")
    assert [(kind, fact["why"]) for kind, fact in said(bus)] == [("duty-changed", "relay")]
    bus.plan()
    assert bus.duty.lock.reason == ""


@pytest.mark.parametrize("reason", LOCKS)
def test_a_lesser_lock_shuts_the_bus_and_destroys_nothing(bus: Bus, reason: str) -> None:
    name = ready(bus)
    bus.plan(locked=reason)
    alarm(bus).look()
    assert bus.bodies.names() == [name]
    assert bus.store.job(name).state is S.ON_BUS
    bus.restart()
    assert bus.duty.lock.reason == reason
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view(SESSION))
    assert bus.duty.lock.reason == ""


@pytest.mark.parametrize("reason", [*LOCKS, "revoked", "panic", "a_reason_of_tomorrow"])
def test_print_and_call_are_refused_with_the_locks_own_sentence(bus: Bus, reason: str) -> None:
    name = ready(bus)
    bus.plan(locked=reason)
    asks: tuple[Callable[[], None], ...] = (lambda: bus.duty.check(bus.store.job(name)), bus.duty.lock.check)
    for ask in asks:
        with pytest.raises(LockedError) as refused:
            ask()
        known = Reason(f"reason.{reason}") if reason != "a_reason_of_tomorrow" else None  # type: ignore[call-arg]
        assert refused.value.sentence == (known.english if known else reason)
        assert refused.value.said_key == (str(known) if known else "refused.locked")
    with pytest.raises(LockedError):
        asyncio.run(commands(bus).call("citizen", "hall", 0))


def test_the_lock_is_said_first_of_all_after_what_lies_in_the_tray(bus: Bus) -> None:
    ready(bus)
    bus.plan(locked="config_differs")
    up = LinkState(up=True, since_ms=0)
    assert advise(bus.store.jobs(), bus.duty, up).key == "reason.config_differs"
    doubtful = at_printer(bus, Event.DOUBT)
    said_now = advise(bus.store.jobs(), bus.duty, up)
    assert (said_now.key, said_now.job) == ("do.look", doubtful)
