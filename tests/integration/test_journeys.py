"""Journeys across both real sides: the concierge's screen by its keys, the clerk's console in a browser, and real paper."""

import asyncio
import shutil
from collections.abc import Iterator

import pytest

from provisioning.demo.parts import House
from tests.journeys.clerk import CHROMIUM
from tests.journeys.counter import a_house, counter

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium"),
]


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as house:
        yield house


def test_a_visit_without_trouble_stands_at_the_same_step_on_both_screens(house: House) -> None:
    async def journey() -> None:
        async with counter(house) as both:
            await both.arrives()
            word = await both.until_card()
            await both.concierge.sees("住民票の写し", "300円")
            await both.allows()
            await both.prints()
            assert len(house.papers()) == 1
            await both.hands_over()
            assert both.jobs == [] or both.jobs[-1]["check_word"] == word
            await both.clerk.press("窓口対応を終了")
            await both.concierge.at("visit.feedback")
            await both.concierge.choose("よかった")
            await both.concierge.at("counter")
            await both.clerk.sees("窓口にだれもいません")

    asyncio.run(journey())
