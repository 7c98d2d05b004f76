"""The stage: how a scene becomes lines. Nothing scrolls, so what a scene needs must fit (`rows`)."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from bus_agent.tui.lines import OF_TONE, Line, Look, Piece, Room, Touch, line
from bus_agent.tui.parts import draw
from bus_agent.tui.scene import Qr, Scene, Tone
from bus_agent.tui.wrap import wrap
from cityhall_base.words import Language

SMALL: Final = (80, 24)
"""The smallest terminal: columns and rows."""

AROUND: Final = 8
"""Rows of strip (3), choices (3) and keys (2)."""

ROWS: Final = SMALL[1] - AROUND
"""Rows for sentence, body and what the agent refuses."""

MARGIN: Final = 3
WIDEST: Final = 100
"""Longer lines are hard to read."""

_MARK: Final = "▌"
"""Before the sentence: where the eye begins, however much is free around it."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def inside(columns: int) -> int:
    """Cells of sentence, body and choices in a terminal of so many columns."""
    return min(columns - 2 * MARGIN, WIDEST)


def rows(scene: Scene, language: Language, entered: Mapping[str, str] = _NOTHING) -> int:
    """Rows that a scene takes in the smallest terminal, with a refusal of one row; at most ROWS."""
    return len(lines(scene, "-", Room(SMALL[0], language, entered), ROWS))


def lines(scene: Scene, said: str, room: Room, height: int) -> tuple[Line, ...]:
    """From top to bottom, with the margin on their left. `room` is the terminal's; `said` is what the agent refused.

    A code to read stands to the right of everything else; where it is higher than the stage, it is left out.
    """
    whole = room._replace(width=inside(room.width))
    code = next((draw(part, whole) for part in scene.body if isinstance(part, Qr)), ())
    code = code if len(code) <= height else ()
    beside = whole._replace(width=whole.width - code[0].width - MARGIN) if code else whole
    look = Look.STRONG if scene.tone is Tone.PLAIN else OF_TONE[scene.tone]
    left = [line(), *(line(one, look) for one in wrap(scene.sentence, beside.width)), line()]
    left += [one for part in scene.body if not isinstance(part, Qr) for one in draw(part, beside)]
    left += [line(one, Look.LOOK) for one in wrap(said, beside.width)] if said else []
    margin = (room.width - whole.width) // 2
    look = look if scene.tone is not Tone.PLAIN else Look.ACCENT
    marked = range(1, 1 + len(wrap(scene.sentence, beside.width))) if scene.tone is not Tone.CALM else range(0)
    made = _beside(left, code, beside.width + MARGIN)
    return tuple(_moved(one, margin, look if at in marked else None) for at, one in enumerate(made))


def stage(scene: Scene, said: str, room: Room, height: int) -> tuple[Line, ...]:
    """All rows of the stage; free ones stand above and below."""
    made = lines(scene, said, room, height)
    if len(made) > height:
        made = made[1:]  # a refusal of two rows takes the empty one on top
    free = max(0, height - len(made))
    return (*(line() for _ in range(free // 2)), *made, *(line() for _ in range(free - free // 2)))


def _beside(left: list[Line], right: tuple[Line, ...], at: int) -> Iterator[Line]:
    for one, other in zip_longest(left, right, fillvalue=Line()):
        gap = (Piece(" " * (at - one.width)),) if other.pieces else ()
        yield Line((*one.pieces, *gap, *other.pieces), one.touches)


def _moved(one: Line, cells: int, mark: Look | None) -> Line:
    touches = tuple(Touch(touch.left + cells, touch.width, touch.entry) for touch in one.touches)
    before = (Piece(" " * cells),) if mark is None else (Piece(" " * (cells - 2)), Piece(_MARK, mark), Piece(" "))
    return Line((*before, *one.pieces), touches)
