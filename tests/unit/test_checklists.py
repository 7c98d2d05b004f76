"""The bus's checklists: what the box sees itself, what a person ticks, what an incomplete list blocks, and what city hall hears."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from bus_agent.agent import checks
from bus_agent.agent.books import BooksWord
from bus_agent.agent.checks import CHECKS, CheckWord, look
from bus_agent.agent.duty import OnBoard as ProfileOnBoard
from bus_agent.agent.finding import Finding
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import (
    BoxLooksError,
    ClosingDoneError,
    ListDoneError,
    ListOpenError,
    NoteMissingError,
    OpeningMissingError,
    RefusedError,
    UnknownItemError,
)
from bus_agent.ipc.messages import Status
from cityhall_base.city import parse_city
from cityhall_base.errors import ConfigError
from cityhall_base.people import Box
from cityhall_base.printer_state import PrinterWord
from cityhall_wire.headers import encode_header
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.people import Which
from cityhall_wire.messages.relay import Lease
from cityhall_wire.modes import DutyMode, JobClass
from tests.relay_city import CITY
from tests.unit.local_api import ask
from tests.unit.on_board import CONCIERGES, LISTS, PIN, TEST_SERVICE, OnBoard
from tests.unit.test_bus_store import session_view
from tests.unit.test_bus_verify import SEAL

OPENING, CLOSING = Which.OPENING, Which.CLOSING
DAY = "2026-11-21"


@pytest.fixture
def bus(tmp_path: Path) -> OnBoard:
    return OnBoard(tmp_path, LISTS)


def shown(bus: OnBoard, which: Which = OPENING) -> dict[str, bool | None]:
    (one,) = (one for one in bus.people.lists.shown() if one.which is which)
    return {item.item: item.ok for item in one.items}


def tick(bus: OnBoard, item: str = "lamp", which: Which = OPENING, *, ok: bool = True, note: str = "") -> None:
    bus.people.lists.tick(which, item, ok=ok, note=note)


def complete(bus: OnBoard, which: Which = OPENING) -> None:
    bus.people.lists.complete(which)


def on_board(bus: OnBoard, job_class: JobClass = JobClass.CERTIFICATE) -> str:
    """A document of this class that could be printed now, were it not for the lists."""
    bus.roster.change(DutyMode.CITY_HALL)
    header = msgspec.structs.replace(SEAL, job_class=job_class)
    name = bus.on_bus(approved=True)
    bus.duty.spooler = Status(incarnation="0" * 32, printer=PrinterSummary(state="idle"), busy=None)
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    header = msgspec.structs.replace(header, job=name)
    with bus.store.event():
        bus.store.change(name, seal_header=encode_header(header))
    return name


# --- the list ---


def test_a_list_is_complete_when_everything_was_looked_at_and_city_hall_hears_of_it(bus: OnBoard) -> None:
    assert shown(bus) == {"lamp": None, "line": True}
    tick(bus)
    complete(bus)
    ((kind, said),) = bus.said()
    assert (kind, said["which"], said["day"], said["by"]) == ("checklist", "opening", DAY, "concierge")
    assert said["items"] == [{"item": "lamp", "ok": True}, {"item": "line", "ok": True, "box": True}]
    opening = bus.people.lists.shown()[0]
    assert (opening.complete, opening.by) == (bus.clock.now, "concierge")


def test_an_open_item_keeps_the_list_open_and_the_sentence_names_it(bus: OnBoard) -> None:
    with pytest.raises(ListOpenError) as refused:
        complete(bus)
    assert refused.value.sentence == "The checklist is not complete. lamp: Look at it, then tick it."
    assert refused.value.detail == "電源: 目で確かめて、済みにしてください。"
    assert bus.said() == []


def test_what_the_box_finds_not_well_keeps_it_open_and_nobody_ticks_it_away(bus: OnBoard) -> None:
    tick(bus)
    bus.line.state = LinkState(up=False, since_ms=0, key="link.down")
    with pytest.raises(BoxLooksError):
        tick(bus, "line")
    with pytest.raises(ListOpenError, match="wait until the line is back"):
        complete(bus)


def test_what_a_person_finds_not_well_wants_a_word_and_is_said(bus: OnBoard) -> None:
    with pytest.raises(NoteMissingError):
        tick(bus, ok=False)
    tick(bus, ok=False, note="dark")
    complete(bus)
    assert bus.said()[0][1]["items"][0] == {"item": "lamp", "ok": False, "note": "dark"}


def test_the_last_word_on_an_item_counts_until_the_list_is_complete(bus: OnBoard) -> None:
    tick(bus, ok=False, note="dark")
    tick(bus)
    complete(bus)
    with pytest.raises(ListDoneError):
        tick(bus, ok=False, note="dark")
    with pytest.raises(ListDoneError):
        complete(bus)
    assert shown(bus)["lamp"] is True
    assert len(bus.said()) == 1


def test_an_item_or_list_that_the_city_does_not_have_is_refused(tmp_path: Path, bus: OnBoard) -> None:
    with pytest.raises(UnknownItemError):
        tick(bus, "wings")
    (tmp_path / "plain").mkdir()
    plain = OnBoard(tmp_path / "plain", b"")
    assert plain.people.lists.shown() == ()
    with pytest.raises(UnknownItemError):
        complete(plain)
    plain.duty.check(plain.store.job(on_board(plain)))


def test_ticks_and_a_completed_list_stay_over_a_power_cut_and_begin_anew_with_the_day(bus: OnBoard) -> None:
    tick(bus)
    bus.restart()
    assert shown(bus)["lamp"] is True
    complete(bus)
    bus.reboot()
    assert bus.people.lists.shown()[0].complete
    assert [kind for kind, _ in bus.said()] == ["checklist"]
    bus.clock.forward(24 * 3600)
    assert (bus.people.lists.shown()[0].complete, shown(bus)["lamp"]) == (0, None)


def test_old_lists_are_forgotten_on_the_bus(bus: OnBoard) -> None:
    for _ in range(35):
        tick(bus)
        complete(bus)
        bus.clock.forward(24 * 3600)
    days = {row["day"] for row in bus.store.rows("select day from checklists")}
    assert len(days) == 32


def test_what_a_list_is_like_when_it_is_complete_is_kept_whatever_the_line_does_later(bus: OnBoard) -> None:
    tick(bus)
    complete(bus)
    bus.line.state = LinkState(up=False, since_ms=0, key="link.down")
    assert shown(bus) == {"lamp": True, "line": True}


def test_a_list_names_who_went_through_it(tmp_path: Path) -> None:
    bus = OnBoard(tmp_path, LISTS + CONCIERGES)
    with pytest.raises(RefusedError):
        tick(bus)
    asyncio.run(bus.people.signing_in.with_pin("c-2", PIN))
    tick(bus)
    complete(bus)
    assert [said["by"] for kind, said in bus.said() if kind == "checklist"] == ["c-2"]


# --- what it blocks ---


def test_certificates_wait_for_the_opening_list_and_nothing_else_does(bus: OnBoard) -> None:
    certificate = on_board(bus)
    with pytest.raises(OpeningMissingError):
        bus.duty.check(bus.store.job(certificate))
    for other in (JobClass.FORM, JobClass.TEST):
        bus.duty.check(bus.store.job(on_board(bus, other)))
    tick(bus)
    complete(bus)
    bus.duty.check(bus.store.job(certificate))


def test_after_the_closing_list_no_certificate_prints_for_the_rest_of_the_day(bus: OnBoard) -> None:
    certificate = on_board(bus)
    tick(bus)
    complete(bus)
    tick(bus, "locked", CLOSING)
    complete(bus, CLOSING)
    with pytest.raises(ClosingDoneError):
        bus.duty.check(bus.store.job(certificate))
    bus.duty.check(bus.store.job(on_board(bus, JobClass.FORM)))


def test_the_screen_asks_for_the_opening_list_on_duty_alone(bus: OnBoard) -> None:
    assert bus.people.lists.reminder() is None
    bus.roster.change(DutyMode.CITY_HALL)
    assert str(bus.people.lists.reminder()) == "do.opening_list"
    tick(bus)
    complete(bus)
    assert bus.people.lists.reminder() is None


# --- what the box sees ---


def found(bus: OnBoard, box: Box, *, tested: bool = False) -> Finding:
    return look(box, bus.people._facts(tested))


def prints(bus: OnBoard, state: str = "idle", *reasons: str, media: tuple[str, ...] = ()) -> None:
    printer = PrinterSummary(state=state, reasons=reasons)
    bus.duty.spooler = Status(incarnation="0" * 32, printer=printer, busy=None, media_ready=media)


def test_every_box_has_its_check() -> None:
    assert CHECKS.keys() == set(Box)


def test_the_printer_is_well_when_it_is_idle_and_nothing_stands(bus: OnBoard) -> None:
    assert found(bus, Box.SPOOLER).word is found(bus, Box.PRINTER).word is CheckWord.SPOOLER_GONE
    prints(bus)
    assert found(bus, Box.SPOOLER).ok is found(bus, Box.PRINTER).ok is True
    prints(bus, "processing")
    assert found(bus, Box.PRINTER).word is CheckWord.BUSY
    prints(bus, "stopped", "media-jam-error")
    assert found(bus, Box.PRINTER)[:2] == (False, PrinterWord.JAM)
    bus.duty._on_board = ProfileOnBoard(lies=("media-jam",))
    prints(bus, "idle", "media-jam-error")
    assert found(bus, Box.PRINTER).ok, "what its profile calls a lie stops nothing"


def test_old_news_of_the_printer_are_no_news(bus: OnBoard) -> None:
    prints(bus)
    bus.clock.forward(11)
    assert found(bus, Box.PRINTER).ok is False
    assert found(bus, Box.PRINTER_EMPTY).ok is False


def test_paper_is_seen_where_the_printer_can_tell_and_ticked_where_it_cannot(tmp_path: Path) -> None:
    item = b'[checklists.opening.items.paper]\ntext = "p"\ntext_en = "p"\nbox = "paper"\n'
    bus = OnBoard(tmp_path, item)
    prints(bus, media=("iso_a4_210x297mm",))
    assert found(bus, Box.PAPER).ok
    prints(bus, "idle", "media-empty-report")
    assert found(bus, Box.PAPER)[:2] == (False, PrinterWord.PAPER_OUT)
    prints(bus)
    assert found(bus, Box.PAPER) == (None, CheckWord.LOOK_AT_PAPER, "")
    tick(bus, "paper")
    assert shown(bus) == {"paper": True}
    prints(bus, "idle", "media-empty-report")
    assert shown(bus) == {"paper": False}, "what the printer says later is believed before an old tick"


def test_the_clock_is_well_near_city_halls_on_a_bus_that_is_not_locked(bus: OnBoard) -> None:
    assert found(bus, Box.CLOCK).word is CheckWord.CLOCK_UNKNOWN
    for minutes, ok in ((0, True), (2, True), (-2, True), (3, False), (-500_000, False)):
        bus.duty.clock_ahead_ms = minutes * 60_000
        assert found(bus, Box.CLOCK).ok is ok
    assert found(bus, Box.CLOCK).detail == "500000"
    bus.duty.clock_ahead_ms = 0
    bus.plan(locked="clock_wrong")
    assert found(bus, Box.CLOCK).word is CheckWord.LOCKED
    bus.plan(session=session_view())
    assert bus.duty.lock.reason == ""
    assert bus.duty.clock_ahead_ms == 0


def test_a_document_that_nobody_was_handed_keeps_the_day_open(bus: OnBoard) -> None:
    prints(bus)
    assert found(bus, Box.UNCLAIMED).ok is found(bus, Box.PRINTER_EMPTY).ok is True
    name = on_board(bus)
    assert found(bus, Box.UNCLAIMED).ok, "what only lies on the bus is no sheet"
    with bus.store.event():
        bus.store.step(name, Event.RELEASE, By.PRINT_KEY)
    assert found(bus, Box.PRINTER_EMPTY).word is CheckWord.NOT_EMPTY
    with bus.store.event():
        bus.store.step(name, Event.DOUBT, By.PRINT_KEY)
    assert found(bus, Box.UNCLAIMED)[:2] == (False, BooksWord.UNCLAIMED)
    assert found(bus, Box.PRINTER_EMPTY).ok is False


def test_the_books_say_what_the_books_know(bus: OnBoard) -> None:
    asked = (Box.SHEETS, Box.CASH, Box.FEES, Box.UNCLAIMED)
    assert all(found(bus, box).ok for box in asked)
    bus.day_books.says = Finding(False, BooksWord.SHEETS_DIFFER)
    assert not any(found(bus, box).ok for box in asked)


def test_a_test_page_counts_on_the_day_on_which_it_was_handed_over(tmp_path: Path) -> None:
    item = b'[checklists.opening.items.page]\ntext = "p"\ntext_en = "p"\nbox = "test_page"\n'
    bus = OnBoard(tmp_path, TEST_SERVICE + item)
    for job_class, seen in ((JobClass.FORM, False), (JobClass.TEST, True)):
        name = on_board(bus, job_class)
        for event in (Event.RELEASE, Event.DOUBT):
            with bus.store.event():
                bus.store.step(name, event, By.PRINT_KEY)
        bus.commands.hand_over(name)
        assert bus.store.job(name).state is JobState.HANDED_OVER
        assert shown(bus) == {"page": seen}
    bus.reboot()
    assert shown(bus) == {"page": True}
    bus.clock.forward(24 * 3600)
    assert shown(bus) == {"page": False}


def test_somebody_is_signed_in_or_nobody_needs_to_be(tmp_path: Path, bus: OnBoard) -> None:
    assert found(bus, Box.SIGNED_IN) == checks.WELL
    (tmp_path / "with").mkdir()
    other = OnBoard(tmp_path / "with", CONCIERGES)
    assert found(other, Box.SIGNED_IN).word is CheckWord.NOBODY


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (b'[checklists.opening.items.x]\ntext="x"\ntext_en="x"\nbox="soul"', "line, printer, spooler"),
        (b'[checklists.opening.items.x]\ntext="x"\ntext_en="x"\nbox="test_page"', "class test"),
        (b'[checklists.opening.items.complete]\ntext="x"\ntext_en="x"', "this name is taken"),
        (b"".join(b'[checklists.closing.items.x%d]\ntext="x"\ntext_en="x"\n' % n for n in range(41)), "allowed: 40"),
    ],
)
def test_a_city_file_whose_lists_cannot_be_gone_through_is_refused(more: bytes, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_city(CITY + more, "city.toml")


# --- the local API ---


def test_the_local_api_shows_ticks_and_completes(bus: OnBoard) -> None:
    assert ask(bus.people, "POST", "/v1/checklists/opening/lamp", b"{}").status_code == 200
    assert ask(bus.people, "POST", "/v1/checklists/opening/complete").status_code == 200
    lists = ask(bus.people, "GET", "/v1/checklists").json()["checklists"]
    assert [(one["which"], bool(one["complete"])) for one in lists] == [("opening", True), ("closing", False)]
    refused = ask(bus.people, "POST", "/v1/checklists/closing/complete")
    assert (refused.status_code, refused.json()["key"]) == (409, "refused.list_open")
    assert refused.json()["detail"].startswith("locked: ")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/sign-in", b'{"who": "c-1", "pin": "' + b"1" * 10_000_000 + b'"}', 413),
        ("/v1/sign-in", b'{"who": "c-1", "pin": "' + b"1" * 65 + b'"}', 400),
        ("/v1/sign-in", b'{"who": "../c-1", "pin": "482913"}', 400),
        ("/v1/sign-in", b'{"who": "c-1", "pin": 482913}', 400),
        ("/v1/sign-in", b"[" * 10_000, 400),
        ("/v1/sign-in/code", b'{"code": "3141592"}', 400),
        ("/v1/sign-in/code", '{"code": "３１４１５９２６"}'.encode(), 400),
        ("/v1/checklists/noon/lamp", b"{}", 409),
        ("/v1/checklists/opening/lamp", b'{"ok": false, "note": "two words"}', 400),
        ("/v1/checklists/opening/%00", b"{}", 409),
    ],
)
def test_whatever_is_typed_costs_a_sentence_and_no_try(tmp_path: Path, path: str, body: bytes, status: int) -> None:
    bus = OnBoard(tmp_path, CONCIERGES + LISTS)
    answer = ask(bus.people, "POST", path, body)
    assert (answer.status_code, answer.json().keys() >= {"key", "sentence"}) == (status, True)
    assert b"482913" not in answer.content
    assert bus.people.signing_in._tries._now.wrong == 0
