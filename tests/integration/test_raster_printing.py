"""The whole way of a certificate to a printer that takes no PDF: drawn at city hall, sealed, printed as PWG raster."""

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Dictionary, Name, String

from cityhall_base.printers import PWG_RASTER
from provisioning.demo.parts import House
from provisioning.demo.people import RefusedError
from provisioning.demo.pwg import raster_pages
from provisioning.files import PUBLIC, write
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, STOP
from tests.hands import Visit

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        House(Path(name), limits={"sync_s": 1}, formats=(PWG_RASTER,)) as house,
    ):
        house.on_duty()
        yield house


def test_a_printer_without_pdf_prints_what_city_hall_has_drawn(house: House) -> None:
    visit = Visit(house, sample_certificate(1, pages=2))
    try:
        visit.wait_on_board(state="on_bus", document_format=PWG_RASTER, impressions=2, sheets=2)
        end = visit.walk()
    finally:
        visit.leave()
    assert (end["state"], end["prepared"]) == ("handed_over", "pwg-raster 300 dpi")
    (paper,) = house.papers()
    assert paper.impressions == 2
    assert paper.size > end["document_size"] == len(visit.document)
    (printed,) = house.printer.records.glob("*.pwg")
    assert [page.media for page in raster_pages(printed.read_bytes())] == ["iso_a4_210x297mm"] * 2


def with_script(document: bytes) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(document)) as pdf:
        pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
        pdf.save(out)
    return out.getvalue()


def test_the_clerk_s_command_flattens_where_the_service_allows_it_and_says_so(house: House) -> None:
    path = house.desk / "claim.pdf"
    write(path, with_script(sample_certificate(2)), house.users.city.clerk, PUBLIC)
    where = ("--bus", BUS, "--section", "children", "--stop", STOP)
    session = str(house.clerk.run("session", "open", *where)["session"])
    ask = ("send", path, "--session", session, "--service", "child-allowance-form")
    try:
        with pytest.raises(RefusedError, match=r"Sent as an image \(`send --flatten`\), it can") as refused:
            house.clerk.run(*ask)
        assert refused.value.reason == "intake.refused_unless_flattened"
        with house.clerk.running(*ask, "--flatten") as process:
            assert process.stdout is not None
            assert '"prepared": "flattened pwg-raster 300 dpi"' in process.stdout.readline()
    finally:
        house.clerk.run("session", "close", session)
