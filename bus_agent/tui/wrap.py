"""Breaking Japanese into lines by the terminal's cells: kinsoku, and no cut inside a phrase where it can be helped.

A phrase is guessed as readers do: it begins where hiragana end (お and ご before a word belong to it), and after 、 and 。.
English breaks between its words.
"""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

NOT_FIRST: Final = frozenset("。、，．）」』】〕］｝！？：；・ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ%,.:;!?)]}")
"""JIS X 4051: what no line begins with."""

NOT_LAST: Final = frozenset("（「『【〔［｛([{")
"""What no line ends with."""

_TAIL: Final = r"(?:(?![おご][一-龥])[ぁ-ん])*[。、）」』！？]*"
_HEAD: Final = r"[（「『]*(?:[おご](?=[一-龥]))?"
_PHRASE: Final = re.compile(
    rf"\s+|{_HEAD}[A-Za-z0-9.,:;!?'\"()/_+-]+{_TAIL}|{_HEAD}[^ぁ-んA-Za-z0-9\s（「『、。]+{_TAIL}|[（「『]*[ぁ-ん]{_TAIL}|."
)


def wrap(text: str, width: int) -> tuple[str, ...]:
    """Lines of at most `width` cells; each of the text's own lines begins a new one. An empty text is one empty line."""
    return tuple(line for part in text.split("\n") for line in _fill(part, width))


def _fill(text: str, width: int) -> Iterator[str]:
    line = ""
    for unit in _units(text, width):
        if line and cell_len(line + unit.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line = line + unit if line else unit.lstrip()
    yield line.rstrip()


def _units(text: str, width: int) -> Iterator[str]:
    for phrase in _glued(_PHRASE.findall(text)):
        if cell_len(phrase.rstrip()) <= width:
            yield phrase
        else:
            yield from _cut(phrase, width)


def _glued(pieces: list[str]) -> list[str]:
    """Pieces joined where no line may end or begin between them."""
    units: list[str] = []
    for piece in pieces:
        if units and (piece[0] in NOT_FIRST or units[-1][-1] in NOT_LAST):
            units[-1] += piece
        else:
            units.append(piece)
    return units


def _cut(phrase: str, width: int) -> Iterator[str]:
    """A phrase that is longer than a line, by its characters; one that is glued to more than a line holds is cut all the same."""
    for unit in _glued(list(phrase)):
        rest = unit
        while cell_len(rest) > width > 1:
            end = next(n for n in range(len(rest), 0, -1) if cell_len(rest[:n]) <= width)
            yield rest[:end]
            rest = rest[end:]
        if rest:
            yield rest
