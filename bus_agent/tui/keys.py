"""The keys: four that stand in the same place on every screen, and up to three big choices above them."""

from typing import Final

from bus_agent.tui.lines import Line, Look, Piece, centred, line, padded
from bus_agent.tui.scene import Choice, Open
from bus_agent.tui.stage import inside
from bus_agent.tui.words import TuiWord
from bus_agent.tui.wrap import wrap
from cityhall_base.words import Language

ALWAYS: Final = (
    ("f9", TuiWord.KEY_DAY, Open("day")),
    ("f10", TuiWord.KEY_TROUBLE, Open("trouble")),
    ("f11", TuiWord.KEY_LISTS, Open("lists")),
    ("f12", TuiWord.KEY_THEFT, None),
)
"""Key, its word, what it opens; F12 is held (bus_agent/tui/hold.py)."""

CHOICE_ROWS: Final = 3
TALL: Final = 26
"""From so many rows on there is room for more than what the smallest terminal needs."""

_BESIDE: Final = 5
"""Cells of a label's row that the key's name takes."""


def always(name: str, word: TuiWord, language: Language, width: int) -> Line:
    """One of the four."""
    return Line(
        (Piece(f" {name.upper()} ", Look.ACCENT), Piece(padded(word.say(language), width - len(name) - 2), Look.PLAIN))
    )


def choice(number: int, one: Choice, width: int, height: int = CHOICE_ROWS) -> tuple[Line, ...]:
    """A block of `height` rows; the first is the one that mostly comes next. Of one that cannot be pressed yet the key is in brackets."""
    live = one.act is not None
    look = Look.CALM if not live else Look.CHOSEN if number == 1 else Look.KEY
    name = f" F{number} " if live else f"(F{number})"
    text = wrap(one.label, width - _BESIDE)[:CHOICE_ROWS]
    rows = [line(padded(f"{name} {text[0]}", width), look)]
    rows += [line(padded(f"     {more}", width), look) for more in text[1:]]
    blank = line(centred("", width), look)
    above = (height - len(rows) + (len(rows) == 1)) // 2
    return (*(blank,) * above, *rows, *(blank,) * (height - len(rows) - above))


def choice_rows(rows: int) -> int:
    """Rows of a choice in a terminal of so many: a larger one has larger keys for a finger."""
    return CHOICE_ROWS if rows < TALL else CHOICE_ROWS + 2


def label_rows(one: Choice, choices: int, columns: int) -> int:
    """Rows that its label takes beside so many; more than CHOICE_ROWS do not fit."""
    return len(wrap(one.label, choice_width(choices, columns) - _BESIDE))


def choice_width(choices: int, columns: int) -> int:
    """Cells of each of so many choices in a terminal of so many columns."""
    return min(40, (inside(columns) - 2 * (choices - 1)) // max(1, choices))
