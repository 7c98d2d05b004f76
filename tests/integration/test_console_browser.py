"""The clerk's console in a real browser: by keyboard alone with few presses, live, and without any script at all."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright, expect

from cityhall_relay.intake.check import check
from cityhall_relay.settings import Right
from cityhall_relay.web.listener import bind
from cityhall_wire.messages import link, printing
from provisioning.sample import sample_certificate
from tests import relay_city
from tests.console_counter import COUNTER, Counter, called, clerk
from tests.relay_city import CITY, HandMadeBus, OnBus, Town

CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PAGE: Final = Path(__file__).parents[2] / "docs/clerk.md"
MOST_PRESSES: Final = 3
SESSION: Final = "s" + "0" * 23 + "1"
KINDS: Final = 'identity_documents = ["card", "licence"]'
CHECKED: Final = CITY.replace(b'name_en = "Record"', f'name_en = "Record"\nchecks = true\n{KINDS}'.encode())

expect.set_options(timeout=30_000)  # milliseconds: two cores do other things too
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium")


def documented(task: str) -> tuple[str, ...]:
    """The keys of this row of docs/clerk.md, without what is said about them."""
    found = re.search(rf"^\| {task} \| ([^|(]+)", PAGE.read_text(), re.MULTILINE)
    assert found, task
    return tuple(found[1].strip().split(", "))


class Seat(NamedTuple):
    """A clerk's browser, and the bus at the other end."""

    page: Page
    counter: Counter
    bus: HandMadeBus
    certificate: Path
    presses: list[str]

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.presses.append(key)
            await self.page.keyboard.press(key)

    def pressed(self, task: str) -> None:
        """What was pressed since the task before: as docs/clerk.md has it, and three at most."""
        keys = tuple(self.presses)
        self.presses.clear()
        assert keys == documented(task)
        assert len(keys) <= MOST_PRESSES

    async def begins(self, heading: str) -> None:
        """The right side is about this now."""
        await expect(self.page.locator(".todo h2").first).to_have_text(heading)


@asynccontextmanager
async def seat(top: Path, *, script: bool = True) -> AsyncIterator[Seat]:
    town = Town(top, CHECKED)
    counter = Counter(town, clerk(rights=COUNTER | {Right.DUTY}))
    sock = bind("127.0.0.1", 0)
    sock.listen()
    config = uvicorn.Config(counter.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    port = sock.getsockname()[1]  # it listens already: who comes before the server is up waits
    certificate = top / "certificate.pdf"
    certificate.write_bytes(sample_certificate(1))
    try:
        async with async_playwright() as chromium:
            browser = await chromium.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            context = await browser.new_context(
                base_url=f"http://127.0.0.1:{port}", viewport={"width": 1366, "height": 768}, java_script_enabled=script
            )
            page = await context.new_page()
            yield Seat(page, counter, relay_city.desk_bus(town), certificate, [])
            await browser.close()
    finally:
        town.relay.changes.stop()
        server.should_exit = True
        await serving
        town.relay.close()


@pytest.fixture(autouse=True)
def _real_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_city, "two_pages", check)


def test_a_clerk_answers_checks_sends_allows_and_closes_by_keyboard_with_few_presses() -> None:
    async def visit(top: Path) -> None:
        async with seat(top) as at:
            page, town = at.page, at.counter.town
            await page.goto("/")
            await expect(page.locator(".calls .well")).to_be_visible()

            box = called(town)  # it rings while the board is open
            await expect(page.locator("[data-first]")).to_be_focused()
            await at.press("Enter")
            await at.begins("本人確認をしてください")
            at.pressed("answer the call")

            await at.press("Space", "2")
            await at.begins("書類を送ってください")
            at.pressed("tick the checks")

            await at.press("1")
            async with page.expect_file_chooser() as chosen:
                await at.press("Tab")
                while not await page.locator("input[type=file]").evaluate("it => it === document.activeElement"):
                    await at.press("Tab")
                await at.press("Enter")
            await (await chosen.value).set_files(at.certificate)
            await at.begins("印刷を許可してください")
            at.pressed("upload")
            drawn = page.locator("figure.page img")
            await expect(drawn).to_be_visible()
            assert await drawn.evaluate("it => it.decode().then(() => it.naturalWidth)") == 840

            await at.press("Tab", "Enter")
            await expect(page.locator(".steps li.done")).to_have_count(5)
            at.pressed("allow the print")
            await expect(page.locator("figure.page")).to_have_count(0)

            await at_the_printer(at, box)
            await at.begins("お渡し済")  # nobody has read the page again
            await at.press("Tab", "Enter")
            await expect(page.locator(".calls .well")).to_be_visible()
            at.pressed("close the visit")
            assert town.relay.store.live_sessions() == []

    run(visit)


async def at_the_printer(at: Seat, box: HandMadeBus) -> None:
    town = at.counter.town
    job = town.relay.store.jobs_of_session(SESSION)[0].job
    box.hold(box.sync().offers[0])
    box.sync()
    await expect(at.page.locator(".todo .state")).to_contain_text("バスに届きました")
    session = town.relay.store.session(SESSION)
    assert session
    request, _ = OnBus(town, box, session, job).release()
    for n, finding in enumerate((printing.Finding.SENDING, printing.Finding.SENT, printing.Finding.COMPLETED), 1):
        box.evidence(request, finding, n, impressions=1)
    await at.begins("バスで印刷しています")
    box.fact(link.HandOver, job=job, attempt=1)


def test_every_essential_act_works_without_a_script() -> None:
    async def visit(top: Path) -> None:
        async with seat(top, script=False) as at:
            page, town = at.page, at.counter.town
            called(town)
            await page.goto("/")
            await page.get_by_role("button", name="応答する").click()
            await page.get_by_label("支援措置の有無を確かめました").check()
            await page.get_by_role("button", name="licence").click()
            await page.get_by_label("record").check()
            await page.locator("input[type=file]").set_input_files(at.certificate)
            await page.get_by_role("button", name="送る").click()
            await at.begins("印刷を許可してください")
            await expect(page.locator("figure.page img")).to_be_visible()
            await page.get_by_role("button", name="印刷を許可").click()
            await expect(page.locator(".steps li.done")).to_have_count(5)
            await page.get_by_role("button", name="窓口対応を終了").click()
            assert town.relay.store.live_sessions() == []

    run(visit)


def run(visit: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
    with tempfile.TemporaryDirectory(prefix="browser-") as top:
        asyncio.run(visit(Path(top)))
