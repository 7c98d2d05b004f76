"""What the concierge is told to do next, for each way in which a printer can stand."""

from typing import Any

import pytest

from bus_agent.agent.advice import advise
from bus_agent.agent.duty import STALE_S, Duty, OnBoard
from bus_agent.agent.rows import Job
from bus_agent.agent.snapshot import _printer
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import WrongPaperError
from bus_agent.ipc.messages import Status, Supply
from bus_agent.shown import Advice
from cityhall_base.city import Paper
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.relay import SessionView
from cityhall_wire.modes import DutyMode
from tests.unit.test_bus_store import SESSION, Bus, bus, job_of, ready

__all__ = ["bus"]  # the fixture
UP = LinkState(up=True, since_ms=0)
ON_BOARD = OnBoard(lies=("marker-waste-full",), papers={"controlled": Paper(name="改ざん防止用紙", controlled=True)})


def tell(bus: Bus, state: str, *reasons: str, **changed: Any) -> Duty:
    """The spooler says this of the printer."""
    bus.duty._on_board = ON_BOARD
    summary = PrinterSummary(state=state, reasons=reasons)
    bus.duty.spooler = Status(incarnation="0" * 32, printer=summary, busy=None, **changed)
    return bus.duty


def advice(bus: Bus, job: Job | None, link: LinkState = UP) -> Advice:
    return advise([job] if job else [], bus.duty, link)


def printing(bus: Bus, **changed: Any) -> Job:
    return job_of(bus, ready(bus), state=JobState.PRINTING, **changed)


HELD = {
    "media-empty-warning": "do.refill",
    "media-empty-error": "do.refill",
    "media-needed-warning": "do.other_paper",
    "media-jam-warning": "do.clear_jam",
    "cover-open-warning": "printer.cover_open",
    "toner-empty-warning": "printer.toner_out",
    "output-area-full-warning": "printer.output_full",
    "other-warning": "printer.look_at_panel",
    "toner-low-warning": "do.wait_for_printer",
    "marker-waste-full-warning": "do.wait_for_printer",  # as its profile knows
    "vendor-thing-error": "do.wait_for_printer",
}


@pytest.mark.parametrize(("reason", "key"), HELD.items())
def test_while_it_holds_a_document_the_printer_says_what_is_to_be_done(bus: Bus, reason: str, key: str) -> None:
    job = printing(bus)
    tell(bus, "processing", reason)
    assert (advice(bus, job).key, advice(bus, job).job) == (key, job.job)


def test_the_refill_guide_names_the_paper(bus: Bus) -> None:
    job = printing(bus)
    tell(bus, "processing", "media-empty-warning")
    assert advice(bus, job).detail == "改ざん防止用紙"
    assert "put 改ざん防止用紙 into the tray" in advice(bus, job).sentence


def test_a_printer_that_stands_comes_before_a_line_that_is_down(bus: Bus) -> None:
    job, down = printing(bus), LinkState(up=False, since_ms=0, key="link.down", sentence="down")
    tell(bus, "processing", "media-jam-warning")
    assert advice(bus, job, down).key == "do.clear_jam"
    tell(bus, "processing")
    assert advice(bus, job, down).key == "do.wait_for_printer", "the sheet comes out without a line"


def test_after_the_session_nobody_is_told_to_refill(bus: Bus) -> None:
    job = printing(bus)
    tell(bus, "processing", "media-empty-warning")
    bus.plan(session=None)
    assert advice(bus, job).key == "do.leave_printer"


def test_a_doubt_asks_what_came_out_but_a_jam_is_cleared_first(bus: Bus) -> None:
    job = printing(bus)
    job = job_of(bus, job.job, state=JobState.UNCERTAIN, why="aborted")
    tell(bus, "processing", "media-jam-warning")
    assert advice(bus, job).key == "do.clear_jam"
    tell(bus, "processing", "media-empty-warning")
    assert advice(bus, job).key == "do.look"
    job = job_of(bus, job.job, state=JobState.UNCERTAIN, why="cancel_unconfirmed")
    assert advice(bus, job).key == "do.switch_off"


def test_before_a_print_only_what_stops_it_is_said(bus: Bus) -> None:
    name = ready(bus)
    for reason, key in (
        ("media-empty-error", "printer.paper_out"),
        ("media-empty-report", "do.print"),
        ("toner-low-warning", "do.print"),
        ("marker-waste-full-error", "do.print"),
    ):
        tell(bus, "idle", reason)
        assert advice(bus, bus.store.job(name)).key == key


def test_what_will_be_needed_soon_is_said_when_nobody_waits(bus: Bus) -> None:
    ready(bus)
    bus.plan(session=None)
    tell(bus, "idle", "toner-low-report", "vendor-thing")
    assert advice(bus, None).key == "printer.toner_low"
    tell(bus, "idle", "vendor-thing")
    assert advice(bus, None).key == "do.call_section"


def test_an_unreachable_printer_is_said(bus: Bus) -> None:
    job = printing(bus)
    tell(bus, "unknown")
    assert advice(bus, job).key == "printer.unknown"


def test_an_old_word_of_the_printer_is_never_shown_as_new(bus: Bus) -> None:
    ready(bus)
    toner = Supply(type="toner", color="black", level=12)
    tell(bus, "idle", "toner-low-report", supplies=(toner,), media_ready=("iso_a4_210x297mm",), impressions=7)
    shown = _printer(bus.duty)
    assert [one.sentence for one in shown.supplies] == ["Toner black 12 %"]
    assert (shown.impressions, shown.media_ready, shown.told_before_s) == (7, ("iso_a4_210x297mm",), 0)
    bus.clock.forward(STALE_S + 1)
    shown = _printer(bus.duty)
    assert (shown.supplies, shown.impressions, shown.media_ready, shown.told_before_s) == ((), None, (), STALE_S + 1)
    assert [note.key for note in shown.notes] == ["printer.unknown"]
    assert bus.duty.printer.state == "unknown"


def test_a_paper_that_is_in_no_tray_is_refused_before_the_key_travels(bus: Bus) -> None:
    name = ready(bus)
    tell(bus, "idle", media_ready=("iso_a5_148x210mm",))
    with pytest.raises(WrongPaperError):
        bus.duty.check(bus.store.job(name))
    assert advice(bus, bus.store.job(name)).key == "refused.wrong_paper"
    for ready_media in (
        ("iso_a5_148x210mm", "iso_a4_210x297mm"),
        ("custom_deeds_210x297mm",),
        ("iso_a5_148x210mm", "letterhead"),  # it may be: the concierge looks
        (),  # it cannot tell: the concierge looks
    ):
        tell(bus, "idle", media_ready=ready_media)
        bus.duty.check(bus.store.job(name))


def test_a_clerk_on_the_line_without_a_document_is_waited_for(bus: Bus) -> None:
    ready(bus)
    assert isinstance(bus.duty.session, SessionView)
    tell(bus, "idle")
    assert (advice(bus, None).key, bus.duty.session.session) == ("do.wait_for_clerk", SESSION)
    bus.duty.mode = DutyMode.ROUTE_BUS
    assert advice(bus, None).key == "do.nothing"
