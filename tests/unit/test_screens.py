"""What a person reads on every screen of both sides, and what no page may do to the eye. tests/screens makes the samples."""

import pytest
from rich.cells import cell_len

from cityhall_base.words import Language
from tests.journeys.clerk import CHROMIUM
from tests.screen_walk import of_text
from tests.screens import browser, hall, snapshots
from tests.screens.text import SIZES

HOW = "look at what differs; where it is meant: ./run screens --write-snapshots"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("size", SIZES)
def test_the_concierges_screen_reads_as_it_did(size: str, language: Language) -> None:
    shown = snapshots.bus(size, language)
    assert snapshots.written(shown) == snapshots.path(size, language).read_text(encoding="utf-8"), HOW
    columns, rows = SIZES[size]
    assert [line for lines in shown.values() for line in lines if cell_len(line) > columns] == []
    assert [name for name, lines in shown.items() if len(lines) > rows] == []
    faults = [
        (name, fault) for name, lines in shown.items() for line in lines for fault in of_text(line, Language.ENGLISH)
    ]
    assert faults == []


@pytest.mark.parametrize("language", Language)
def test_the_clerks_pages_read_as_they_did(language: Language) -> None:
    shown = snapshots.hall(language)
    assert snapshots.written(shown) == snapshots.path("hall", language).read_text(encoding="utf-8"), HOW


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_no_page_is_cut_or_wider_than_its_window_or_begins_a_line_with_a_stop() -> None:
    found: dict[str, list[str]] = {}

    def keep(page: hall.Page, _picture: bytes, faults: list[str]) -> None:
        if faults:
            found[page.name] = faults

    for language in Language:
        browser.show(list(hall.pages(language)), language, keep, shots=False)
    assert found == {}
