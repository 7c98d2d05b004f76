"""The clerk's console under load: fifty boards open over TLS, five documents a second, and every page asked for meanwhile.

The relay is a process of its own (tests/bench/console_host.py); boards and pages are asked for from this one.
"""

import asyncio
import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import msgspec

from cityhall_base import tls
from cityhall_base.clock import Clock, SystemClock
from cityhall_base.words import Language
from cityhall_relay.console.door import COOKIE
from cityhall_relay.day_words import DayWord
from tests.bench.board_reader import Board, Page, Place
from tests.bench.console_host import AUDITOR, BOARDS, BOSS, Called, Said, Up, Worked, clerk_of, english
from tests.bench.screen_tui import resident
from tests.bench.table import Goal, Row, Series
from tests.console_lab import PASSWORD, code_now

MINUTES: Final = 5.0
PAGE_MS: Final = 150
EVENT_S: Final = 1.0
BETWEEN_PAGES_S: Final = 0.1
SETTLED_S: Final = 30.0
"""What is built once (templates, caches, TLS of fifty boards) is not growth."""

LOOK_S: Final = 5.0
LAST_S: Final = 3.0
"""A change of the last moments may still be on its way when the measurement ends."""

VISITOR: Final = clerk_of(0)
_FORM: Final = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class Figures(NamedTuple):
    """Seconds, MiB; `missing` are changes that some board never showed."""

    pages: dict[str, list[float]]
    events: list[float]
    missing: int
    rss: list[float]
    worked: Worked
    cores: float
    starved: float  # cores that the relay would have used, had nobody else been on them
    bytes: int


def rows(minutes: float = MINUTES) -> Iterator[Row]:
    """Measure; raises where a page or a board does not answer as it should."""
    with tempfile.TemporaryDirectory(prefix="console-bench-") as folder, Host(Path(folder)) as host:
        seen = asyncio.run(host.measure(minutes * 60))
    for page, taken in seen.pages.items():
        ms = [one * 1000 for one in taken]
        yield Row(f"console: {page}, {len(ms)} times", "ms", Series.of(ms))
        yield Row(f"console: {page}, p95", "ms", Series.of([p95(ms)]), goal=Goal(PAGE_MS, of_peer=False))
    yield Row(f"console: change to board, {len(seen.events)} times", "s", Series.of(seen.events))
    yield Row("console: change to board, p95", "s", Series.of([p95(seen.events)]), goal=Goal(EVENT_S, of_peer=False))
    yield Row("console: change to board, most", "s", Series.of([max(seen.events)]), goal=Goal(EVENT_S, of_peer=False))
    yield Row("console: changes that a board never showed", "", Series.of([seen.missing]), goal=Goal(0, of_peer=False))
    rate = seen.worked.documents / seen.worked.seconds
    yield Row("console: documents a second", "1/s", Series.of([rate]), goal=Goal(4.9, of_peer=False, at_least=True))
    yield Row("console: behind its rhythm, most", "s", Series.of([seen.worked.behind_s]))
    yield Row("console: a document inside the relay", "s", Series.of(seen.worked.busy_s))
    yield Row("console: processor of the relay", "cores", Series.of([seen.cores]))
    yield Row("console: the same that others kept from it", "cores", Series.of([seen.starved]))
    yield Row("console: sent to all boards", "kB/s", Series.of([seen.bytes / 1000 / seen.worked.seconds]))
    yield Row("console: memory at the beginning", "MiB", Series.of([seen.rss[0]]))
    yield Row("console: memory at the end", "MiB", Series.of([seen.rss[-1]]))
    yield Row("console: memory meanwhile", "MiB", Series.of(seen.rss))


def p95(samples: list[float]) -> float:
    """Of at least two."""
    return statistics.quantiles(samples, n=20, method="inclusive")[-1]


