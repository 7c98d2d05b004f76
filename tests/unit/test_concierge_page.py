"""docs/concierge.md: its keys are pressed, its guides are those of the book."""

import re
from pathlib import Path

import msgspec
import pytest

from bus_agent.shown import DayShown, Snapshot
from bus_agent.tui import keys
from bus_agent.tui.deck import Deck
from bus_agent.tui.guides import GUIDES
from bus_agent.tui.scene import Context, Tell
from bus_agent.tui.scenes import SCENES
from cityhall_base.words import Language
from cityhall_wire.messages.people import Which
from tests.screen_city import CARD, CITY, JOB, QUIET, TALKING, TestClock
from tests.unit.test_tui_desk import SLOTS, item, the_list

PAGE = (Path(__file__).parents[2] / "docs" / "concierge.md").read_text(encoding="utf-8")
MOST_PRESSES = 3
SLOWLY_S = 3.0
"""Longer than a key that is asked again lets nobody confirm it."""

BOOKED = msgspec.structs.replace(QUIET, day=DayShown(date="2026-11-22", stop="hase", slots=SLOTS))


def rows(heading: str) -> list[list[str]]:
    """The table below a heading, without its head."""
    lines = [line for line in PAGE.partition(heading)[2].partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def document(state: str) -> Snapshot:
    return msgspec.structs.replace(BOOKED, session=TALKING, jobs=(msgspec.structs.replace(CARD, state=state),))


MOMENTS = {
    "call the booked section": BOOKED,
    "print": document("on_bus"),
    "hand over": document("printed"),
    "count the sheets": msgspec.structs.replace(
        BOOKED, checklists=(the_list(Which.OPENING, item("lamp", True), complete=1),)
    ),
    "end the visit": msgspec.structs.replace(BOOKED, session=TALKING),
}


def play(seen: Snapshot, pressed: list[str]) -> Tell | None:
    """What the agent is told at the last key."""
    clock = TestClock()
    deck, told = Deck(clock, Language.JAPANESE), None
    deck.update(seen, CITY, True)
    always = {name: opens for name, _, opens in keys.ALWAYS}
    for key in pressed:
        clock.now += SLOWLY_S
        if opens := always.get(key.lower()):
            deck.open(opens.scene, opens.about)
        else:
            told = deck.press(int(key[1:]))
    assert not isinstance(told, tuple) or isinstance(told, Tell)
    return told


@pytest.mark.parametrize("row", rows("## The five commonest tasks"), ids=lambda row: row[0])
def test_each_of_the_five_commonest_tasks_takes_at_most_three_keys(row: list[str]) -> None:
    task, _, pressed, told = row
    log = re.findall(r"`(F\d+)`", pressed)
    assert 0 < len(log) <= MOST_PRESSES
    tell = play(MOMENTS[task], log)
    assert tell is not None
    assert tell.path == told.strip("`").replace("{job}", JOB)


def test_the_booked_section_and_its_slot_are_called() -> None:
    tell = play(BOOKED, ["F1"])
    assert tell is not None
    assert tell.body == {"section": "shimin", "stop": "hase", "slot": 3}


def test_every_guide_stands_on_the_page_with_its_title_and_its_key() -> None:
    said = {row[0].strip("`"): (row[1], row[2].partition(":")[0]) for row in rows("## The guides")}
    assert said.keys() == GUIDES.keys()
    for name, (title, key) in said.items():
        context = Context(document("uncertain"), CITY, Language.JAPANESE, name)
        assert (GUIDES[name].title.say(), SCENES["guide"](context).choices[0].label) == (title, key)
