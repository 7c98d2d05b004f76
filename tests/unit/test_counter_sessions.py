"""A counter session from the call to its end, at city hall: and what dies with it, whatever arrives later."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cityhall_relay.errors import BusBusyError, CallGoneError, ClerkBusyError, NoSessionError, NotFoundError
from cityhall_relay.store.rows import Session
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.printing import Finding
from cityhall_wire.seal import OpenerKey
from tests.relay_city import HandMadeBus, OnBus, Town, carried, desk_bus

S = JobState
CALL = "s" + "a" * 24


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def calls(bus: HandMadeBus, session: str = CALL, section: str = "citizen", **fields: Any) -> Any:
    return bus.fact(link.Call, session=session, section=section, stop="hall", slot=7, **fields)


def session(town: Town, name: str = CALL) -> Session:
    found = town.relay.store.session(name)
    assert found is not None
    return found


def accepted(town: Town) -> tuple[HandMadeBus, Session]:
    bus = desk_bus(town)
    calls(bus)
    return bus, town.relay.sessions.accept("clerk-1", CALL)


def test_a_call_rings_until_a_clerk_accepts_it(town: Town) -> None:
    bus = desk_bus(town)
    answer = calls(bus)
    assert isinstance(answer, relay.SessionReceipt)
    assert answer.session is not None
    assert (answer.session.clerk, answer.session.slot, answer.session.seconds_left) == (None, 7, 120)
    assert [one.session for one in town.relay.sessions.calls()] == [CALL]
    town.relay.sessions.accept("clerk-1", CALL)
    seen = bus.sync().session
    assert seen is not None
    assert (seen.session, seen.clerk, seen.seconds_left) == (CALL, "clerk-1", 900)
    assert town.relay.sessions.calls() == []


def test_nothing_is_sent_into_a_call_that_nobody_has_accepted(town: Town) -> None:
    calls(desk_bus(town))
    for clerk in ("", "clerk-1"):
        with pytest.raises(NoSessionError):
            town.send(msgspec.structs.replace(session(town), clerk=clerk))


def test_a_call_that_is_repeated_is_one_call(town: Town) -> None:
    bus = desk_bus(town)
    assert calls(bus).session == calls(bus).session
    assert len(town.relay.store.live_sessions()) == 1


def test_the_next_call_of_a_bus_takes_the_place_of_one_that_nobody_answered(town: Town) -> None:
    bus, second = desk_bus(town), "s" + "b" * 24
    calls(bus)
    assert calls(bus, second, "tax").session.section == "tax"
    assert session(town).why_ended == "called_again"
    with pytest.raises(CallGoneError):
        town.relay.sessions.accept("clerk-1", CALL)


@pytest.mark.parametrize(("fields", "reason"), [({"section": "nowhere"}, "unknown_place"), ({}, "bus_busy")])
def test_a_call_that_cannot_be_is_refused_and_ends_nothing(town: Town, fields: dict[str, Any], reason: str) -> None:
    bus, live = accepted(town)
    assert calls(bus, "s" + "b" * 24, **fields).reason == reason
    assert session(town) == live


def test_no_bus_takes_the_session_of_another(town: Town) -> None:
    accepted(town)
    other = desk_bus(town, "bus-2")
    assert calls(other).reason == "bus_busy"
    assert other.fact(link.SessionEnd, session=CALL).reason == "unknown_session"
    assert session(town).live


def test_one_clerk_takes_a_call_once_and_nobody_takes_it_twice(town: Town) -> None:
    _, live = accepted(town)
    assert town.relay.sessions.accept("clerk-1", CALL) == live
    with pytest.raises(CallGoneError):
        town.relay.sessions.accept("clerk-2", CALL)
    other = "s" + "b" * 24
    calls(desk_bus(town, "bus-2"), other)
    with pytest.raises(ClerkBusyError):
        town.relay.sessions.accept("clerk-1", other)
    with pytest.raises(BusBusyError):
        town.session("clerk-2", "bus-1")


def test_two_buses_may_ring_at_once(town: Town) -> None:
    for number, bus in enumerate(("bus-1", "bus-2", "bus-3")):
        calls(desk_bus(town, bus), f"s{number:024x}")
    assert [one.bus for one in town.relay.sessions.calls()] == ["bus-1", "bus-2", "bus-3"]


def test_a_call_that_nobody_answers_ends(town: Town) -> None:
    bus = desk_bus(town)
    calls(bus)
    town.clock.forward(119)
    bus.sync()
    town.clock.forward(1)
    with pytest.raises(CallGoneError):
        town.relay.sessions.accept("clerk-1", CALL)
    town.relay.housekeeping.tick()
    assert session(town).why_ended == "unanswered"
    assert bus.sync().session is None


ENDS: list[tuple[str, str]] = [("clerk", "closed"), ("bus", "ended_on_bus"), ("idle", "idle"), ("reboot", "rebooted")]


def end(on_bus: OnBus, how: str) -> None:
    town, bus = on_bus.town, on_bus.bus
    match how:
        case "clerk":
            town.relay.sessions.close("clerk-1", on_bus.session.session)
        case "bus":
            bus.fact(link.SessionEnd, session=on_bus.session.session)
        case "idle":
            town.clock.forward(901)
            town.relay.housekeeping.tick()
        case "reboot":
            town.clock.forward(600)
            bus.boot, bus.seq = bus.boot + 1, 0
            bus.sync()


@pytest.mark.parametrize(("how", "why"), ENDS)
def test_whatever_ends_a_session_its_documents_are_dead_whatever_arrives_later(town: Town, how: str, why: str) -> None:
    on_bus = carried(town)
    request = on_bus.bus.request(on_bus.job, OpenerKey())
    end(on_bus, how)
    assert session(town, on_bus.session.session).why_ended == why
    assert on_bus.job.ended
    assert not town.relay.vault.holds(on_bus.name)
    on_bus.bus.now(on_bus.name, state=S.ON_BUS)
    assert [order.state in (S.CANCELED, S.EXPIRED) for order in on_bus.bus.sync().orders] == [True]
    # A later session of the same seat does not wake it either.
    town.session()
    refused = on_bus.bus.asks(request)
    assert refused.reason in ("wrong_session", "not_approved", "approval_expired", "wrong_state")
    assert on_bus.bus.evidence(request, Finding.COMPLETED, 1, impressions=1).reason == "wrong_attempt"
    assert on_bus.job.ended


@pytest.mark.parametrize(("how", "why"), ENDS)
def test_what_is_at_the_printer_when_its_session_ends_is_never_called_dead_by_city_hall(
    town: Town, how: str, why: str
) -> None:
    on_bus = carried(town)
    request, _ = on_bus.release()
    on_bus.bus.now(on_bus.name, state=S.RELEASING)
    on_bus.bus.sync()
    end(on_bus, how)
    assert on_bus.state in (S.RELEASING, S.UNCERTAIN)
    plan = on_bus.bus.sync()
    assert plan.session is None, "the bus must hear that there is none: it cancels at the printer then"
    answer = on_bus.bus.evidence(request, Finding.CANCELED_AT_PRINTER, 1, why="session_ended")
    assert answer.state is S.CANCELED
    assert on_bus.job.why == "session_ended"


def test_a_session_survives_a_reboot_within_the_lease(town: Town) -> None:
    on_bus = carried(town)
    town.clock.forward(599)
    on_bus.bus.boot, on_bus.bus.seq = on_bus.bus.boot + 1, 0
    plan = on_bus.bus.sync(nonce=b"n" * 32)
    assert plan.session is not None
    assert (plan.session.session, plan.session.seconds_left) == (on_bus.session.session, 301)
    assert plan.lease is not None
    assert plan.lease.nonce == b"n" * 32


def test_a_session_that_was_opened_while_the_bus_was_off_waits_for_it(town: Town) -> None:
    bus = desk_bus(town)
    bus.sync()
    town.clock.forward(3600)
    opened = town.session()
    town.clock.forward(60)
    bus.boot, bus.seq = bus.boot + 1, 0
    seen = bus.sync().session
    assert seen is not None
    assert seen.session == opened.session


def test_what_the_concierge_ended_is_taken_from_the_inventory_too(town: Town) -> None:
    on_bus = carried(town)
    on_bus.bus.now(on_bus.name, state=S.CANCELED)
    on_bus.bus.sync()
    assert on_bus.state is S.CANCELED


def test_closing_twice_is_closing_once_and_nobody_closes_anothers(town: Town) -> None:
    opened = town.session()
    assert town.relay.sessions.close("clerk-1", opened.session) == town.relay.sessions.close("clerk-1", opened.session)
    with pytest.raises(NotFoundError):
        town.relay.sessions.close("clerk-2", opened.session)
