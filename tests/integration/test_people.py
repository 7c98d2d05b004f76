"""The morning on real parts: nobody is known, a concierge signs in, the test page comes out, and certificates still wait."""

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus_agent import cli
from cityhall_relay import trial_page
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, CONCIERGE, DRAWER, PAPER, PIN, SECTION, STOP
from tests.hands import STEP_S, Visit

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]


@pytest.fixture
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="people-test-") as name:
        Path(name).chmod(0o711)
        with House(Path(name) / "h", limits={"sync_s": 2}, people=True) as house:
            yield house


class Box:
    """`bus-agent` in this process, with its standard input."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._socket, self._patch, self._caught = house.city.bus.api_socket, monkeypatch, capsys

    def __call__(self, *words: str, typed: str = "") -> tuple[int, dict[str, Any]]:
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        self._caught.readouterr()
        code = cli.main([*words, "--json", "--socket", str(self._socket)])
        said = self._caught.readouterr()
        return code, json.loads(said.err if code else said.out)


def test_a_morning_from_the_pin_to_the_test_page(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Box(house, monkeypatch, capsys)
    assert box("mode", "city_hall")[1]["key"] == "refused.nobody_signed_in"
    assert box("sign-in", "--as", CONCIERGE, typed="482914\n")[1]["key"] == "refused.wrong_pin"
    assert box("sign-in", "--as", CONCIERGE, typed=f"{PIN}\n")[1]["signed_in"]["who"] == CONCIERGE
    house.on_duty()
    first, last = DRAWER
    assert box("sheets", "receive", "--paper", PAPER, "--from", first, "--to", last)[0] == 0

    visit = Visit(house, sample_certificate(1))
    visit.approve()
    visit.wait_on_board(approved=True, state="on_bus")
    assert box("print", visit.job)[1]["key"] == "refused.opening_missing"

    page = house.clerk.run("test-page", "--session", visit.session, "--approve")
    visit.job, visit.document = str(page["job"]), trial_page.document()
    visit.wait_on_board(approved=True, state="on_bus")
    assert visit.on_board["check_word"] == page["check_word"]
    visit.press("print")
    visit.wait_on_board(state="printed")
    assert house.papers()[-1].size == len(trial_page.document())
    visit.press("hand-over")

    items = {one["item"]: one["ok"] for one in box("checklist", "show")[1]["checklists"][0]["items"]}
    assert items == {"lamp": None, "clean": None, "line": True, "printer": True, "sheets": False, "test-page": True}
    assert box("checklist", "tick", "opening", "lamp")[0] == 0
    assert box("checklist", "complete", "opening")[1]["key"] == "refused.list_open"

    made = house.clerk.run("substitute", BUS)
    who = made["who"]
    assert box("sign-in", "--code", typed=f"{made['code']}\n")[1]["signed_in"] == {
        "wanted": True,
        "who": who,
        "how": "code",
        "pin_wait_s": 0,
    }
    assert box("mode", "route_bus")[1]["signed_in"]["who"] == ""

    def came_and_went() -> list[tuple[str, bool]]:
        seen = house.clerk.run("day", BUS)
        return [(one["who"], one["present"]) for one in seen["on_board"]]

    expected = [(CONCIERGE, True), (CONCIERGE, False), (who, True), (who, False)]
    wait_until(lambda: came_and_went() == expected, STEP_S, "city hall knows who was on board")
    assert (SECTION, STOP) in {(one["section"], one["stop"]) for one in house.clerk.run("day", BUS)["sessions"]}
