"""The concierge's screen: how soon a key is answered, what a day leaves in memory, what rest costs.

The screen is the real process in a pty of the kiosk's size. What it shows comes from the stand-in of tests/screen_city.py, because
the real agent says no more than two snapshots a second.
"""

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from bus_agent.shown import CallShown, JobShown, LightShown, Snapshot
from bus_agent.tui.deck import Deck
from bus_agent.tui.scene import Back
from bus_agent.tui.stage import MARGIN, WIDEST
from bus_agent.tui.wrap import wrap
from cityhall_base.words import Language
from tests.bench.table import Goal, Row, Series
from tests.bench.terminal import SIZE, Talker, Terminal
from tests.screen_city import CARD, CITY, JOB, QUIET, TALKING, TestClock, shown

JOBS: Final = 20
A_SECOND: Final = 20
PRESSES: Final = 300
THINKS_S: Final = 0.13
"""Between two presses: no multiple of the snapshots' rhythm, so that a press meets it at every point."""

DAY_SNAPSHOTS: Final = 28_800
"""Eight hours of one a second. The agent says two a second while something moves, and else one where a sync changed something."""

BETWEEN_KEYS: Final = 10
"""Snapshots from one press to the next: 2,880 presses in eight hours, one in ten seconds."""

WARM_LOTS: Final = 100
REST_S: Final = 60.0
KEEPALIVE_S: Final = 15.0
_OPENS: Final = {"f9": "day", "f10": "trouble", "f11": "lists"}
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_WIDTH: Final = min(SIZE[0] - 2 * MARGIN, WIDEST)


class Figures(NamedTuple):
    """Seconds, MiB and per cent of a core."""

    presses_s: list[float]
    snapshots: int
    keys: int
    day_s: float
    begin_mib: float
    end_mib: float
    rest_percent: float


def rows() -> Iterator[Row]:
    """Measure; raises TimeoutError where the screen does not answer at all."""
    seen = asyncio.run(measure())
    reaction = [one * 1000 for one in seen.presses_s]
    p95 = statistics.quantiles(reaction, n=20, method="inclusive")[-1]
    yield Row(f"screen: key to changed cells, {len(reaction)} presses", "ms", Series.of(reaction))
    yield Row("screen: the same, p95", "ms", Series.of([p95]), goal=Goal(100, of_peer=False))
    day = f"{seen.snapshots} snapshots, {seen.keys} keys in {seen.day_s:.0f} s"
    yield Row("screen: memory after the day's beginning", "MiB", Series.of([seen.begin_mib]))
    yield Row(f"screen: memory after a day ({day})", "MiB", Series.of([seen.end_mib]), goal=Goal(70, of_peer=False))
    yield Row("screen: processor at rest", "%", Series.of([seen.rest_percent]), goal=Goal(2, of_peer=False))


async def measure(presses: int = PRESSES, snapshots: int = DAY_SNAPSHOTS, rest_s: float = REST_S) -> Figures:
    """All three, each with a screen of its own."""
    async with _screen(_busy(0)) as (agent, terminal):
        reaction = await _reactions(agent, terminal, presses)
    async with _screen(QUIET) as (agent, terminal):
        began = time.monotonic()
        begin_mib, keys = await _day(agent, terminal, snapshots)
        day_s, end_mib = time.monotonic() - began, resident(terminal.process.pid)
    async with _screen(QUIET) as (agent, terminal):
        rest = await _rest(agent, terminal.process.pid, rest_s)
    return Figures(reaction, snapshots, keys, day_s, begin_mib, end_mib, rest)


@asynccontextmanager
async def _screen(first: Snapshot) -> AsyncIterator[tuple[Talker, Terminal]]:
    with tempfile.TemporaryDirectory(prefix="screen-bench-") as folder:
        agent = Talker(Path(folder) / "api.sock", first)
        await agent.start()
        try:
            async with Terminal(agent.path) as terminal:
                await terminal.shows(CITY.bus)
                yield agent, terminal
        finally:
            await agent.stop()


# --- a key, and what it brings ---


async def _reactions(agent: Talker, terminal: Terminal, presses: int) -> list[float]:
    talking = asyncio.create_task(_talk(agent))
    try:
        hand, taken = Hand(agent), []
        for key in itertools.islice(itertools.cycle(_OPENS), presses):
            await asyncio.sleep(THINKS_S)
            taken.append(await terminal.press(key, hand.press(key)))
            if talking.done():
                await talking
        return taken
    finally:
        talking.cancel()


