"""Both screens thrown away in the middle of a step and started anew: the same words have to stand there.

The concierge has two: the one that she works at (Pilot), and `bus-agent tui` as a process of its own on a terminal, which dies by
SIGKILL. The clerk's browser is closed with everything that it knew but the cookie.
"""

import re
from contextlib import AsyncExitStack
from typing import Final, Self

from playwright.async_api import Browser
from textual.pilot import Pilot

from bus_agent.tui.app import ConciergeScreen
from provisioning.demo.parts import House
from tests.journeys.clerk import COOKIE, sign_in, window
from tests.journeys.concierge import Concierge, on_board
from tests.journeys.counter import FIRST, Counter
from tests.journeys.terminal import Terminal
from tests.journeys.waiting import until

_RUNS: Final = re.compile(r"[0-9]+:[0-9]+|[0-9]+ ?(?=[秒分%])|[\u2500-\u259f]+")
"""What moves by itself: clocks, seconds, per cent, bars."""

_LIGHT: Final = re.compile("(電源|回線|市役所|プリンター|用紙) ")
"""How the line is at this moment is no part of the step."""

_MINE: Final = "対応中の窓口にもどる"


def calm(text: str) -> list[str]:
    """Its lines without what moves by itself and the lights."""
    lines = (re.sub(r"\s+", " ", _RUNS.sub("", one)).strip() for one in text.splitlines())
    return [one for one in lines if one and not _LIGHT.match(one)]


class Again:
    """`counter` stays the same through it all."""

    def __init__(self, house: House, browser: Browser) -> None:
        self._house, self._browser = house, browser
        self._pilots, self._terminal = AsyncExitStack(), Terminal(house)
        self.counter: Counter
        self.times = 0

    async def __aenter__(self) -> Self:
        concierge = await self._pilots.enter_async_context(on_board(self._house))
        clerk = await sign_in(self._browser, self._house, FIRST)
        self.counter = Counter(self._house, concierge, clerk, self._browser)
        self._terminal.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._terminal.kill()
        await self._pilots.aclose()

    async def both(self) -> None:
        """All of them die; the visit is where it was."""
        await self.concierge()
        await self.clerk()

    async def concierge(self) -> None:
        """Her two screens."""
        one = self.counter.concierge
        scene, before = one.scene, calm(one.text)
        self._terminal.kill()
        await self._pilots.aclose()
        one.app, one.pilot = await self._new()
        self._terminal.start()
        await one.at(scene)
        await until(lambda: calm(one.text) == before, f"the same stands there: {before}", lambda: calm(one.text))
        await until(self._like_the_other, f"the terminal has {before}", lambda: self._terminal.text)
        self.times += 1

    async def clerk(self) -> None:
        """Her window: another browser context that has the cookie alone."""
        clerk = self.counter.clerk
        before, address = calm(await clerk.text()), clerk.page.url
        cookie = next(one for one in await clerk.page.context.cookies() if one["name"] == COOKIE)
        await clerk.page.context.close()
        clerk.page = (await window(self._browser, self._house, clerk.who, cookie["value"])).page
        if "/visits/" in address:
            await clerk.press(_MINE)

        async def same() -> bool:
            return calm(await clerk.text()) == before

        await until(same, f"the same stands there: {before}", clerk.text)
        assert clerk.page.url == address

    async def _new(self) -> tuple[ConciergeScreen, Pilot[None]]:
        made: Concierge = await self._pilots.enter_async_context(on_board(self._house))
        return made.app, made.pilot

    def _like_the_other(self) -> bool:
        shown = "\n".join(calm(self._terminal.text))
        return all(line in shown for line in calm(self.counter.concierge.text))
