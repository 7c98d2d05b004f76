"""A clerk in a real Chromium, and the first sign-in that comes before."""

import base64
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.async_api import Browser, Page, async_playwright

from cityhall_base import tls
from provisioning.demo.parts import House
from tests.journeys.waiting import until

CHROMIUM: Final = shutil.which("chromium")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD: Final = "four quiet herons wading"
COOKIE: Final = "__Host-console"

_FIELD: Final = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_SECRET: Final = re.compile(r"<code[^>]*>([A-Z2-7 ]{26,64})</code>")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The machine's own, without a window."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Clerk:
    """One browser window of one clerk."""

    def __init__(self, who: str, page: Page) -> None:
        self.who, self.page = who, page

    async def text(self) -> str:
        """All that stands in the page's middle."""
        return await self.page.inner_text("main")

    async def sees(self, *words: str) -> None:
        """Until all of these stand in the page."""

        async def there() -> bool:
            text = await self.text()
            return all(word in text for word in words)

        await until(there, f"{self.who} sees {words}", self.text)

    async def press(self, name: str) -> None:
        """The button or link with this name."""
        button = self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name))
        await button.first.click()


async def sign_in(browser: Browser, house: House, who: str, language: str = "ja") -> Clerk:
    """A window of a clerk who signs in for the first time, and stands at the board."""
    return await window(browser, house, who, first_time(house, who))


async def window(browser: Browser, house: House, who: str, cookie: str) -> Clerk:
    """A window of a clerk who is signed in, at the board."""
    context = await browser.new_context(
        viewport={"width": 1366, "height": 768}, ignore_https_errors=True, locale="ja-JP"
    )
    await context.add_cookies([{"name": COOKIE, "value": cookie, "url": house.console, "secure": True}])
    page = await context.new_page()
    await page.goto(house.console)
    return Clerk(who, page)


def first_time(house: House, who: str, at: float | None = None) -> str:
    """Password and app are set up as the first page asks; the signed-in browser's cookie. `at`: seconds since 1970, city hall's."""
    with httpx.Client(
        base_url=house.console, verify=tls.client_context(house.city.clerk_toml.with_name("ca.crt"))
    ) as http:
        http.headers["Sec-Fetch-Site"] = "same-origin"
        token = _found(_FIELD, http.get("/first").text)
        answer = http.post("/first", data={"csrf": token, "who": who, "code": house.codes[who]})
        page = http.get(answer.headers["location"]).text
        secret = base64.b32decode(_found(_SECRET, page).replace(" ", ""))
        digits = TOTP(secret, 6, SHA1(), 30).generate(at or time.time()).decode()  # noqa: S303 - RFC 6238's own
        form = {"csrf": _found(_FIELD, page), "password": PASSWORD, "again": PASSWORD, "digits": digits}
        assert http.post("/first/set-up", data=form).status_code == httpx.codes.SEE_OTHER
        return str(http.cookies[COOKIE])


def _found(what: re.Pattern[str], page: str) -> str:
    found = what.search(page)
    assert found, page
    return found[1]
