"""One counter with both its people: what each of them does, step by step, as journeys need it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.async_api import Browser

from provisioning.demo.console import STAFF
from provisioning.demo.parts import House
from provisioning.sample import sample_certificate
from tests.journeys.clerk import Clerk, chromium, sign_in
from tests.journeys.concierge import Concierge, on_board
from tests.journeys.waiting import until

FIRST, OTHER, AUDITOR = STAFF
HALL: Final = "長谷公民館"
SERVICE: Final = "住民票の写し"


@contextmanager
def a_house(**differs: Any) -> Iterator[House]:
    """City hall and bus with accounts of the console; a clerk has to check who it is."""
    with tempfile.TemporaryDirectory(prefix="journey-") as name:
        Path(name).chmod(0o711)
        with House(Path(name) / "h", **{"limits": {"sync_s": 2}, "staff": STAFF, "checks": True, **differs}) as house:
            yield house


class Counter(NamedTuple):
    """The bus's screen and a clerk's browser, on one house."""

    house: House
    concierge: Concierge
    clerk: Clerk
    browser: Browser

    async def arrives(self) -> None:
        """She opens the counter and says at which stop."""
        await asyncio.to_thread(self.house.on_duty)
        await self.concierge.at("counter")
        await self.concierge.choose("着きました")
        await self.concierge.press("1")
        await self.concierge.choose("ここに着いた")
        await self.concierge.sees(HALL, "どの課につなぎますか")

    async def calls(self) -> None:
        """She calls the first section, and it stands on the clerk's board."""
        await self.concierge.choose("市民課")
        await self.concierge.at("visit.ringing")
        await self.clerk.sees("市民課", "応答する")

    async def answers(self) -> None:
        """The clerk takes the call, and both stand at the same step."""
        await self.clerk.press("応答する")
        await self.clerk.sees("本人確認をしてください")
        await self.concierge.at("visit.talk")
        await self.concierge.sees("本人確認")

    async def checks(self) -> None:
        """支援措置, and the kind of document that was seen."""
        await self.clerk.page.get_by_label("支援措置の有無を確かめました").check()
        await self.clerk.press("マイナンバーカード")
        await self.clerk.sees("書類を送ってください")

    async def sends(self, document: bytes | None = None) -> str:
        """The clerk sends it; the check word that both read."""
        page, known = self.clerk.page, {one["job"] for one in self.jobs}
        if await page.get_by_label(SERVICE).count():
            await page.get_by_label(SERVICE).check()
        file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": document or sample_certificate(1)}
        await page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
        await self.clerk.sees("印刷を許可してください")
        new: list[dict[str, Any]] = []

        def comes() -> bool:
            new[:] = [one for one in self.jobs if one["job"] not in known]
            return bool(new)

        await until(comes, "the bus has heard of the document", lambda: self.concierge.text)
        word = str(new[0]["check_word"])
        await self.clerk.sees(word)
        return word

    async def allows(self) -> None:
        """印刷を許可, and the key of the concierge is live."""
        await self.clerk.press("印刷を許可")
        await self.concierge.at("visit.card")
        await until(lambda: self.jobs[-1]["approved"], "the bus has heard that it may print")

    async def prints(self) -> None:
        """She presses print, and looks what came out."""
        await self.concierge.choose("印刷する")
        await self.concierge.at("visit.outcome")

    async def hands_over(self) -> None:
        """お渡ししました, and the fee."""
        await self.concierge.choose("お渡ししました")
        await self.concierge.at("visit.fee")
        await self.concierge.choose("受け取りました")
        await self.clerk.sees("お渡し済")

    async def until_card(self, document: bytes | None = None) -> str:
        """From a free counter to the check word on both screens."""
        await self.calls()
        await self.answers()
        await self.checks()
        return await self.sends(document)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """What the bus holds."""
        return list(self.house.snapshot()["jobs"])


@asynccontextmanager
async def counter(house: House, who: str = FIRST) -> AsyncIterator[Counter]:
    """Both screens on."""
    async with on_board(house) as concierge, chromium() as browser:
        yield Counter(house, concierge, await sign_in(browser, house, who), browser)
