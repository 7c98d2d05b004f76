"""What a part looks like, as data: lines of styled text, and where a touch enters something. No terminal is needed to know it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from rich.cells import cell_len

from bus_agent.tui.scene import Tone
from cityhall_base.words import Language

T = TypeVar("T")


class Look(StrEnum):
    """How a piece is coloured; bus_agent/tui/colours.py says with what."""

    PLAIN = "plain"
    STRONG = "strong"
    LOOK = "look"
    RISK = "risk"
    CALM = "calm"
    ACCENT = "accent"
    KEY = "key"  # something that can be touched
    CHOSEN = "chosen"  # it was
    INK = "ink"  # drawn with blocks: check word, telephone number
    RULE = "rule"
    PAPER = "paper"  # dark on white: a code that a telephone reads


OF_TONE: dict[Tone, Look] = {
    Tone.PLAIN: Look.PLAIN,
    Tone.LOOK: Look.LOOK,
    Tone.RISK: Look.RISK,
    Tone.CALM: Look.CALM,
}


class Entry(NamedTuple):
    """What is entered by a key or a touch: from then on `entered[name]` is `value`."""

    name: str
    value: str


class Touch(NamedTuple):
    """A touch on these cells of a line."""

    left: int
    width: int
    entry: Entry


class Piece(NamedTuple):
    """Text of one look."""

    text: str
    look: Look = Look.PLAIN


class Line(NamedTuple):
    """One row of the terminal."""

    pieces: tuple[Piece, ...] = ()
    touches: tuple[Touch, ...] = ()

    @property
    def width(self) -> int:
        """In cells."""
        return sum(cell_len(piece.text) for piece in self.pieces)


class Room(NamedTuple):
    """What a part is drawn into."""

    width: int
    language: Language
    entered: Mapping[str, str]


def line(text: str = "", look: Look = Look.PLAIN) -> Line:
    """Of one look."""
    return Line((Piece(text, look),))


def centred(text: str, width: int) -> str:
    """Padded to `width` cells."""
    free = max(0, width - cell_len(text))
    return " " * (free // 2) + text + " " * (free - free // 2)


def padded(text: str, width: int) -> str:
    """Padded to `width` cells on the right."""
    return text + " " * max(0, width - cell_len(text))


def rows_of(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Cut into rows of at most so many."""
    return (items[at : at + most] for at in range(0, len(items), most))


def cells(rows: Iterable[Iterable[tuple[str, Look, Entry]]], gap: int = 1) -> tuple[Line, ...]:
    """Rows of things to touch, beside each other."""
    return tuple(_row(tuple(row), gap) for row in rows)


def _row(row: tuple[tuple[str, Look, Entry], ...], gap: int) -> Line:
    pieces: list[Piece] = []
    touches: list[Touch] = []
    at = 0
    for text, look, entry in row:
        width = cell_len(text)
        pieces += [Piece(text, look), Piece(" " * gap)]
        touches.append(Touch(at, width, entry))
        at += width + gap
    return Line(tuple(pieces), tuple(touches))
