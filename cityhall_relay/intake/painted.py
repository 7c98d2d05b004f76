"""With which of its fonts a content stream really puts a glyph on paper.

Many programs name a font that they never use: ReportLab and TCPDF begin each page by choosing Helvetica, a form field
names what it would be filled in with, and a scanner lays invisible text under its picture (ISO 32000-2 section 9.3.6).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from pikepdf import Array, ContentStreamInstruction, Name, Object, PikepdfError, String, parse_content_stream

_OPERATORS: Final = "q Q Tf Tr Tj TJ ' \""
_INVISIBLE: Final = 3
_WRONG_TYPE: Final = (TypeError, ValueError, IndexError)

EVERY: Final = "every font"
"""In place of a name: the content paints with a font that it did not choose itself, or cannot be read."""


class _TextState(NamedTuple):
    font: str = EVERY
    invisible: bool = False


def painted_fonts(content: Object) -> frozenset[str]:
    """Names of the font resources that paint at least one glyph of `content`, a page or a stream; EVERY may be among them.

    A form begins with the font and the mode of whoever draws it (section 8.10.1), so until it chooses both, any font may be meant
    and everything is visible.
    """
    try:
        return frozenset(_painted(parse_content_stream(content, _OPERATORS)))
    except (PikepdfError, *_WRONG_TYPE):
        return frozenset((EVERY,))


def _painted(instructions: Iterable[object]) -> Iterable[str]:
    state, saved = _TextState(), list[_TextState]()
    for instruction in instructions:
        if not isinstance(instruction, ContentStreamInstruction):
            continue
        match str(instruction.operator), list(instruction.operands):
            case "q", _:
                saved.append(state)
            case "Q", _ if saved:
                state = saved.pop()
            case "Tf", [*_, Name() as name, _]:
                state = state._replace(font=str(name))
            case "Tr", [*_, mode]:
                state = state._replace(invisible=int(str(mode)) == _INVISIBLE)
            case (("Tf" | "Tr"), _):
                raise ValueError("no font or mode where one belongs")
            case (("Tj" | "TJ" | "'" | '"'), [*_, text]) if not state.invisible and _has_glyphs(text):
                yield state.font


def _has_glyphs(text: object) -> bool:
    if isinstance(text, Array):
        return any(_has_glyphs(part) for part in text)
    return isinstance(text, String) and len(bytes(text)) > 0
