"""Duty at city hall, without sockets: nothing is released outside the hours, more time needs two people, nothing is forgotten."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhall_base.clock import business_day
from cityhall_relay.errors import NoBookingsError, NoDutyError, NotAllowedError, NothingAskedError
from cityhall_relay.incidents import What
from cityhall_relay.store.rows import Incident
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.printing import Finding
from cityhall_wire.modes import DutyCause, DutyMode
from cityhall_wire.seal import OpenerKey
from tests.relay_city import CITY, MORNING, HandMadeBus, OnBus, Town, carried, desk_bus
from tests.unit.test_timetable import at

M = DutyMode
REAL_DAY = CITY.replace(b'duty_from = "00:00"\nduty_until = "24:00"', b'duty_from = "08:30"\nduty_until = "15:30"')
DAY = "2026-11-21T"  # relay_city's own


def a_town(city: bytes) -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="duty-") as name:
        town = Town(Path(name), city)
        yield town
        town.relay.close()


@pytest.fixture
def town() -> Iterator[Town]:
    assert at(DAY + "09:00:00") == MORNING
    yield from a_town(REAL_DAY)


def to(town: Town, time: str) -> None:
    town.clock.now = at(DAY + time)


def became(bus: HandMadeBus, mode: DutyMode, why: DutyCause = DutyCause.CONCIERGE, since: int = MORNING) -> Any:
    return bus.fact(link.DutyChanged, mode=mode, why=why, since=since)


def incidents(town: Town, what: What) -> list[Incident]:
    return [one for one in town.relay.store.incidents("bus-1") if one.what == what]


# --- release ---


@pytest.mark.parametrize(
    ("time", "mode", "reason"),
    [
        ("15:29:59", M.CITY_HALL, None),
        ("15:30:00", M.CITY_HALL, "outside_duty"),
        ("15:30:00", M.EVENT, "outside_duty"),
        ("08:29:59", M.CITY_HALL, "outside_duty"),
        ("23:00:00", M.ROUTE_BUS, "mode_forbids"),
    ],
)
def test_nothing_is_released_outside_the_hours_whatever_mode_a_bus_says(
    town: Town, time: str, mode: DutyMode, reason: str | None
) -> None:
    to(town, time)
    on_bus = carried(town)
    answer = on_bus.bus.asks(on_bus.bus.request(on_bus.job, OpenerKey(), mode=mode))
    assert getattr(answer, "reason", None) == reason
    if reason:
        assert on_bus.job.why == reason, "the clerk reads it too"


def test_a_release_that_was_given_in_time_is_repeated_after_the_end(town: Town) -> None:
    to(town, "15:29:59")
    on_bus = carried(town)
    request = on_bus.bus.request(on_bus.job, OpenerKey())
    first = on_bus.bus.asks(request)
    to(town, "15:30:01")
    assert on_bus.bus.asks(request) == first
    assert isinstance(first, relay.Release)


# --- sessions ---


@pytest.mark.parametrize("mode", [mode for mode in DutyMode if mode not in (M.CITY_HALL, M.EVENT)])
def test_a_session_may_be_in_a_mode_that_has_a_seat_only(town: Town, mode: DutyMode) -> None:
    bus = desk_bus(town)
    before = town.session()  # a bus that never called has no mode yet
    town.relay.sessions.close("clerk-1", before.session)
    became(bus, mode)
    if mode in (M.DISASTER, M.MAINTENANCE):
        assert town.session().live
        return
    with pytest.raises(NoDutyError):
        town.session()
    refused = bus.fact(link.Call, session="s" + "a" * 24, section="citizen", stop="hall", slot=0)
    assert refused.reason == "no_duty"


def test_an_event_takes_no_bookings(town: Town) -> None:
    bus = desk_bus(town)
    became(bus, M.EVENT)
    with pytest.raises(NoBookingsError):
        town.session()
    call = {"session": "s" + "a" * 24, "section": "citizen", "stop": "hall"}
    assert bus.fact(link.Call, **call, slot=3).reason == "no_bookings"
    assert isinstance(bus.fact(link.Call, **call, slot=0), relay.SessionReceipt)
    assert town.relay.sessions.accept("clerk-1", "s" + "a" * 24).live


@pytest.mark.parametrize("how", ["told", "synced"])
def test_leaving_ends_the_session_at_city_hall_and_its_documents(town: Town, how: str) -> None:
    on_bus = carried(town)
    if how == "told":
        became(on_bus.bus, M.ROUTE_BUS, DutyCause.TIMETABLE)
    else:
        assert on_bus.bus.sync(mode=M.ROUTE_BUS).session is None
    ended = town.relay.store.session(on_bus.session.session)
    assert ended is not None
    assert (ended.live, ended.why_ended, on_bus.state) == (False, "mode_left", JobState.CANCELED)
    late = on_bus.bus.fact(link.SessionEnd, session=on_bus.session.session)
    assert isinstance(late, relay.SessionReceipt), "what follows from it is no error"


def test_every_change_is_kept_once_with_its_cause(town: Town) -> None:
    bus = desk_bus(town)
    for _ in range(2):  # signed anew under a higher number, it is the same fact
        assert isinstance(became(bus, M.CITY_HALL, DutyCause.TIMETABLE, at(DAY + "08:30:00")), relay.Noted)
    became(bus, M.ROUTE_BUS, DutyCause.PANIC, at(DAY + "08:59:00"))
    became(bus, M.ON_THE_WAY, DutyCause.MOVEMENT, 2**53 - 1)  # a clock of the far future
    seen = town.relay.store.duty_changes("bus-1", business_day(MORNING))
    assert [(one.mode, one.why) for one in seen] == [
        ("city_hall", "timetable"),
        ("route_bus", "panic"),
        ("on_the_way", "movement"),
    ]
    assert town.relay.store.bus("bus-1").mode == "on_the_way"


# --- more time ---


def asks(bus: HandMadeBus, minutes: int) -> Any:
    return bus.fact(link.Extend, minutes=minutes)


def grant(town: Town, clerk: str = "clerk-2", *, may: bool = True) -> None:
    town.relay.duty.grant(clerk, "bus-1", may=may)


def end_of_day(bus: HandMadeBus) -> int | None:
    return bus.sync().duty_until


def test_more_time_needs_the_concierge_and_a_clerk(town: Town) -> None:
    to(town, "15:25:00")
    on_bus, other = carried(town), carried_for(town, "clerk-2", "bus-2")
    bus = on_bus.bus
    with pytest.raises(NothingAskedError):
        grant(town)
    assert isinstance(asks(bus, 20), relay.Noted)
    assert end_of_day(bus) is None, "she alone extends nothing"
    grant(town)
    assert end_of_day(bus) == at(DAY + "15:50:00")
    with pytest.raises(NothingAskedError):
        grant(town)
    to(town, "15:31:00")
    on_bus.release()
    refused = other.bus.asks(other.bus.request(other.job, OpenerKey()))
    assert refused.reason == "outside_duty", "another bus's time is its own"
    to(town, "15:49:59")
    assert town.relay.duty.on_duty("bus-1")
    to(town, "15:50:00")
    assert not town.relay.duty.on_duty("bus-1")


def carried_for(town: Town, clerk: str, bus: str) -> OnBus:
    """`carried`, by another clerk."""
    session = town.session(clerk, bus)
    job = town.send(session).job
    town.relay.clerk_desk.approve(clerk, job.job)
    box = desk_bus(town, bus)
    box.hold(box.sync().offers[0])
    box.sync()
    return OnBus(town, box, session, job.job)


def test_a_clerk_without_the_right_grants_it_in_the_live_session_only(town: Town) -> None:
    bus = desk_bus(town)
    bus.sync()
    asks(bus, 10)
    with pytest.raises(NotAllowedError):
        grant(town, may=False)
    town.session("clerk-1")
    with pytest.raises(NotAllowedError):
        grant(town, "clerk-2", may=False)
    grant(town, "clerk-1", may=False)
    assert end_of_day(bus) == at(DAY + "15:40:00")


def test_a_question_is_forgotten_after_ten_minutes(town: Town) -> None:
    bus = desk_bus(town)
    asks(bus, 10)
    town.clock.forward(599)
    assert town.relay.duty.pending("bus-1") is not None
    town.clock.forward(1)
    with pytest.raises(NothingAskedError):
        grant(town)


def test_a_question_survives_a_restart_of_the_relay(town: Town) -> None:
    bus = desk_bus(town)
    asks(bus, 10)
    town.restart()
    grant(town)
    assert end_of_day(bus) == at(DAY + "15:40:00")


def test_all_extensions_of_a_day_together_are_bounded(town: Town) -> None:
    bus = desk_bus(town)
    assert asks(bus, 31).reason == "extended_enough"
    asks(bus, 20)
    grant(town)
    assert asks(bus, 11).reason == "extended_enough"
    asks(bus, 10)
    grant(town)
    assert end_of_day(bus) == at(DAY + "16:00:00")
    assert asks(bus, 1).reason == "extended_enough"


@pytest.mark.parametrize(
    ("time", "minutes", "reason"),
    [
        ("08:29:59", 10, "no_hours"),
        ("15:35:00", 5, "extended_enough"),  # it would be over already
        ("15:35:00", 6, None),  # she noticed it late
        ("16:00:00", 30, "extended_enough"),
    ],
)
def test_time_is_asked_for_within_the_day(town: Town, time: str, minutes: int, reason: str | None) -> None:
    to(town, time)
    assert getattr(asks(desk_bus(town), minutes), "reason", None) == reason


def test_a_day_without_hours_has_none_to_extend() -> None:
    weekdays = REAL_DAY.replace(b"weekdays = [1, 2, 3, 4, 5, 6, 7]", b"weekdays = [1, 2, 3, 4, 5]")
    for town in a_town(weekdays):
        assert asks(desk_bus(town), 10).reason == "no_hours"


# --- incidents ---


@pytest.mark.parametrize(
    ("time", "mode", "opened"),
    [
        ("15:34:59", M.CITY_HALL, 0),  # its last sync may be on its way
        ("15:35:00", M.CITY_HALL, 1),
        ("15:35:00", M.ON_THE_WAY, 1),
        ("15:35:00", M.ROUTE_BUS, 0),
        ("15:35:00", M.DISASTER, 0),
        ("08:24:59", M.EVENT, 1),
    ],
)
def test_a_bus_that_stays_on_duty_is_an_incident(town: Town, time: str, mode: DutyMode, opened: int) -> None:
    to(town, time)
    bus = desk_bus(town)
    for _ in range(2):
        bus.sync(mode=mode)
    assert [one.detail for one in incidents(town, What.DUTY)] == [str(mode)] * opened


@pytest.mark.parametrize("why", ["cancel_unconfirmed", "printer_silent"])
def test_a_printer_that_may_hold_a_document_is_an_incident_until_somebody_resolves_it(town: Town, why: str) -> None:
    on_bus = carried(town)
    request, _ = on_bus.release()
    town.clock.forward(200)
    town.relay.housekeeping.tick()
    assert on_bus.state is JobState.UNCERTAIN, "a dead zone, and the bus was not heard"
    assert incidents(town, What.PRINTER_NOT_EMPTY) == []
    on_bus.bus.evidence(request, Finding.DOUBT, 1, why=why)
    (incident,) = incidents(town, What.PRINTER_NOT_EMPTY)
    assert (incident.detail, incident.open) == (on_bus.name, True)
    town.relay.housekeeping.tick()
    assert incidents(town, What.PRINTER_NOT_EMPTY)[0].open
    on_bus.bus.fact(link.NothingCameOut, job=on_bus.name, attempt=1)
    town.relay.housekeeping.tick()
    (incident,) = incidents(town, What.PRINTER_NOT_EMPTY)
    assert (incident.open, incident.closed_by, incident.closed_why) == (False, "", "not_printed")


def test_a_later_statement_closes_it_too(town: Town) -> None:
    on_bus = carried(town)
    request, _ = on_bus.release()
    on_bus.bus.evidence(request, Finding.DOUBT, 1, why="cancel_unconfirmed")
    on_bus.bus.evidence(request, Finding.CANCELED_AT_PRINTER, 2, why="mode_left")
    town.relay.housekeeping.tick()
    assert [one.closed_why for one in incidents(town, What.PRINTER_NOT_EMPTY)] == ["canceled"]


def test_another_doubt_is_no_such_incident(town: Town) -> None:
    on_bus = carried(town)
    request, _ = on_bus.release()
    on_bus.bus.evidence(request, Finding.DOUBT, 1, why="aborted")
    assert incidents(town, What.PRINTER_NOT_EMPTY) == []
