"""Which fonts the pages draw with but do not carry. A printer would put another font in their place, or blanks for kanji.

ISO 32000-2 section 9: a font program is /FontFile, /FontFile2 or /FontFile3 of the font descriptor; a composite font
(Type0) has it in its descendant; a Type3 font is drawn by the document itself. The standard 14 fonts get no exception.
"""

import re
from collections.abc import Iterator
from typing import Final

from pikepdf import Array, Dictionary, Name, Object, ObjectSet, Pdf, Stream

from cityhall_relay.intake.report import Finding, Refusal

_PROGRAMS: Final = (Name.FontFile, Name.FontFile2, Name.FontFile3)
_SUBSET_TAG: Final = re.compile(r"^/?([A-Z]{6}\+)?")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9 _.,+-]")


def missing_fonts(pdf: Pdf) -> Iterator[Finding]:
    """One finding for each font without its program, with the first page that uses it.

    Looked for wherever a page can draw: its own content, form XObjects, patterns, annotation appearances, soft masks,
    glyphs of Type3 fonts. /AcroForm /DR is not: it serves programs that fill the form in again.
    """
    seen = ObjectSet()
    for scope in pdf.content_scopes():
        for font in _fonts(scope.resources):
            if seen.add(font) and not _is_embedded(font):
                page = pdf.pages.index(scope.page) + 1 if scope.page else None
                yield Finding(refusal=Refusal.FONT_NOT_EMBEDDED, page=page, detail=_printable_name(font))


def _fonts(resources: Dictionary | None) -> Iterator[Object]:
    """Fonts that content chooses by name (Tf), and those that a graphics state brings along (ISO 32000-2 table 57)."""
    if resources is None:
        return
    yield from _entries(resources, Name.Font)
    for state in _entries(resources, Name.ExtGState):
        match state.get(Name.Font):
            case Array() as choice if len(choice):
                yield choice[0]


def _entries(resources: Dictionary, category: Name) -> Iterator[Object]:
    named = resources.get(category)
    if isinstance(named, Dictionary):
        yield from (entry for entry in named.values() if isinstance(entry, Dictionary))


def _is_embedded(font: Object) -> bool:
    match font.get(Name.Subtype):
        case Name.Type3:
            return True
        case Name.Type0:
            descendants = font.get(Name.DescendantFonts)
            return isinstance(descendants, Array) and len(descendants) == 1 and _has_program(descendants[0])
    return _has_program(font)


def _has_program(font: Object) -> bool:
    descriptor = font.get(Name.FontDescriptor)
    if not isinstance(descriptor, Dictionary):
        return False
    programs = (descriptor.get(key) for key in _PROGRAMS)
    return any(isinstance(program, Stream) and len(program.get_raw_stream_buffer()) > 0 for program in programs)


def _printable_name(font: Object) -> str:
    """/BaseFont without its subset tag, kept to plain letters: it reaches a screen and a log."""
    name = _SUBSET_TAG.sub("", str(font.get(Name.BaseFont, "")))
    return _NOT_IN_A_NAME.sub("?", name)[:60] or "without a name"