class Host:
    """The relay's process. Raises RuntimeError where it ends too early."""

    def __init__(self, top: Path) -> None:
        self._top = top
        argv = [sys.executable, "-m", "tests.bench.console_host", str(top)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        assert self._process.stdout
        self._tell_pipe, self._said_pipe = self._process.stdin, self._process.stdout
        self._called: list[Called] = []

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._tell_pipe.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def measure(self, seconds: float) -> Figures:
        """From the first document to the last."""
        up = await asyncio.to_thread(self._heard)
        if not isinstance(up, Up):
            raise TypeError(f"{up}")
        place = Place(up.port, tls.client_context(self._top / "tls" / "ca.crt"))
        cookies = await asyncio.to_thread(self._sign_in, place)
        boards = [Board(place, cookies[clerk_of(n)], mark(english(n))) for n in range(BOARDS)]
        reading = [asyncio.create_task(board.read()) for board in boards]
        self._tell()
        began, (used, waited), rss = time.monotonic(), self._processor_s(), list[float]()
        watching = asyncio.create_task(self._watch(rss, min(SETTLED_S, seconds / 3)))
        listening = asyncio.create_task(asyncio.to_thread(self._listen))
        pages = await self._pages(place, cookies, began + seconds)
        now, took = self._processor_s(), time.monotonic() - began
        self._tell()
        worked = await listening
        await asyncio.sleep(LAST_S / 2)
        for task in (watching, *reading):
            task.cancel()
        for board in boards:
            if board.refused:
                raise RuntimeError(board.refused)
        events, missing = self._delays(boards, began + seconds - LAST_S)
        sent = sum(board.bytes for board in boards)
        return Figures(pages, events, missing, rss, worked, (now[0] - used) / took, (now[1] - waited) / took, sent)

    def _delays(self, boards: list[Board], until: float) -> tuple[list[float], int]:
        delays, missing = list[float](), 0
        for one in self._called:
            for board in boards if one.at < until else ():
                at = board.seen.get(one.slot)
                if at is None:
                    missing += 1
                else:
                    delays.append(at - one.at)
        return delays, missing

    async def _pages(self, place: Place, cookies: dict[str, str], until: float) -> dict[str, list[float]]:
        paths = {
            "board": ("/", VISITOR),
            "visit": ("", VISITOR),
            "books": ("/books", AUDITOR),
            "audit": ("/audit", AUDITOR),
            "people": ("/people", BOSS),
            "own page": ("/me", VISITOR),
            "sign-in": ("/sign-in", ""),
        }
        open_, taken = {name: Page(place, cookies.get(who, "")) for name, (_, who) in paths.items()}, defaultdict(list)
        while time.monotonic() < until:
            for name, (path, _) in paths.items():
                await asyncio.sleep(BETWEEN_PAGES_S)
                if path := path or self._visit():
                    status, took = await open_[name].load(path)
                    if status != httpx.codes.OK:
                        raise RuntimeError(f"{name}: {path}: {status}")
                    taken[name].append(took)
        for page in open_.values():
            page.close()
        return dict(taken)

    def _visit(self) -> str:
        """The address of this clerk's last one, a moment after the call."""
        there = (one for one in reversed(self._called) if one.clerk == VISITOR and one.at < time.monotonic() - 1)
        return next((f"/visits/{one.session}" for one in there), "")

    async def _watch(self, rss: list[float], settled_s: float) -> None:
        await asyncio.sleep(settled_s)
        while True:
            rss.append(resident(self._process.pid))
            await asyncio.sleep(LOOK_S)

    def _sign_in(self, place: Place) -> dict[str, str]:
        """Everybody's cookie, by the sign-in page."""
        return {who: _signed_in(place, who) for who in (*map(clerk_of, range(BOARDS)), AUDITOR, BOSS)}

    # --- the process ---

    def _tell(self) -> None:
        self._tell_pipe.write(b"\n")
        self._tell_pipe.flush()

    def _heard(self) -> Said:
        line = self._said_pipe.readline()
        if not line:
            raise RuntimeError(f"the relay has ended: {self._process.poll()}")
        said: Said = msgspec.json.decode(line, type=Said)
        return said

    def _listen(self) -> Worked:
        while not isinstance(said := self._heard(), Worked):
            if isinstance(said, Called):
                self._called.append(said)
        return said

    def _processor_s(self) -> tuple[float, float]:
        """Of its one loop: on a processor, and ready but waiting for one (/proc/PID/schedstat)."""
        fields = Path(f"/proc/{self._process.pid}/schedstat").read_text().split()
        return int(fields[0]) / 1e9, int(fields[1]) / 1e9


class _Now(NamedTuple):
    clock: Clock = SystemClock()


def _signed_in(place: Place, who: str) -> str:
    headers = {"sec-fetch-site": "same-origin"}
    url = f"https://localhost:{place.port}"
    with httpx.Client(base_url=url, verify=place.context, headers=headers, timeout=30, trust_env=False) as browser:
        form = {"csrf": _found(browser.get("/sign-in").text), "who": who, "password": PASSWORD, "to": ""}
        answer = browser.post("/sign-in", data=form | {"digits": code_now(_Now())})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise RuntimeError(f"{who}: {answer.status_code}")
        if who.startswith("board") and english(int(who.removeprefix("board-")) - 1):
            token = _found(browser.get("/me").text)
            browser.post("/me/language", data={"csrf": token, "language": "en"})
        return browser.cookies[COOKIE]


def _found(page: str) -> str:
    found = _FORM.search(page)
    if found is None:
        raise RuntimeError("a page without a form")
    return found[1]


def mark(in_english: bool) -> re.Pattern[bytes]:
    """How a board names a call's slot."""
    language = Language.ENGLISH if in_english else Language.JAPANESE
    return re.compile(DayWord.SLOT.say(language, "([1-9][0-9]{2})").encode())
