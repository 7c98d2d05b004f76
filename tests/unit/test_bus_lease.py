"""A lease that lapses at each moment of a print, and a dead zone that looks like none of it: the guard, the screen, the status."""

import re
from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent.agent.advice import advise
from bus_agent.agent.guard import Guard
from bus_agent.agent.snapshot import _link
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.syncer import LinkState, LinkWord, Syncer
from bus_agent.errors import CertificateError, CityHallFaultError, LinkError, RejectedError
from bus_agent.ipc.messages import Cancel, Status
from cityhall_base.words import japanese
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.relay import Lease
from cityhall_wire.modes import DutyMode
from tests.unit.test_bus_store import Bus, ready, session_view

DOWN = LinkState(up=False, since_ms=0, key=LinkError.key, sentence=LinkError.__doc__ or "")


class SpoolerEnd:
    """Stands in for the line to the spooler: what a printer does at each moment of a print no real one can be held at."""

    def __init__(self) -> None:
        self.canceled: list[str] = []

    def send(self, message: Any, fd: int | None = None) -> None:
        assert isinstance(message, Cancel)
        self.canceled.append(message.why)


class Print:
    """One document under way, and the guard beside it."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.name, self.spooler = bus, ready(bus), SpoolerEnd()
        line, syncer = cast(SpoolerLine, self.spooler), cast(Syncer, bus.line)
        self.guard = Guard(bus.store, bus.duty, line, bus.scribe, syncer, Limits(), bus.clock)

    def goes(self, *events: Event, sent: bytes = b"") -> None:
        for event in events:
            with self.bus.store.event():
                self.bus.store.step(self.name, event, By.PRINT_KEY, request=b"signed", sent=sent)

    def printer(self, state: str, *reasons: str) -> None:
        summary = PrinterSummary(state=state, reasons=reasons)
        self.bus.duty.spooler = Status(incarnation="0" * 32, printer=summary, busy=self.name)

    def look(self) -> list[str]:
        self.guard.look()
        return self.spooler.canceled


@pytest.fixture
def underway(tmp_path: Path) -> Print:
    return Print(Bus(tmp_path))


RELEASED, BEGUN = (Event.RELEASE,), (Event.RELEASE, Event.SENDING)
WHOLE = (Event.RELEASE, Event.SENDING, Event.SENT)

MOMENTS: dict[str, tuple[tuple[Event, ...], bytes, str, tuple[str, ...], list[str]]] = {
    "the key is on its way": (RELEASED, b"", "idle", (), ["lease_lapsed"]),
    "the document is on its way": (BEGUN, b"", "processing", (), ["lease_lapsed"]),
    "the sheet is moving": (WHOLE, b"s", "processing", (), []),
    "the sheet is moving, toner is low": (WHOLE, b"s", "processing", ("toner-low-warning",), []),
    "paper is out": (WHOLE, b"s", "processing", ("media-empty-warning",), ["lease_lapsed"]),
    "a jam": (WHOLE, b"s", "stopped", ("media-jam-error",), ["lease_lapsed"]),
    "it stands and says nothing": (WHOLE, b"s", "stopped", (), ["lease_lapsed"]),
    "it holds the document and does nothing": (WHOLE, b"s", "idle", (), ["lease_lapsed"]),
    "it does not answer": (WHOLE, b"s", "unknown", (), ["lease_lapsed"]),
    "nobody knows what came out": ((*WHOLE, Event.DOUBT), b"s", "processing", (), ["lease_lapsed"]),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_lapsed_lease_stops_what_a_refill_could_bring_out_and_no_sheet_that_is_moving(
    underway: Print, moment: str
) -> None:
    events, sent, state, reasons, expected = MOMENTS[moment]
    underway.goes(*events, sent=sent)
    underway.printer(state, *reasons)
    assert underway.look() == []
    underway.bus.clock.forward(61)
    underway.printer(state, *reasons)
    assert underway.look() == expected


def test_as_soon_as_the_printer_stands_the_lapsed_lease_ends_it(underway: Print) -> None:
    underway.goes(*WHOLE, sent=b"s")
    underway.bus.clock.forward(61)
    underway.printer("processing")
    assert underway.look() == []
    underway.printer("processing", "media-empty-warning")
    assert underway.look() == ["lease_lapsed"]


def test_nothing_new_begins_without_a_lease_while_a_sheet_is_moving(underway: Print) -> None:
    underway.goes(*WHOLE, sent=b"s")
    second = underway.bus.on_bus(approved=True)
    underway.bus.clock.forward(61)
    underway.printer("processing")
    assert not underway.bus.duty.expects(underway.bus.store.job(second))


@pytest.mark.parametrize("how", ["mode_left", "session_ended"])
def test_duty_and_session_end_a_moving_sheet_at_once_with_a_lease_and_without(underway: Print, how: str) -> None:
    underway.goes(*WHOLE, sent=b"s")
    underway.bus.clock.forward(61)
    underway.printer("processing")
    if how == "mode_left":
        underway.bus.duty.mode = DutyMode.ROUTE_BUS
    else:
        underway.bus.duty.session = None
    assert underway.look() == [how]


# --- a dead zone ---

ERROR_WORDS = re.compile(
    r"cannot|error|fault|fail|lost|alarm|wrong|technician|できません|エラー|失敗|不具合|異常|警告|つながりません|保守担当者"
)


def shown(bus: Bus, link: LinkState = DOWN) -> tuple[bool, str]:
    seen = _link(link, bus.duty, bus.store.jobs())
    return seen.calm, seen.key


def test_a_dead_zone_is_calm_while_the_lease_runs_and_then_says_look_here(tmp_path: Path) -> None:
    bus = Bus(tmp_path)
    ready(bus)
    assert shown(bus) == (True, "link.dead_zone")
    assert advise(bus.store.jobs(), bus.duty, DOWN).key == "link.dead_zone"
    bus.clock.forward(61)
    assert shown(bus) == (False, "link.down"), "a resident waits, and the clerk is not to be had"
    assert advise(bus.store.jobs(), bus.duty, DOWN).key == "link.down"


def test_where_nobody_waits_a_line_that_is_gone_is_calm_for_ever(tmp_path: Path) -> None:
    bus = Bus(tmp_path)
    assert shown(bus) == (True, "link.dead_zone")
    assert advise([], bus.duty, DOWN).key == "do.nothing", "a route bus has nothing to look at"
    bus.duty.mode = DutyMode.CITY_HALL
    assert advise([], bus.duty, DOWN).key == "link.dead_zone"
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    bus.clock.forward(61)
    assert shown(bus) == (False, "link.down")


def test_a_sheet_that_moves_in_a_dead_zone_is_waited_for(underway: Print) -> None:
    underway.goes(*WHOLE, sent=b"s")
    underway.printer("processing")
    assert advise(underway.bus.store.jobs(), underway.bus.duty, DOWN).key == "do.wait_for_printer"
    assert underway.bus.store.job(underway.name).state is JobState.PRINTING


@pytest.mark.parametrize("error", [CertificateError, RejectedError, CityHallFaultError])
def test_what_is_no_dead_zone_is_never_calm(tmp_path: Path, error: type[LinkError]) -> None:
    bus = Bus(tmp_path)
    ready(bus)
    assert shown(bus, LinkState(up=False, since_ms=0, key=error.key, sentence="")) == (False, error.key)


def test_a_line_that_is_up_is_calm(tmp_path: Path) -> None:
    assert shown(Bus(tmp_path), LinkState(up=True, since_ms=0)) == (True, "")


@pytest.mark.parametrize("word", LinkWord)
def test_no_calm_sentence_sounds_like_an_error(word: LinkWord) -> None:
    assert not ERROR_WORDS.search(word.english.lower())
    assert not ERROR_WORDS.search(japanese()[str(word)])
    assert ERROR_WORDS.search(japanese()["link.down"]), "the words that are meant are found where they are"
