"""Lines of text, two columns of facts, what to do beside its picture, and time that passes."""

from itertools import zip_longest
from typing import Final

from rich.cells import cell_len

from bus_agent.tui.lines import OF_TONE, Line, Look, Piece, Room, line, padded
from bus_agent.tui.scene import Bar, Facts, Steps, Text
from bus_agent.tui.wrap import wrap

_GAP: Final = 3
_BAR: Final = 30


def text(part: Text, room: Room) -> tuple[Line, ...]:
    """In its tone; big is bold, with room around it."""
    look = OF_TONE[part.tone]
    if part.big and look is Look.PLAIN:
        look = Look.STRONG
    return tuple(line(one, look) for one in wrap(part.text, room.width))


def facts(part: Facts, room: Room) -> tuple[Line, ...]:
    """Labels in grey, values strong."""
    left = max((cell_len(label) for label, _ in part.rows), default=0) + _GAP
    lines = []
    for label, value in part.rows:
        for number, one in enumerate(wrap(value, max(10, room.width - left))):
            said = label if number == 0 else ""
            lines.append(Line((Piece(padded(said, left), Look.CALM), Piece(one, Look.STRONG))))
    return tuple(lines)


def steps(part: Steps, room: Room) -> tuple[Line, ...]:
    """Numbered, the picture to their right."""
    right = max((cell_len(one) for one in part.picture), default=0)
    width = room.width - (right + _GAP if right else 0)
    left = [one for number, step in enumerate(part.steps, 1) for one in _step(number, step, width)]
    return tuple(
        Line((Piece(padded(said, width + _GAP if right else 0)), Piece(drawn, Look.ACCENT)))
        for said, drawn in zip_longest(left, part.picture, fillvalue="")
    )


def _step(number: int, step: str, width: int) -> tuple[str, ...]:
    first, *rest = wrap(step, width - 3)
    return (f"{number}. {first}", *(f"   {one}" for one in rest))


def bar(part: Bar, room: Room) -> tuple[Line, ...]:
    """Thin, and what it says behind it."""
    done = round(min(1.0, max(0.0, part.done)) * _BAR)
    pieces = (Piece("━" * done, Look.ACCENT), Piece("─" * (_BAR - done), Look.CALM), Piece("  " + part.label))
    return (Line(pieces),)
