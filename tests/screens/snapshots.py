"""The text snapshots: what a person reads on every screen, in files that are read over when they change.

`./run screens --write-snapshots` writes them; tests/unit/test_screens.py compares.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cityhall_base.words import Language
from tests.screens.hall import pages
from tests.screens.innertext import inner_text
from tests.screens.moments import samples
from tests.screens.text import SIZES, drawn

HERE: Final = Path(__file__).parent
_NAME: Final = "=== "


def path(side: str, language: Language) -> Path:
    """`side` is hall, kiosk or 80x24."""
    return HERE / f"{side}.{language}.txt"


def bus(size: str, language: Language) -> dict[str, list[str]]:
    """Name of each sample → its rows, empty ones included: where things stand belongs to it."""
    return drawn(samples(), language, SIZES[size])


def hall(language: Language) -> dict[str, list[str]]:
    """Name of each page → its lines."""
    return {one.name: inner_text(one.html) for one in pages(language)}


def written(shown: Mapping[str, list[str]]) -> str:
    """As it lies in the file."""
    return "\n".join("\n".join((f"{_NAME}{name}", *rows)).rstrip() + "\n" for name, rows in shown.items())


def write() -> None:
    """All of them."""
    for language in Language:
        for size in SIZES:
            path(size, language).write_text(written(bus(size, language)), encoding="utf-8")
        path("hall", language).write_text(written(hall(language)), encoding="utf-8")
