"""axe-core looks at every page of the console in both languages, as Chromium draws it: no serious fault, and no critical one."""

import asyncio
from typing import Final

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.async_api import Page, Route, async_playwright

from cityhall_base.words import Language
from cityhall_relay.console import static_files
from tests.console_album import Album, album
from tests.journeys.clerk import CHROMIUM, FLAGS

pytestmark = [pytest.mark.timeout(120), pytest.mark.skipif(not CHROMIUM, reason="no chromium")]

HALL: Final = "https://hall.test/"
GRAVE: Final = ("serious", "critical")
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""What axe calls best practice beside them is moderate at most."""

SHOW: Final = """html => {
    const made = new DOMParser().parseFromString(html, "text/html");
    document.documentElement.lang = made.documentElement.lang;
    document.title = made.title;
    document.body.replaceWith(document.adoptNode(made.body));
}"""
"""The stylesheet stays, and axe with it: loading both for every page would take minutes. A page's own scripts do not run."""

LOOK: Final = """async ([tags, colours]) => {
    const rules = {"color-contrast": {enabled: colours}};
    const seen = await axe.run(document, {runOnly: tags, rules, resultTypes: ["violations"], iframes: false});
    return seen.violations.map(one => [one.id, one.impact, one.nodes.slice(0, 3).map(node => node.html.slice(0, 120))]);
}"""

PLANTED: Final = (
    "<html><title>a</title><body><img src=x><p style='color: #ccc; background: #fff'>pale</p></body></html>"
)
"""What axe must find, or it does not look."""


def test_no_page_has_a_serious_fault_for_whoever_hears_or_enlarges_it() -> None:
    pages = album()
    assert len(pages) >= 80
    found = asyncio.run(_faults(pages))
    assert not found, "\n".join(found)


async def _faults(pages: Album) -> list[str]:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 1366, "height": 768}, java_script_enabled=True)
        await page.route("**/*", lambda route: _answer(route, next(iter(pages.values()))))
        await page.goto(HALL)
        await page.evaluate(Axe().axe_script)
        planted = " ".join(await _of(page, PLANTED, colours=True))
        assert all(fault in planted for fault in ("image-alt", "color-contrast", "html-has-lang")), planted
        # Colours take half of the time, and are the same in both languages.
        found = [
            f"{name}: {fault}"
            for name, html in pages.items()
            for fault in await _of(page, html, colours=name.endswith(Language.JAPANESE))
        ]
        await browser.close()
    return found


async def _answer(route: Route, first: str) -> None:
    """No server: the first page, its stylesheet, and nothing else."""
    file = static_files.file(route.request.url.rpartition("/")[2])
    if route.request.url == HALL:
        await route.fulfill(body=first, content_type="text/html; charset=utf-8")
    elif file is not None and file.media_type.startswith("text/css"):
        await route.fulfill(body=file.content, content_type=file.media_type)
    else:
        await route.abort()


async def _of(page: Page, html: str, *, colours: bool) -> list[str]:
    await page.evaluate(SHOW, html)
    return [
        f"{fault} {nodes}" for fault, impact, nodes in await page.evaluate(LOOK, [WCAG, colours]) if impact in GRAVE
    ]
