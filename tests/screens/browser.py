"""Pages of the console in Chromium at 1366×768: what the relay answered is shown as it came, so that no relay has to wait for pictures.

`RULES` measures in the page what an eye would find: a page that is wider than the window, text that is cut, and a line that
begins with a stop, by the places of the letters.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw
from playwright.async_api import Page as Window
from playwright.async_api import Route

from cityhall_base.words import Language
from cityhall_relay.console import static_files
from tests.journeys.clerk import chromium
from tests.screens.hall import Page

ORIGIN: Final = "https://hall.test"
VIEW: Final = {"width": 1366, "height": 768}

RULES: Final = """() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`wider than the window: ${root.scrollWidth}`);
  for (const one of document.querySelectorAll("body *")) {
    const style = getComputedStyle(one);
    if (style.overflowX === "visible" || one.closest("[hidden]") || !one.textContent.trim()) continue;
    if (one.scrollWidth > one.clientWidth + 1) faults.push(`cut: ${one.textContent.trim().slice(0, 40)}`);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const place = (node, at) => { range.setStart(node, at); range.setEnd(node, at + 1); return range.getClientRects()[0]; };
  while (texts.nextNode()) {
    const node = texts.currentNode, text = node.data;
    for (let at = 1; at < text.length; at++) {
      if (text[at] !== "。" && text[at] !== "、") continue;
      const here = place(node, at), before = place(node, at - 1);
      if (here && before && here.width && here.top > before.top + before.height / 2)
        faults.push(`a line begins with ${text[at]}: ${text.slice(Math.max(0, at - 12), at + 1)}`);
    }
  }
  for (const one of document.querySelectorAll("button, a.button, h1, h2, h3, .word strong")) {
    const inside = one.getBoundingClientRect();
    if (inside.width && (inside.right > innerWidth + 1 || inside.left < -1)) faults.push(`outside: ${one.textContent.trim()}`);
  }
  return faults;
}"""

Keep = Callable[[Page, bytes, list[str]], None]


def show(pages: Iterable[Page], language: Language, keep: Keep, *, shots: bool = True) -> None:
    """`keep` gets each page, its picture (empty without `shots`) and its faults."""

    async def showing() -> None:
        async with chromium() as browser:
            context = await browser.new_context(viewport=VIEW, locale=f"{language}-JP", reduced_motion="reduce")
            window = await context.new_page()
            for page in pages:
                await _load(window, page)
                faults = await window.evaluate(RULES)
                keep(page, await window.screenshot(full_page=True) if shots else b"", faults)

    asyncio.run(showing())


async def _load(window: Window, page: Page) -> None:
    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path.startswith("/events"):
            return  # a stream that says nothing
        if path == page.path:
            await route.fulfill(body=page.html, content_type="text/html; charset=utf-8")
        elif path.startswith("/static/"):
            one = static_files._FILES[path.rpartition("/")[2]]
            await route.fulfill(body=one.content, content_type=one.media_type)
        elif path.endswith("/first-page"):
            await route.fulfill(body=_sheet(), content_type="image/png")
        else:
            await route.abort()

    await window.unroute_all()
    await window.route("**/*", answer)
    await window.goto(ORIGIN + page.path, wait_until="load")
    await window.evaluate("document.fonts.ready")


@cache
def _sheet() -> bytes:
    """Stands for a first page: the real one is drawn by a process of its own, which a walk without processes does not have."""
    sheet = Image.new("RGB", (620, 877), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((60, 60, 560, 110), outline="black", width=2)
    for y in range(150, 760, 36):
        pen.line((60, y, 560 - (y * 7) % 160, y), fill="#888888", width=3)
    made = BytesIO()
    sheet.save(made, "PNG")
    return made.getvalue()
