"""The concierge's buttons: what is true on the bus at once, whatever the line does, and what waits to be said."""

from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent.agent.books import Books
from bus_agent.agent.commands import Commands
from bus_agent.agent.duty import OnBoard
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import NoSessionError, NumbersError, NumbersMissingError, WrongStateError
from cityhall_base.city import Paper, parse_city
from cityhall_wire import strict_json
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages.envelope import Envelope
from tests.relay_city import CITY
from tests.unit.test_bus_store import SESSION, Bus, ready, session_view

S = JobState


@pytest.fixture
def bus(tmp_path: Path) -> Bus:
    return Bus(tmp_path)


CITY_FILE = parse_city(CITY, "city.toml").city


def commands(bus: Bus) -> Commands:
    books = Books(bus.store, bus.duty, bus.scribe, CITY_FILE, bus.clock, bus.line.tell)
    return Commands(bus.store, bus.duty, bus.scribe, cast(Syncer, bus.line), books, bus.roster)


def said(bus: Bus) -> list[tuple[str, dict[str, Any]]]:
    """Kind and payload of everything that waits to go out."""
    rows = bus.store._store.db.query("select envelope from outbox order by id")
    envelopes = [strict_json.decode(row["envelope"], Envelope) for row in rows]
    return [(one.kind, strict_json.decode(one.payload, dict[str, Any])) for one in envelopes]


def test_the_end_of_a_session_is_true_on_the_bus_at_once(bus: Bus) -> None:
    printing, waiting = bus.on_bus(), ready(bus)
    for event, by in ((Event.RELEASE, By.PRINT_KEY), (Event.SENDING, By.PRINT_KEY)):
        with bus.store.event():
            bus.store.step(printing, event, by)
    commands(bus).end_session()
    assert (bus.store.job(waiting).state, bus.store.job(waiting).why) == (S.CANCELED, "ended_on_bus")
    assert bus.store.job(printing).state is S.PRINTING
    assert bus.duty.why_end(bus.store.job(printing)) == "session_ended", "the guard cancels it at the printer"
    ((kind, payload),) = said(bus)
    assert (kind, payload["session"]) == ("session-end", SESSION)


def test_a_plan_that_was_on_its_way_does_not_bring_the_session_back(bus: Bus) -> None:
    ready(bus)
    commands(bus).end_session()
    bus.plan(session=session_view())
    assert bus.duty.session is None
    other = session_view("s" + "2" * 24)
    bus.plan(session=other)
    assert bus.duty.session == other


def test_what_ended_stays_ended_over_a_power_cut_and_is_said_first(bus: Bus) -> None:
    waiting = ready(bus)
    commands(bus).end_session()
    bus.restart()
    assert bus.store.job(waiting).state is S.CANCELED
    assert [message.kind for message in bus.store.outgoing(2)] == ["session-end"]


def test_there_is_nothing_to_end_without_a_session(bus: Bus) -> None:
    with pytest.raises(NoSessionError):
        commands(bus).end_session()
    assert said(bus) == []


def test_a_document_is_refused_before_its_release_only(bus: Bus) -> None:
    name = ready(bus)
    commands(bus).refuse(name, "paper")
    assert bus.store.job(name).state is S.REFUSED
    assert [(kind, payload["why"]) for kind, payload in said(bus)] == [("refused", "paper")]
    with pytest.raises(WrongStateError):
        commands(bus).refuse(name, "paper")


def printed(bus: Bus, *, numbered: bool, sheets: int = 1) -> str:
    name = ready(bus)
    paper = Paper(name="paper", controlled=numbered)
    bus.duty._on_board = OnBoard(papers={bus.store.job(name).header.paper: paper})
    for event in (Event.RELEASE, Event.DOUBT):
        with bus.store.event():
            bus.store.step(name, event, By.PRINT_KEY)
    assert bus.store.job(name).header.sheets == sheets
    return name


@pytest.mark.parametrize("sheets", [("",), ("x" * 33,), ("A-1", "A-2")])
def test_numbers_that_cannot_be_are_refused_and_nothing_is_said(bus: Bus, sheets: tuple[str, ...]) -> None:
    name = printed(bus, numbered=True)
    with pytest.raises(NumbersError):
        commands(bus).spoiled(name, "jam", sheets)
    with pytest.raises(NumbersError):
        commands(bus).spoiled(name, "jam", (), came_out=2)
    assert (bus.store.job(name).state, said(bus)) == (S.UNCERTAIN, [])


def test_a_numbered_sheet_is_not_spoiled_without_its_number(bus: Bus) -> None:
    name = printed(bus, numbered=True)
    with pytest.raises(NumbersMissingError):
        commands(bus).spoiled(name, "jam", ())
    commands(bus).spoiled(name, "jam", ("?",))
    assert said(bus)[0][1]["sheets"] == ["?"]


def test_plain_paper_has_no_numbers(bus: Bus) -> None:
    name = printed(bus, numbered=False)
    commands(bus).spoiled(name, "jam", (), came_out=1)
    ((kind, payload),) = said(bus)
    assert (kind, payload["sheets"], payload["came_out"]) == ("spoiled", [], 1)
