"""Pictures of the concierge's screen: the real `bus-agent tui` in the kiosk's stack, a stand-in for the agent behind it.

One kiosk for each language and size; from sample to sample the snapshot changes and keys are typed. What is waited for is what
tests/screens/text.py says of the same sample: a picture that differs from the text snapshots in a letter is never taken.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from PIL import Image

from bus_agent.shown import Light
from cityhall_base.words import Language
from cityhall_wire.modes import DutyMode
from tests.screen_city import CITY, QUIET, StandIn
from tests.screens.kiosk import TYPES, Kiosk, kiosk
from tests.screens.moments import HOLD, LIGHT, Sample
from tests.screens.text import SIZES, drawn

SEEN_S: Final = 20.0
REST_S: Final = 0.03
Keep = Callable[[str, Image.Image], None]
_NAMES: Final = {"backspace": "BSpace"}


def take(wanted: Iterable[Sample], language: Language, size: str, user: str, keep: Keep) -> None:
    """`keep` gets each sample's name and picture."""
    wanted = list(wanted)
    texts = drawn(wanted, language, SIZES[size])

    async def taking() -> None:
        async for name, picture in _pictures(wanted, texts, language, size, user):
            keep(name, picture)

    asyncio.run(taking())


async def _pictures(
    wanted: list[Sample], texts: dict[str, list[str]], language: Language, size: str, user: str
) -> AsyncIterator[tuple[str, Image.Image]]:
    with tempfile.TemporaryDirectory(prefix="agent-") as name:
        Path(name).chmod(0o711)
        agent = StandIn(Path(name) / "api.sock", QUIET, CITY)
        await agent.start()
        agent.path.chmod(0o666)
        try:
            async with kiosk(TYPES[size], agent.path, language, user) as screen:
                for one in wanted:
                    yield one.name, await _taken(screen, agent, one, texts[one.name])
        finally:
            await agent.stop()


async def _taken(screen: Kiosk, agent: StandIn, one: Sample, text: list[str]) -> Image.Image:
    neutral = msgspec.structs.replace(QUIET, mode=DutyMode.ROUTE_BUS)
    agent.say(neutral)  # closes whatever is open
    await _sees(screen, lambda rows: not any("F12" in row for row in rows))
    agent.say(one.seen)
    if one.seen.mode is not DutyMode.ROUTE_BUS:
        await _sees(screen, lambda rows: any("F12" in row for row in rows))
    if one.gone:
        await agent.stop()
    if HOLD in one.keys:
        return await _held(screen)
    for key in one.keys:
        await screen.press(await _key(screen, key))
    try:
        await _sees(screen, lambda rows: _counting(rows) == _counting(text))
    except TimeoutError:
        raise AssertionError("\n".join([one.name, *(await screen.text()), "--- is not ---", *text])) from None
    try:
        return await screen.picture()
    finally:
        if one.gone:
            await agent.start()
            agent.path.chmod(0o666)
            await _sees(screen, lambda rows: any("F12" in row for row in rows))


async def _held(screen: Kiosk) -> Image.Image:
    """It moves while it is held, so that the first picture with the bar in it serves."""
    rows: list[str] = []
    while not any("━━━━" in row for row in rows):
        await screen.press("F12")
        rows = await screen.text()
    return await screen.moving()


def _counting(rows: list[str]) -> str:
    """Without what counts on by itself: seconds, bars, and the two seconds of a slow choice."""
    joined = "\n".join(row.rstrip() for row in rows).rstrip()
    return "".join(sign for sign in joined if not sign.isdigit() and sign not in "━─ \n")


async def _key(screen: Kiosk, key: str) -> str:
    if not key.startswith(LIGHT):
        return key.upper() if len(key) > 1 and key[0] == "f" else _NAMES.get(key, key)
    columns, _ = await screen.size()
    number = list(Light).index(Light(key.removeprefix(LIGHT)))
    return f"touch:{columns * number // len(Light) + 4},1"


async def _sees(screen: Kiosk, holds: Callable[[list[str]], bool]) -> None:
    async with asyncio.timeout(SEEN_S):
        while not holds(await screen.text()):
            await asyncio.sleep(REST_S)
