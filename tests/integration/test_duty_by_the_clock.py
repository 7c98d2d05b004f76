"""The end of a day's duty with the real processes on a driven clock: 15:30 comes, and no client, stuck or not, is asked.

And after it, more time for a stop that runs late: by the concierge's and the clerk's own commands, both or not at all.
"""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bus_agent.agent.server import BOUNDS
from provisioning.demo.parts import House
from provisioning.demo.people import RefusedError
from provisioning.demo.stage import Scene
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, Hours
from tests.day.driven import DrivenHouse
from tests.hands import Visit
from tests.unit.test_timetable import at

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
WAIT_S = 20.0
"""Less than any client is given for the rest of its command (30 s): what happens within it has not waited for one."""

LIMITS = {"cancel_confirm_s": 5, "sync_s": 5, "lease_s": 1800, "session_idle_s": 3600}
OFFICE = Hours("08:30", "15:30", (1, 2, 3, 4, 5), enters=True)
TUESDAY = "2026-11-24T"
HALF_A_COMMAND = b"POST /v1/mode HTTP/1.1\r\nHost: bus\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"
EVENTS = b"GET /v1/events HTTP/1.1\r\nHost: bus\r\n\r\n"


@pytest.fixture(scope="module")
def house() -> Iterator[DrivenHouse]:
    with (
        tempfile.TemporaryDirectory(prefix="duty-test-") as name,
        DrivenHouse(Path(name) / "h", at(TUESDAY + "15:20:00"), limits=LIMITS, hours=OFFICE) as house,
    ):
        yield house


def stuck(house: House, asks: bytes, stack: ExitStack) -> None:
    """A client that goes no further, and does not read."""
    sock = stack.enter_context(socket.socket(socket.AF_UNIX))
    sock.connect(str(house.city.bus.api_socket))
    sock.sendall(asks)


def until(house: House, **expected: object) -> None:
    wait_until(lambda: expected.items() <= house.snapshot().items(), WAIT_S, f"the bus shows {expected}")


def refused(house: House, *words: str) -> str:
    with pytest.raises(RefusedError) as caught:
        house.concierge.run(*words)
    return caught.value.reason


def test_the_hours_end_a_print_and_its_session_whatever_clients_hold_open(house: DrivenHouse) -> None:
    wait_until(lambda: house.snapshot()["mode"] == "city_hall", WAIT_S, "the timetable has begun the duty")
    wait_until(lambda: bool(house.snapshot()["duty"]["noted"]), WAIT_S, "city hall knows")
    visit = Visit(house, sample_certificate(1))
    visit.wait_on_board(state="on_bus")
    visit.approve()
    house.director.stage.play(Scene(reason="media-empty", after_page=0))
    visit.press("print")
    house.director.stage.wait_standing()
    with ExitStack() as clients:
        # As many as may be connected at all: no further command gets through, and none has to.
        for number in range(BOUNDS.most):
            stuck(house, EVENTS if number % 2 else HALF_A_COMMAND, clients)
        house.goes_to(at(TUESDAY + "15:30:00"))
        wait_until(lambda: visit.clerk.duty(BUS)["mode"] == "route_bus", WAIT_S, "city hall hears of the end")
        wait_until(lambda: visit.at_city_hall["state"] == "canceled", WAIT_S, "the printer has given the document up")
    changes = visit.clerk.duty(BUS)["changes"]
    assert [(one["mode"], one["why"]) for one in changes] == [("city_hall", "timetable"), ("route_bus", "timetable")]
    assert visit.at_city_hall["why"]["key"] == "reason.mode_left"
    until(house, mode="route_bus", session=None, printer_empty=True)
    assert house.papers() == []
    assert visit.clerk.calls() == []
    visit.leave()


def test_a_stop_that_runs_late_is_extended_by_two_people(house: DrivenHouse) -> None:
    until(house, mode="route_bus")
    assert refused(house, "mode", "city_hall") == "refused.outside_hours"
    assert refused(house, "extend", "31") == "reason.extended_enough"
    assert house.concierge.run("extend", "20")["duty"]["asked_min"] == 20
    assert refused(house, "mode", "city_hall") == "refused.outside_hours"
    assert house.clerk.run("duty", BUS)["asked_min"] == 20
    assert house.clerk.run("extend", BUS)["hours"][1] == at(TUESDAY + "15:50:00")
    wait_until(lambda: bool(house.snapshot()["duty"]["extended"]), WAIT_S, "the bus knows its new end")
    house.on_duty()
    house.part("agent").restart()
    until(house, mode="city_hall")
    house.goes_to(at(TUESDAY + "15:50:00"))
    until(house, mode="route_bus")
    house.part("relay").stop()
    wait_until(lambda: house.snapshot()["link"]["state"] == "down", WAIT_S, "the line is gone")
    assert refused(house, "extend", "5") == "link.down", "nobody could grant it"