async def _talk(agent: Talker) -> None:
    """Twenty a second, each of which changes what is drawn."""
    began = time.monotonic()
    for n in itertools.count(1):
        agent.say(_busy(n))
        await asyncio.sleep(max(0.0, began + n / A_SECOND - time.monotonic()))


class Hand:
    """Knows what a key will show: the screen's own Deck, beside the process."""

    def __init__(self, agent: Talker) -> None:
        self._agent = agent
        self._deck = Deck(TestClock(), Language.JAPANESE)

    def press(self, key: str) -> str:
        """The first row of the sentence that it brings."""
        self._deck.update(self._agent.snapshot, CITY, True)
        if key in _OPENS:
            self._deck.open(_OPENS[key])
        else:
            self._deck.press(int(key[1:]))
        return wrap(self._deck.scene().sentence, _WIDTH)[0]

    def way_back(self) -> str | None:
        """The key that leads to the stage of the moment, where there is one."""
        self._deck.update(self._agent.snapshot, CITY, True)
        choices = enumerate(self._deck.scene().choices, 1)
        return next((f"f{n}" for n, one in choices if isinstance(one.act, Back)), None)


def _busy(n: int) -> Snapshot:
    jobs = tuple(_job(number, n) for number in range(JOBS))
    lights = (*QUIET.lights[:4], _paper(n))
    return shown(session=TALKING, jobs=jobs, lights=lights, at=QUIET.at + n * 1000 // A_SECOND)


def _job(number: int, n: int) -> JobShown:
    name, state = f"j{number:024x}", "on_bus" if number == 0 else "offered"
    return msgspec.structs.replace(CARD, job=name, state=state, approved=number == 0, received=n % 1000)


def _paper(n: int) -> LightShown:
    light = QUIET.lights[4]
    return msgspec.structs.replace(light, short=msgspec.structs.replace(light.short, sentence=f"のこり{n % 90 + 10}枚"))


# --- a day ---


async def _day(agent: Talker, terminal: Terminal, snapshots: int) -> tuple[float, int]:
    """Memory after the first lots, and how many keys were pressed."""
    stages, hand, begin, pressed = itertools.cycle(_visit()), Hand(agent), 0.0, 0
    keys, n = itertools.cycle((*_OPENS, "back")), 0
    for lot in range(snapshots // BETWEEN_KEYS):
        stage = next(stages)
        for _ in range(BETWEEN_KEYS):
            n += 1
            agent.say(msgspec.structs.replace(stage, at=QUIET.at + n * 1000, lights=(*QUIET.lights[:4], _paper(n))))
        await agent.drained()
        wanted = next(keys)
        key = hand.way_back() if wanted == "back" else wanted
        if key is None:
            continue
        await terminal.press(key, hand.press(key))
        pressed += 1
        if lot <= WARM_LOTS:
            begin = resident(terminal.process.pid)
    return begin, pressed


def _visit() -> tuple[Snapshot, ...]:
    """A visit from the free counter to the end, as the agent says it."""
    ringing = msgspec.structs.replace(TALKING, clerk=None)
    call = CallShown(section="shimin", then="", waited_s=3, left_s=57)
    states: tuple[dict[str, Any], ...] = (
        {"state": "offered", "approved": False, "received": 400},
        {"approved": False},
        {},
        {"state": "releasing"},
        {"state": "printing", "printer_job": 7},
        {"state": "printed", "printer_job": 7},
        {"state": "uncertain", "printer_job": 7},
    )
    jobs = (shown(session=TALKING, jobs=(msgspec.structs.replace(CARD, job=JOB, **one),)) for one in states)
    return (QUIET, shown(session=ringing, call=call), shown(session=TALKING), *jobs)


# --- at rest ---


async def _rest(agent: Talker, pid: int, seconds: float) -> float:
    await asyncio.sleep(5)  # what starting costs is no rest
    began, used = time.monotonic(), processor_s(pid)
    while time.monotonic() < began + seconds:
        await asyncio.sleep(min(KEEPALIVE_S, seconds))
        agent.still_here()
    return 100 * (processor_s(pid) - used) / (time.monotonic() - began)


def processor_s(pid: int) -> float:
    """User and system time so far, as proc(5) says it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident(pid: int) -> float:
    """MiB, as proc(5) says it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024
