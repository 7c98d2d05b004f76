"""The same print by each path to a real virtual printer: plain IPP, ipps with a pinned certificate, what ipp-usb shows of USB."""

import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.errors import NotThisPrinterError, PrinterSilentError
from bus_agent.ipc.messages import Cancel, Declined, Requested
from bus_agent.spooler import exchange
from bus_agent.spooler.exchange import Endpoint
from bus_agent.spooler.printer import path_at
from bus_agent.spooler.tls import fingerprint_of
from cityhall_wire.messages.printing import Finding
from provisioning.files import me
from tests.integration.bus_lab import BusLab, HandAgent, bus_lab, certificate, seal_document

pytestmark = pytest.mark.skipif(
    not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
)


@pytest.fixture(scope="module")
def printer() -> Iterator[BusLab]:
    with tempfile.TemporaryDirectory(prefix="printer-") as top, bus_lab(Path(top)) as running:
        yield running


@pytest.fixture(scope="module")
def fingerprint(printer: BusLab) -> str:
    return fingerprint_of("localhost", exchange.look_up(Endpoint("localhost", printer.port, "", None)))


@pytest.fixture(scope="module")
def protected(printer: BusLab, fingerprint: str) -> Iterator[BusLab]:
    uri, pin = f"ipps://localhost:{printer.port}/ipp/print", f'certificate_sha256 = "{fingerprint}"'
    with tempfile.TemporaryDirectory(prefix="bus-") as top, bus_lab(Path(top), uri=uri, profile=pin) as running:
        yield running


def test_a_document_goes_through_tls_to_the_pinned_printer(printer: BusLab, protected: BusLab) -> None:
    agent, job = HandAgent(protected), seal_document(certificate(2, 1_500_000), 2)
    agent.until_sent(job)
    assert agent.evidence().finding is Finding.COMPLETED
    assert printer.papers()[-1] == hashlib.sha256(job.document).hexdigest()
    agent.close()


@pytest.mark.parametrize("secure", [False, True], ids=["ipp", "ipps"])
def test_only_the_processes_of_an_ipps_printer_load_tls(printer: BusLab, protected: BusLab, secure: bool) -> None:
    lab = protected if secure else printer
    agent, job = HandAgent(lab), seal_document(certificate())
    agent.press_print(job)
    agent.expect(Requested)
    for pid in (lab.spooler.pid, *lab.openers()):
        assert bool(re.search(r"/_ssl\.", Path(f"/proc/{pid}/maps").read_text())) is secure
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    agent.evidence()
    agent.close()


def test_another_printer_at_the_known_address_is_not_printed_on(printer: BusLab, fingerprint: str) -> None:
    uri, pin = f"ipps://localhost:{printer.port}/ipp/print", f'certificate_sha256 = "{"0" * 64}"'
    assert fingerprint != "0" * 64
    papers = printer.papers()
    with tempfile.TemporaryDirectory(prefix="bus-") as top, bus_lab(Path(top), uri=uri, profile=pin) as lab:
        agent = HandAgent(lab)
        assert agent.status().printer.state == "unknown"
        agent.press_print(seal_document(certificate()))
        assert agent.expect(Declined).key == NotThisPrinterError.key
        agent.close()
    assert printer.papers() == papers


def test_an_unplugged_printer_is_a_silent_one_and_comes_back(printer: BusLab) -> None:
    # What ipp-usb shows of a cable pulled out: nobody listens at its port any more, and later somebody does again.
    path = path_at(f"ipp://localhost:{printer.port}/ipp/print")
    assert path.describe().state == "idle"
    printer.printer.kill()
    with pytest.raises(PrinterSilentError, match="ConnectionRefused"):
        path.describe()
    printer.printer.start()
    assert path.describe().state == "idle"


def test_other_paper_in_a_real_printers_tray_is_refused(printer: BusLab) -> None:
    printer.printer.kill()
    printer.printer_folder.prepare(me(), sys.executable, 0, media="iso_a5_148x210mm")
    printer.printer.start()
    agent = HandAgent(printer)
    agent.press_print(seal_document(certificate()))
    assert agent.expect(Declined).key == "refused.wrong_paper"
    agent.close()
