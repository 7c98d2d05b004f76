"""What journeys about paper have in common: a house whose line can be cut and whose clock can be moved, and both screens."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bus_agent.tui.scene import CheckWord, Visit
from cityhall_base.clock import SystemClock, jst
from cityhall_relay.client.api import CityHall
from cityhall_relay.settings import load_clerk
from provisioning.demo.console import STAFF
from provisioning.demo.mishaps import LIE
from provisioning.demo.people import RefusedError
from provisioning.demo.probe import post
from provisioning.small_city import BUS, CLERK, SECOND, SECTION, STOP, Hours
from tests.day.driven import DrivenHouse
from tests.integration.tcp_proxy import TcpProxy, lead
from tests.journeys.clerk import Clerk, chromium, first_time, window
from tests.journeys.concierge import on_board
from tests.journeys.counter import FIRST, Counter
from tests.journeys.waiting import until

Json = dict[str, Any]

BEGIN: Final = "15:10"
END: Final = "15:30"
HOURS: Final = Hours(duty_from="08:30", duty_until=END, enters=True)
LIMITS: Final = {"sync_s": 2, "cancel_confirm_s": 3, "lease_s": 1800, "session_idle_s": 3600}

FREE: Final = "どの課につなぎますか"
DEAD_ZONE: Final = "電波の届かない場所です"


class PaperHouse(DrivenHouse):
    """It is `BEGIN` of this day; both lines to city hall, HTTPS and MQTT, can go dark."""

    def __init__(self, where: Path) -> None:
        super().__init__(
            where, today(BEGIN), limits=LIMITS, hours=HOURS, staff=STAFF, checks=True, lies=(LIE,), apart=True
        )
        self._lines: list[TcpProxy] = []
        self._cookie = ""

    def _prepare(self) -> None:
        super()._prepare()
        self._lines = [TcpProxy(port) for port in (self.ports.bus, self.ports.broker)]
        lead(self, {line.target: line for line in self._lines})

    def stop(self) -> None:
        super().stop()
        for line in self._lines:
            line.close()
        self._lines.clear()

    def go_dark(self) -> None:
        """A valley."""
        for line in self._lines:
            line.go_dark()

    def light(self) -> None:
        """The other side of it."""
        for line in self._lines:
            line.light()

    @property
    def cookie(self) -> str:
        """Of FIRST, who signs in once for all journeys."""
        self._cookie = self._cookie or first_time(self, FIRST, self.clock.utc_ms() / 1000)
        return self._cookie

    @property
    def ciphertexts(self) -> list[str]:
        """Jobs of which the bus holds any."""
        return [path.name for path in (self.city.bus.state / "bodies").iterdir()]

    @property
    def sheets(self) -> tuple[Json, Json]:
        """Today's columns of the numbered paper: by the bus's book, and by city hall's."""
        (paper,) = self.snapshot()["books"]["papers"]
        with city_hall(self, CLERK) as hall:
            (line,) = hall.books(BUS, "ledger", "")["lines"]
        return paper["today"], {name: line[name] for name in paper["today"]}

    def comes_back(self) -> None:
        """Two persons let a bus that was revoked back in."""
        for who in (CLERK, SECOND):
            with city_hall(self, who) as hall:
                hall.reinstate(BUS, "found")


def today(time: str) -> int:
    """UTC milliseconds of a JST time (HH:MM) of this machine's day."""
    hour, minute = map(int, time.split(":"))
    now: datetime = jst(SystemClock().utc_ms())
    return int(now.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp() * 1000)


@contextmanager
def city_hall(house: DrivenHouse, who: str) -> Iterator[CityHall]:
    """City hall as a clerk with a token sees it."""
    hall = CityHall(load_clerk(house.city.city.clerk(who) / "clerk.toml"), patience_s=30)
    try:
        yield hall
    finally:
        hall.close()


