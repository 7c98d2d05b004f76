"""A printer that needs a driver, from the press to the paper: what fails while converting has made no sheet, and never two."""

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.ipc.messages import Cancel, Declined, Step
from cityhall_wire.messages.printing import Finding
from provisioning.demo import pcl
from provisioning.demo.parts import House
from provisioning.demo.printer import VIRTUAL_PPD
from provisioning.demo.scan import Haystack
from provisioning.demo.wait import wait_until
from provisioning.demo.walk import Walk
from provisioning.sample import sample_certificate
from tests.integration.bus_lab import BusLab, HandAgent, Sealed, bus_lab, certificate, seal_document
from tests.integration.driver_lab import GONE_S, OTHER, WAITING, DriverLab, Inside, driver_lab, inside

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
    ),
]

# The hand-made filters pass on PDF, which is what the virtual printer counts.
PRINTER = 'driver = { ppd = "changing.ppd", sends = "application/pdf" }'
COPIES = '#!/bin/sh\ncat "$6"\n'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def driver(folder: Path) -> Iterator[DriverLab]:
    with driver_lab(folder) as running:
        yield running


@pytest.fixture(scope="module")
def lab(folder: Path, driver: DriverLab) -> Iterator[BusLab]:
    settings = f'driver_socket = "{driver.socket}"\ndriver_uid = {OTHER.uid}\n'
    with bus_lab(folder, profile=PRINTER, settings=settings) as running:
        yield running


@pytest.fixture
def agent(lab: BusLab) -> Iterator[HandAgent]:
    agent = HandAgent(lab)
    yield agent
    agent.close()


@pytest.fixture
def job() -> Sealed:
    return seal_document(certificate())


def in_the_middle(driver: DriverLab, agent: HandAgent, job: Sealed) -> Inside:
    """A print whose conversion stands still."""
    driver.filter("changing", WAITING)
    agent.until_released(job)
    return inside(driver.part.pid, "cupsd", "/changing")


def no_sheet(agent: HandAgent, why: str) -> None:
    said = agent.evidence()
    assert (said.finding, said.why, said.printer_job) == (Finding.NO_SHEET, why, 0)


def second_attempt_prints_the_only_copy(driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed) -> None:
    driver.filter("changing", COPIES)
    agent.until_sent(job, attempt=2)
    assert agent.evidence().finding is Finding.COMPLETED
    assert lab.papers().count(hashlib.sha256(job.document).hexdigest()) == 1


def test_without_its_driver_a_print_is_declined_before_anything_is_begun(
    driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed
) -> None:
    driver.part.stop()
    agent.press_print(job)
    assert agent.expect(Declined).key == "driver.gone"
    driver.part.start()


def test_a_driver_that_fails_makes_no_sheet_and_the_next_attempt_prints(
    driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed
) -> None:
    driver.filter("changing", '#!/bin/sh\nhead -c 1000 "$6"\nexit 1\n')
    agent.until_released(job)
    no_sheet(agent, "driver.filter")
    second_attempt_prints_the_only_copy(driver, lab, agent, job)


# CUPS as a spooler prints twice, or loses the job, when it is killed; here it only converts.
@pytest.mark.parametrize(
    ("killed", "why"), [("cupsd", "driver.failed"), ("driver", "driver.failed"), ("opener", "bus.peer_gone")]
)
def test_a_kill_while_converting_makes_no_sheet_and_never_two(
    driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed, killed: str, why: str
) -> None:
    room = in_the_middle(driver, agent, job)
    victims = {"cupsd": room.pid("cupsd"), "driver": driver.part.pid, "opener": lab.openers()[0]}
    os.kill(victims[killed], signal.SIGKILL)
    no_sheet(agent, why)
    wait_until(lambda: room.gone, GONE_S, "nothing of the room is left")
    if killed == "driver":
        wait_until(lambda: not driver.part.running, GONE_S, "the driver has ended")
        driver.part.start()
    second_attempt_prints_the_only_copy(driver, lab, agent, job)


def test_a_session_that_ends_while_converting_ends_the_room(
    driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed
) -> None:
    room = in_the_middle(driver, agent, job)
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    no_sheet(agent, "print.canceled")
    wait_until(lambda: room.gone, GONE_S, "nothing of the room is left")


def test_each_step_waits_for_the_agent_as_on_the_direct_path(
    driver: DriverLab, lab: BusLab, agent: HandAgent, job: Sealed
) -> None:
    driver.filter("changing", COPIES)
    before = len(lab.papers())
    agent.until_released(job)
    assert agent.commit(Step.CREATE_JOB).job == job.job
    assert agent.commit(Step.SEND_DOCUMENT).printer_job > 0
    assert agent.evidence().finding is Finding.SENT
    assert agent.evidence().finding is Finding.COMPLETED
    assert len(lab.papers()) == before + 1


def test_through_the_whole_house_pcl_comes_out_and_nothing_readable_stays(driver: DriverLab) -> None:
    document = sample_certificate(41)
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name, House(Path(name), driver=True) as house:
        walked = Walk(house, lambda text: None).go(document)
        raw = next(house.printer.records.glob("*.pcl")).read_bytes()
        converted = Haystack(raw, b"")
        again = converted.search(house.may_hold_plaintext(), house.leave_out)
    assert (walked.state, walked.sheets, walked.plaintext_hits) == ("handed_over", 1, 0)
    assert walked.windows_searched > 0
    assert (pcl.pages(raw), raw[:2]) == (1, pcl.RESET)
    assert hashlib.sha256(raw).hexdigest() == walked.paper_sha256
    # What came out on paper is what the driver makes of this document, byte for byte.
    assert driver.convert(document, 1, VIRTUAL_PPD.name) == raw
    # And what it makes of it lies nowhere either.
    assert sum(map(len, converted.windows.values())) > 0
    assert again == []
