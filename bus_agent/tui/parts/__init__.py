"""One drawing for each kind of part. A drawing is pure: the same part in the same room is the same lines."""

from collections.abc import Callable
from typing import Any, Final

from bus_agent.tui.lines import Entry, Line, Room
from bus_agent.tui.parts import big, entry, qr, text, visit
from bus_agent.tui.scene import (
    Aside,
    Bar,
    CheckWord,
    Facts,
    Marks,
    Pad,
    Part,
    Phone,
    Pick,
    Qr,
    Scene,
    Steps,
    Text,
    Visit,
)

DRAWINGS: Final[dict[type[Part], Callable[[Any, Room], tuple[Line, ...]]]] = {
    Text: text.text,
    Facts: text.facts,
    Steps: text.steps,
    Bar: text.bar,
    Visit: visit.visit,
    CheckWord: big.check_word,
    Phone: big.phone,
    Marks: entry.marks,
    Pick: entry.pick,
    Pad: entry.pad,
    Aside: entry.aside,
    Qr: qr.qr,
}


def draw(part: Part, room: Room) -> tuple[Line, ...]:
    """The lines of a part."""
    return DRAWINGS[type(part)](part, room)


def keys(scene: Scene, entered: dict[str, str]) -> dict[str, Entry]:
    """Key of the keyboard → what it enters; where two parts listen to one key, it is the first's."""
    found: dict[str, Entry] = {}
    for part in reversed(scene.body):
        if isinstance(part, Aside):
            found |= {entry.ASIDE_KEY: entry.ASIDE}
        elif isinstance(part, Marks | Pick | Pad):
            found |= entry.keys(part, entered.get(part.name, ""))
    return found
