"""The stage: how a scene becomes lines. Nothing scrolls, so what a scene needs must fit (`rows`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.tui.lines import OF_TONE, Line, Look, Piece, Room, Touch, line
from bus_agent.tui.parts import draw
from bus_agent.tui.scene import Scene, Tone
from bus_agent.tui.wrap import wrap
from cityhall_base.words import Language

SMALL: Final = (80, 24)
"""The smallest terminal: columns and rows."""

AROUND: Final = 8
"""Rows of strip (3), choices (3) and keys (2)."""

ROWS: Final = SMALL[1] - AROUND
"""Rows for sentence and body there."""

MARGIN: Final = 3
WIDEST: Final = 100
"""Longer lines are hard to read."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def rows(scene: Scene, language: Language, entered: Mapping[str, str] = _NOTHING, columns: int = SMALL[0]) -> int:
    """Rows that a scene takes; at most ROWS in the smallest terminal, one of them is kept for what the agent refuses."""
    return len(lines(scene, language, entered, columns)) + 1


def lines(
    scene: Scene, language: Language, entered: Mapping[str, str] = _NOTHING, columns: int = SMALL[0]
) -> tuple[Line, ...]:
    """Sentence and body from top to bottom, with the margin on their left."""
    room = Room(min(columns - 2 * MARGIN, WIDEST), language, entered)
    look = Look.STRONG if scene.tone is Tone.PLAIN else OF_TONE[scene.tone]
    inside = [line(), *(line(one, look) for one in wrap(scene.sentence, room.width)), line()]
    inside += [one for part in scene.body for one in draw(part, room)]
    left = (columns - room.width) // 2
    return tuple(_moved(one, left) for one in inside)


def stage(
    scene: Scene, said: str, language: Language, entered: Mapping[str, str], size: tuple[int, int]
) -> tuple[Line, ...]:
    """All rows of the stage; free ones stand above and below. `said` is what the agent refused."""
    columns, height = size
    made = list(lines(scene, language, entered, columns))
    width = min(columns - 2 * MARGIN, WIDEST)
    note = [_moved(line(one, Look.LOOK), (columns - width) // 2) for one in wrap(said, width)] if said else []
    free = max(0, height - len(made) - len(note))
    above = free // 3
    return (*(line() for _ in range(above)), *made, *(line() for _ in range(free - above)), *note)


def _moved(one: Line, cells: int) -> Line:
    touches = tuple(Touch(touch.left + cells, touch.width, touch.entry) for touch in one.touches)
    return Line((Piece(" " * cells), *one.pieces), touches)
