"""The concierge: her screen as she sees it, and the keys that she presses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from textual.pilot import Pilot

from bus_agent.tui.app import ConciergeScreen
from bus_agent.tui.panel import Panel
from bus_agent.tui.scene import Choice
from bus_agent.tui.settings import ScreenSettings
from cityhall_base.words import Language
from provisioning.demo.parts import House
from tests.journeys.waiting import until

KIOSK: Final = (128, 27)
"""Columns and rows of a screen of 1280×800 in the kiosk's type."""


class Concierge:
    """`log` has every key that she pressed, for docs/concierge.md's key logs."""

    def __init__(self, app: ConciergeScreen, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.log: list[str] = []

    @property
    def text(self) -> str:
        """All that stands on the screen."""
        shown = (panel for panel in self.app.query(Panel) if all(one.display for one in panel.ancestors_with_self))
        return "\n".join(panel.text for panel in shown)

    @property
    def scene(self) -> str:
        """The name of what stands on the stage."""
        return self.app.deck.place.scene

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The big keys of the moment."""
        return self.app.deck.scene().choices

    async def sees(self, *words: str) -> None:
        """Until all of these stand on the screen."""
        await until(lambda: all(word in self.text for word in words), f"the concierge sees {words}", lambda: self.text)

    async def at(self, scene: str) -> None:
        """Until this stands on the stage."""
        await until(lambda: self.scene == scene, f"the stage is {scene}", lambda: f"{self.scene}\n{self.text}")

    async def press(self, *keys: str) -> None:
        """One after the other."""
        for key in keys:
            self.log.append(key)
            await self.pilot.press(key)

    async def choose(self, label: str) -> None:
        """The big key with this on it; where it asks again, she confirms as soon as it lets her."""
        await until(lambda: self._key(label), f"there is a key {label}", lambda: self.text)
        choice = self.choices[self._key(label) - 1]
        await self.press(f"f{self._key(label)}")
        if choice.sure:
            await until(lambda: self._key(label), f"{label} may be confirmed", lambda: self.text)
            await self.press(f"f{self._key(label)}")

    def _key(self, label: str) -> int:
        live = (number for number, one in enumerate(self.choices, 1) if label in one.label and one.act is not None)
        return next(live, 0)


@asynccontextmanager
async def on_board(house: House, language: Language = Language.JAPANESE) -> AsyncIterator[Concierge]:
    """Her screen, started on the house's agent; ended when this is left."""
    app = ConciergeScreen(ScreenSettings(socket=house.city.bus.api_socket, language=language))
    async with app.run_test(size=KIOSK) as pilot:
        one = Concierge(app, pilot)
        await until(lambda: app.deck.up and app.deck.city.bus, "the screen hears the agent", lambda: one.text)
        yield one
