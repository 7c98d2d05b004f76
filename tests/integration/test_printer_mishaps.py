"""A printer that fails on demand, before the real spooler: what is found, what is told of it, and what lies in the tray."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.ipc.messages import Cancel
from bus_agent.spooler.printer import Printer
from cityhall_base.printer_state import stands
from cityhall_wire.messages.printing import Evidence, Finding
from provisioning.demo import paper
from provisioning.demo.paper import Paper
from provisioning.demo.stage import Scene
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from tests.integration.bus_lab import BusLab, HandAgent, Sealed, bus_lab, certificate, seal_document

pytestmark = pytest.mark.skipif(
    not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[BusLab]:
    with tempfile.TemporaryDirectory(prefix="mishap-") as name, bus_lab(Path(name)) as running:
        yield running


@pytest.fixture
def agent(lab: BusLab) -> Iterator[HandAgent]:
    agent = HandAgent(lab)
    yield agent
    agent.close()


def printed(lab: BusLab, agent: HandAgent, scene: Scene, pages: int = 1) -> Sealed:
    """A document that is at the printer, which does as the scene says."""
    job = seal_document(certificate(pages), pages)
    lab.director.stage.play(scene)
    agent.until_sent(job)
    if scene.reason:
        lab.director.stage.wait_standing()
    return job


def in_the_tray(lab: BusLab, job: Sealed) -> list[Paper]:
    digest = hashlib.sha256(job.document).hexdigest()
    return [one for one in paper.read(lab.printer_folder.records) if one.sha256 == digest]


def found(said: Evidence) -> tuple[Finding, str, int]:
    return said.finding, said.why, said.impressions


def test_a_printer_without_paper_goes_on_when_it_is_refilled(lab: BusLab, agent: HandAgent) -> None:
    job = printed(lab, agent, Scene(reason="media-empty,media-needed"))
    told = agent.hear_printer("media-empty", "media-needed")
    assert told.busy == job.job
    assert stands(told.printer.state, told.printer.reasons)
    assert in_the_tray(lab, job) == []
    lab.director.stage.mend()
    assert found(agent.evidence()) == (Finding.COMPLETED, "printed", 1)
    assert [one.came_out for one in in_the_tray(lab, job)] == [1]


def test_after_the_session_a_refill_brings_out_nothing(lab: BusLab, agent: HandAgent) -> None:
    job = printed(lab, agent, Scene(reason="media-empty"))
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    assert found(agent.evidence()) == (Finding.CANCELED_AT_PRINTER, "session_ended", 0)
    with pytest.raises(PartError, match="does not stand"):
        lab.director.stage.mend()
    assert in_the_tray(lab, job) == []


def test_a_printer_that_stood_between_two_sheets_never_proves_a_print(lab: BusLab, agent: HandAgent) -> None:
    # The printer itself says "completed" and counts two: the first sheet may all the same be crumpled, or there twice.
    job = printed(lab, agent, Scene(reason="cover-open", after_page=1), pages=2)
    agent.hear_printer("cover-open")
    lab.director.stage.mend()
    assert found(agent.evidence()) == (Finding.DOUBT, "stood_between_sheets", 2)
    assert [one.came_out for one in in_the_tray(lab, job)] == [2]


def test_a_jam_after_page_1_of_2_leaves_one_sheet_and_a_doubt(lab: BusLab, agent: HandAgent) -> None:
    job = printed(lab, agent, Scene(reason="media-jam", after_page=1, aborts=True), pages=2)
    agent.hear_printer("media-jam")
    lab.director.stage.mend()
    assert found(agent.evidence()) == (Finding.DOUBT, "aborted", 1)
    assert [(one.came_out, one.completed_ns) for one in in_the_tray(lab, job)] == [(1, 0)]


def test_a_printer_that_gives_the_document_up_leaves_a_doubt(lab: BusLab, agent: HandAgent) -> None:
    job = printed(lab, agent, Scene(aborts=True))
    assert found(agent.evidence()) == (Finding.DOUBT, "aborted", 0)
    assert in_the_tray(lab, job) == []


def test_a_slow_printer_is_waited_for(lab: BusLab, agent: HandAgent) -> None:
    printed(lab, agent, Scene(page_seconds=0.3), pages=3)
    assert found(agent.evidence()) == (Finding.COMPLETED, "printed", 3)


def test_a_printer_switched_off_while_it_stood_prints_nothing_when_it_is_on_again(
    lab: BusLab, agent: HandAgent
) -> None:
    job = printed(lab, agent, Scene(reason="media-empty"))
    (command,) = commands(lab)
    lab.printer.kill()
    wait_until(lambda: not Path(f"/proc/{command}").exists(), 5, "the print command has ended with its printer")
    lab.printer.start()
    assert agent.evidence().finding is Finding.DOUBT
    assert printer(lab).describe().reasons == ()
    assert in_the_tray(lab, job) == []


def commands(lab: BusLab) -> list[str]:
    children = Path(f"/proc/{lab.printer.pid}/task").glob("*/children")
    return [pid for path in children for pid in path.read_text().split()]


def printer(lab: BusLab) -> Printer:
    return Printer(f"ipp://127.0.0.1:{lab.port}/ipp/print")


def test_what_an_idle_printer_reports_stays_until_it_is_taken_back_and_stops_no_print(
    lab: BusLab, agent: HandAgent
) -> None:
    lab.director.report("media-low", "marker-waste-almost-full")
    try:
        assert set(printer(lab).describe().reasons) == {"media-low-report", "marker-waste-almost-full-report"}
        printed(lab, agent, Scene())
        assert agent.evidence().finding is Finding.COMPLETED
        agent.hear_printer("media-low", "marker-waste-almost-full")
    finally:
        lab.director.report()
    assert printer(lab).describe().reasons == ()


def test_toner_and_waste_are_reported_with_their_levels(lab: BusLab) -> None:
    director = lab.director
    for toner, waste, reasons in (
        (8, 25, {"toner-low-report"}),
        (0, 25, {"toner-empty-report"}),
        (60, 95, {"marker-waste-almost-full-report"}),
        (60, 100, {"marker-waste-full-report"}),
        (60, 25, set()),
    ):
        director.panel.set_supplies(toner=toner, waste=waste)
        assert set(printer(lab).describe().reasons) == reasons


def test_the_panel_is_deaf_while_the_printer_works(lab: BusLab, agent: HandAgent) -> None:
    printed(lab, agent, Scene(reason="paused"))
    with pytest.raises(PartError, match="is at work"):
        lab.director.report("cover-open")
    lab.director.stage.mend()
    assert agent.evidence().finding is Finding.COMPLETED
    with pytest.raises(PartError, match="play a scene"):
        lab.director.report("media-empty")
