"""The line to the printer cut at every hundredth of the document: proven to be no sheet, and no torso on paper."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.ipc.messages import Step
from bus_agent.spooler.printer import path_at
from cityhall_wire.messages.printing import Evidence, Finding
from provisioning.demo import paper
from provisioning.demo.wait import wait_until
from tests.integration.bus_lab import BusLab, HandAgent, Sealed, certificate, seal_document
from tests.integration.printer_line import PrinterLine

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
    ),
]

DOCUMENT_BYTES = 200_000
PERCENT = range(1, 101)


@pytest.fixture(scope="module")
def cut_lab() -> Iterator[tuple[BusLab, PrinterLine]]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        lab = BusLab(Path(name), through=PrinterLine)
        assert lab.line is not None
        try:
            lab.start()
            yield lab, lab.line
        finally:
            lab.stop()


def sent_into(agent: HandAgent, job: Sealed) -> Evidence:
    """What the print key says in the end about a job whose upload is cut."""
    agent.until_released(job)
    agent.commit(Step.CREATE_JOB)
    agent.commit(Step.SEND_DOCUMENT)
    said = agent.evidence()
    return agent.evidence() if said.finding is Finding.SENT else said


def idle(lab: BusLab) -> None:
    wait_until(
        lambda: all(one.completed_ns for one in paper.read(lab.printer_folder.records)), 15, "the printer is done"
    )


def test_a_line_cut_at_any_hundredth_of_the_document_is_proven_to_be_no_sheet(
    cut_lab: tuple[BusLab, PrinterLine],
) -> None:
    lab, line = cut_lab
    agent, document = HandAgent(lab), certificate(filler=DOCUMENT_BYTES)
    printer = path_at(f"ipp://127.0.0.1:{lab.port}/ipp/print")
    for percent in PERCENT:
        wait_until(lambda: printer.describe().state == "idle", 15, "the printer has given up what it had")
        agent.stand_by()
        # Every fifth by FIN, as a printer sees an end that the sender meant; the others by RST.
        line.cut(len(document) * percent // 100, politely=percent % 5 == 0)
        said = sent_into(agent, seal_document(document))
        assert (said.finding, said.why, said.impressions) == (Finding.NO_SHEET, "document_cut", 0), (percent, said)
    agent.close()
    wait_until(
        lambda: all(one.completed_ns for one in paper.read(lab.printer_folder.records)), 15, "the printer is done"
    )
    assert line.cuts == len(PERCENT)
    assert set(lab.papers()) <= {hashlib.sha256(document).hexdigest()}
