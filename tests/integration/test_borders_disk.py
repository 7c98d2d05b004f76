"""Both state folders of a running city on small disks that fill up: the processes stay, say why, and go on when there is room."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import RefusedError
from cityhall_relay.settings import load_clerk
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, SECTION, STOP
from tests.hands import Concierge, Visit
from tests.small_disk import NEEDS_ROOT, SmallDisk, small_disk

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
    pytest.mark.skipif(os.getuid() != 0, reason=NEEDS_ROOT),
]
WAIT_S = 30.0
KILOBYTES = 2048


class Wet(NamedTuple):
    """A running city whose relay and agent keep their state on disks of two megabytes."""

    house: House
    relay: SmallDisk
    agent: SmallDisk


@pytest.fixture(scope="module")
def wet() -> Iterator[Wet]:
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="disk-")))
        house = stack.enter_context(House(top / "h", limits={"sync_s": 1, "release_s": 10}, apart=False))
        house.on_duty()
        for name in ("agent", "relay"):
            house.part(name).stop()
        disks = [stack.enter_context(moved(path)) for path in (house.city.city.relay / "state", house.city.bus.state)]
        stack.callback(house.stop)
        for name in ("relay", "agent"):
            house.part(name).start()
        wait_until(house.met, WAIT_S, "they have met again")
        yield Wet(house, *disks)


@contextmanager
def moved(path: Path) -> Iterator[SmallDisk]:
    """The folder's content, on a disk of its own at the same place."""
    kept = path.with_name(f"{path.name}-kept")
    shutil.move(path, kept)
    with small_disk(path, KILOBYTES) as disk:
        shutil.copytree(kept, path, dirs_exist_ok=True)
        yield disk


def key_of_the_line(house: House) -> str:
    return str(house.snapshot()["link"]["key"])


def test_a_full_disk_on_the_bus_is_shown_and_what_waits_goes_on_when_there_is_room(wet: Wet) -> None:
    house, pid = wet.house, wet.house.part("agent").pid
    wet.agent.fill()
    assert "make room on it" in until_the_bus_is_full(house)
    visit = Visit(house, sample_certificate(1))
    wait_until(lambda: key_of_the_line(house) == "setup.disk_full", WAIT_S, "the screen says that the disk is full")
    assert "make room on it" in house.snapshot()["advice"]["sentence"]
    assert house.part("agent").pid == pid
    wet.agent.empty()
    house.on_duty()
    assert visit.walk()["state"] == "handed_over"
    visit.leave()
    assert house.concierge.run("verify")["rows"] > 5


def test_a_full_disk_at_city_hall_refuses_with_a_sentence_and_takes_the_same_document_later(wet: Wet) -> None:
    house, pid = wet.house, wet.house.part("relay").pid
    wet.relay.fill()
    opened: list[str] = []
    with pytest.raises(RefusedError, match="make room on it"):
        until_city_hall_is_full(house, opened)
    wait_until(lambda: key_of_the_line(house) == "link.city_hall_fault", WAIT_S, "the bus says whose fault it is")
    assert house.part("relay").pid == pid
    wet.relay.empty()
    wait_until(lambda: key_of_the_line(house) == "", WAIT_S, "the line is up again")
    with closing(CityHall(load_clerk(house.city.clerk_toml))) as clerk:
        for session in opened[-1:]:  # it may be its closing that the disk did not take
            clerk.close_session(session)
    visit = Visit(house, sample_certificate(1))
    assert visit.walk()["state"] == "handed_over"
    visit.leave()


def until_the_bus_is_full(house: House) -> str:
    """The concierge changes the mode until even the database's log has no room left: what she is told."""
    with closing(Concierge(house)) as concierge:
        for mode in cycle(("event", "city_hall")):
            answer = concierge._http.post("/v1/mode", json={"mode": mode})
            if answer.is_error:
                return str(answer.json()["sentence"])
    raise AssertionError("the disk never filled up")


def until_city_hall_is_full(house: House, opened: list[str]) -> None:
    """A clerk opens and closes sessions until one is refused."""
    with closing(CityHall(load_clerk(house.city.clerk_toml))) as clerk:
        while True:
            opened.append(clerk.open_session(BUS, SECTION, STOP, 1)["session"])
            clerk.close_session(opened[-1])
