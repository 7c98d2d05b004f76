"""The concierge's screen as text: what stands on it after a sample's keys, row by row, as Textual would draw it."""

import asyncio
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from bus_agent.tui.app import ConciergeScreen
from bus_agent.tui.panel import Panel
from bus_agent.tui.settings import ScreenSettings
from bus_agent.tui.stage import inside
from cityhall_base.words import Language
from tests.screen_city import CITY, TestClock
from tests.screens.moments import Sample, press

KIOSK: Final = (128, 27)
"""Columns and rows of the kiosk's type."""

SMALL: Final = (80, 24)
SIZES: Final = {"kiosk": KIOSK, "80x24": SMALL}


def drawn(samples: Iterable[Sample], language: Language, size: tuple[int, int]) -> dict[str, list[str]]:
    """Name of a sample → its rows, without the spaces at their ends."""

    async def draw() -> dict[str, list[str]]:
        screen = ConciergeScreen(ScreenSettings(socket=Path("/nowhere"), language=language), TestClock(), ticking=False)
        async with screen.run_test(size=size):
            return {one.name: _after(screen, one) for one in samples}

    return asyncio.run(draw())


def _after(screen: ConciergeScreen, one: Sample) -> list[str]:
    deck = screen.deck
    deck.update(None, CITY, False)
    deck.hold.up()
    deck.refusal = None
    deck.__init__(deck._clock, deck.language)  # type: ignore[misc]  # as after a restart
    deck.update(one.seen, CITY, not one.gone)
    assert all(press(deck, key) for key in one.keys), one.name
    screen.redraw()
    return _rows(screen)


def _rows(screen: ConciergeScreen) -> list[str]:
    rows: list[str] = []
    for child in screen.screen.children:
        if child.has_class("hidden"):
            continue
        panels = (
            [child] if isinstance(child, Panel) else [one for one in child.query(Panel) if not one.has_class("hidden")]
        )
        rows += _beside([one for one in panels if isinstance(one, Panel)], child.id or "", screen.size.width)
    return [row.rstrip() for row in rows]


def _beside(panels: list[Panel], box: str, width: int) -> list[str]:
    """As bus_agent/tui/screen.tcss sets them: the choices have a margin, the four keys a share each."""
    share = width // len(panels) if box == "always" else 0
    gap, before = ("  ", " " * ((width - inside(width)) // 2)) if box == "choices" else ("", "")
    blocks = [["".join(piece.text for piece in line.pieces) for line in one.lines] for one in panels]
    wide = [max((share, *(cell_len(line) for line in block))) for block in blocks]
    found = []
    for parts in zip_longest(*blocks, fillvalue=""):
        padded = (part + " " * (cells - cell_len(part)) for part, cells in zip(parts, wide, strict=True))
        found.append(before + gap.join(padded))
    return found