@contextmanager
def paper_house() -> Iterator[PaperHouse]:
    """In a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="journey-") as name:
        Path(name).chmod(0o711)
        with PaperHouse(Path(name) / "h") as house:
            yield house


class PaperCounter(Counter):
    """`Counter`, with what a print that goes wrong needs."""

    async def ready(self) -> None:
        """The counter is free, wherever the journey before left it."""
        await until(lambda: self.concierge.scene in ("counter", "route_bus"), "the bus is free", self._shown)
        if self.concierge.scene == "route_bus":
            await asyncio.to_thread(self.house.on_duty)
        await self.concierge.at("counter")
        if FREE not in self.concierge.text:
            await self.concierge.choose("着きました")
            await self.concierge.press("1")
            await self.concierge.choose("ここに着いた")
        await self.concierge.sees(FREE)

    async def step(self, word: str) -> None:
        """Until both screens mark this step of the visit as the running one."""

        async def both() -> tuple[str, str]:
            marked = await self.clerk.page.locator(".steps [aria-current=step] strong").all_inner_texts()
            shown = [part for part in self.concierge.app.deck.scene().body if isinstance(part, Visit)]
            return "".join(one.steps[one.now] for one in shown), "".join(marked)

        async def same() -> bool:
            return await both() == (word, word)

        await until(same, f"both stand at {word}", both)

    async def same_word(self, word: str) -> None:
        """Until both screens show this check word, and no other."""

        async def both() -> tuple[str, str]:
            shown = [part.word for part in self.concierge.app.deck.scene().body if isinstance(part, CheckWord)]
            return "".join(shown), "".join(await self.clerk.page.locator(".todo .word strong").all_inner_texts())

        async def same() -> bool:
            return await both() == (word, word)

        await until(same, f"both see {word}", both)

    async def prints_and_stands(self) -> None:
        """She presses print, and the printer, which has the document whole, stands."""
        await self.concierge.choose("印刷する")
        await asyncio.to_thread(self.house.director.stage.wait_standing)
        await until(lambda: self.job["state"] == "printing", "the bus knows that it is at the printer")

    async def buttons(self) -> list[str]:
        """All that the clerk can press on the right side of the page."""
        return await self.clerk.page.locator(".todo button").all_inner_texts()

    async def sees_elsewhere(self, path: str, *words: str) -> str:
        """What the clerk reads at another address, in a tab of its own; these words come to stand there."""
        page = await self.clerk.page.context.new_page()
        try:
            await page.goto(self.house.console + path)
            await Clerk(self.clerk.who, page).sees(*words)
            return await page.inner_text("main")
        finally:
            await page.close()

    async def refuses(self, path: str, **said: Any) -> str:
        """Asked past the screen, the bus does not do it; the key of what it says."""
        socket = self.house.city.bus.api_socket
        try:
            await asyncio.to_thread(post, socket, path, **said)
        except RefusedError as error:
            return error.reason
        raise AssertionError(f"the bus did {path}")

    async def calls_nobody(self) -> str:
        """Asked past the screen, the bus calls no section; the key of what it says."""
        return await self.refuses("/v1/session/call", section=SECTION, stop=STOP, slot=0)

    @property
    def job(self) -> Json:
        """The bus's last document."""
        return self.jobs[-1]

    @property
    def visit(self) -> str:
        """The address of the visit that the clerk's page shows."""
        return urlsplit(self.clerk.page.url).path

    def _shown(self) -> str:
        return f"{self.concierge.scene}\n{self.concierge.text}"

    async def parts(self) -> None:
        """After the visit: the face, and a free counter on both screens."""
        await self.concierge.at("visit.feedback")
        await self.concierge.choose("よかった")
        await self.concierge.sees(FREE)
        await self.clerk.page.goto(self.house.console)
        await self.clerk.sees("窓口にだれもいません")


@asynccontextmanager
async def at_the_counter(house: PaperHouse) -> AsyncIterator[PaperCounter]:
    """Both screens on, and the counter free."""
    async with on_board(house) as concierge, chromium() as browser:
        both = PaperCounter(house, concierge, await window(browser, house, FIRST, house.cookie), browser)
        await both.ready()
        yield both
