"""The concierge's screen on the real agent, with the real printer behind it: from the job card to the resident's hand."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from bus_agent.tui.app import ConciergeScreen
from bus_agent.tui.settings import ScreenSettings
from provisioning.demo.parts import House
from provisioning.sample import sample_certificate
from tests.hands import Visit

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
WAIT_S = 45.0


async def walk(house: House, visit: Visit) -> list[str]:
    """Keys alone; the scenes that stood there."""
    screen, seen = ConciergeScreen(ScreenSettings(socket=house.city.bus.api_socket)), []
    async with asyncio.timeout(WAIT_S), screen.run_test(size=(80, 24)) as pilot:

        async def at(scene: str) -> None:
            while not screen.deck.up or screen.deck.place.scene != scene:
                await pilot.pause(0.02)
            seen.append(scene)

        await at("visit.card")
        assert screen.deck.scene().choices[0].act is None, "not allowed yet"
        await asyncio.to_thread(visit.approve)
        while not screen.deck.scene().choices or screen.deck.scene().choices[0].act is None:
            await pilot.pause(0.02)
        await pilot.press("f1")
        await at("visit.printing")
        # Before the printer has anything, a killed agent means "no sheet", and the job card again.
        while screen.deck.seen is None or screen.deck.seen.jobs[0].state != "printing":
            await pilot.pause(0.02)
        await house_part_again(house, "agent")
        await at("visit.outcome")
        await pilot.press("f1")
        await at("visit.fee")
        await pilot.press("f1")
        await at("visit.talk")
        await asyncio.to_thread(visit.concierge.mode, "route_bus")
        await at("route_bus")
    return seen


async def house_part_again(house: House, name: str) -> None:
    """Killed and started: the screen is not asked."""
    await asyncio.to_thread(house.part(name).kill)
    await asyncio.to_thread(house.part(name).start)


def test_a_certificate_is_printed_and_handed_over_by_keys_though_the_agent_dies_meanwhile() -> None:
    with tempfile.TemporaryDirectory(prefix="screen-test-") as name:
        Path(name).chmod(0o711)
        with House(Path(name) / "h", limits={"sync_s": 2}, print_seconds=1.5) as house:
            house.on_duty()
            visit = Visit(house, sample_certificate(1))
            visit.wait_on_board(state="on_bus")
            asyncio.run(walk(house, visit))
            assert visit.copies == 1
            assert visit.at_city_hall["state"] == "handed_over"
