"""The line between bus and city hall: what crosses it twice after a cut, and that nothing crosses it too early."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from tests.hands import STEP_S, Visit
from tests.integration.tcp_proxy import TcpProxy, through

pytestmark = pytest.mark.timeout(180)

DOCUMENT_BYTES = 5_000_000
TWICE = 64 * 1024
"""What may cross again after one cut: two ranges of 32 KiB in flight. Seen: 19 kB, the new TLS handshakes included."""


@pytest.fixture(scope="module")
def proxied() -> Iterator[tuple[House, TcpProxy]]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        House(Path(name), limits={"sync_s": 1}, print_seconds=0.5) as house,
    ):
        proxy = TcpProxy(house.ports.bus)
        try:
            through(house, {house.ports.bus: proxy}, STEP_S)
            house.on_duty()
            yield house, proxy
        finally:
            proxy.close()


def carried_bytes(house: House, proxy: TcpProxy, number: int, cuts: tuple[int, ...] = ()) -> int:
    """Bytes that came down the line, syncs and TLS included, until a document of 5 MB was on the bus."""
    before = proxy.down
    proxy.cuts = 0
    visit = None
    try:
        for cut in cuts[:1]:
            proxy.cut_after(cut)
        visit = Visit(house, sample_certificate(number, target_bytes=DOCUMENT_BYTES))
        for cut in cuts[1:]:
            wait_until(lambda: proxy.cut_done, STEP_S, "the line was cut")
            proxy.cut_after(cut)
        visit.wait_on_board(state="on_bus")
        return proxy.down - before
    finally:
        if visit is not None:
            visit.leave()


def test_a_cut_in_the_middle_of_5_mb_resumes_and_costs_at_most_64_kib(proxied: tuple[House, TcpProxy]) -> None:
    house, proxy = proxied
    whole = carried_bytes(house, proxy, 1)
    assert whole > DOCUMENT_BYTES
    cut = carried_bytes(house, proxy, 2, (DOCUMENT_BYTES // 3, DOCUMENT_BYTES // 3))
    assert proxy.cuts == 2
    assert cut - whole <= 2 * TWICE


def test_the_ciphertext_is_on_the_bus_before_anybody_allows_the_print(proxied: tuple[House, TcpProxy]) -> None:
    house, _ = proxied
    visit = Visit(house, sample_certificate(3))
    try:
        visit.wait_on_board(state="on_bus", approved=False)
        assert visit.on_board["received"] == visit.at_city_hall["size"] > len(visit.document)
        assert visit.walk()["state"] == "handed_over"
        assert visit.copies == 1
    finally:
        visit.leave()


def test_what_the_printer_does_while_the_line_is_dark_is_told_afterwards(proxied: tuple[House, TcpProxy]) -> None:
    house, proxy = proxied
    visit = Visit(house, sample_certificate(4))
    try:
        visit.wait_on_board(state="on_bus")
        visit.approve()
        visit.press("print")
        wait_until(lambda: visit.copies == 1, STEP_S, "the printer has it")
        proxy.go_dark()
        visit.wait_on_board(state="printed")
        assert visit.at_city_hall["state"] != "printed"
        proxy.light()
        wait_until(lambda: visit.at_city_hall["state"] == "printed", STEP_S, "the clerk hears of it")
    finally:
        proxy.light()
        visit.leave()
