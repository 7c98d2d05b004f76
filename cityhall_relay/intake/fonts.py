"""Which fonts the pages draw with but do not carry. A printer would put another font in their place, or blanks for kanji.

ISO 32000-2 section 9: a font program is /FontFile, /FontFile2 or /FontFile3 of the font descriptor; a composite font
(Type0) has it in its descendant; a Type3 font is drawn by the document itself. The standard 14 fonts get no exception,
but a font that paints no glyph is never missed (painted.py).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from pikepdf import Array, ContentScope, Dictionary, Name, Object, ObjectSet, Pdf, Stream

from cityhall_relay.intake.painted import EVERY, painted_fonts
from cityhall_relay.intake.report import Finding, Refusal

_PROGRAMS: Final = (Name.FontFile, Name.FontFile2, Name.FontFile3)
_SUBSET_TAG: Final = re.compile(r"^([A-Z]{6}\+)?")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9 _.,+\-ぁ-ゖァ-ヺー一-鿿]")
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")


def missing_fonts(pdf: Pdf) -> Iterator[Finding]:
    """One finding for each font without its program that paints, with the first page that uses it.

    Looked for wherever a page can draw: its own content, form XObjects, patterns, annotation appearances, soft masks,
    glyphs of Type3 fonts. /AcroForm /DR is not: it serves programs that fill the form in again.
    """
    scopes = [_Scope(scope, dict(_missing(scope.resources))) for scope in pdf.content_scopes()]
    if not any(scope.missing for scope in scopes):
        return
    painted = [painted_fonts(scope.scope.content) for scope in scopes]
    # A form may paint with the font of the page that draws it, and says so nowhere.
    inherited = any(EVERY in names for names in painted)
    seen = ObjectSet()
    for (scope, missing), names in zip(scopes, painted, strict=True):
        for name, font in missing.items():
            if (inherited or name in names or name not in _entries(scope.resources, Name.Font)) and seen.add(font):
                page = pdf.pages.index(scope.page) + 1 if scope.page else None
                yield Finding(refusal=Refusal.FONT_NOT_EMBEDDED, page=page, detail=_printable_name(font))


class _Scope(NamedTuple):
    scope: ContentScope
    missing: dict[str, Object]


def _missing(resources: Dictionary | None) -> Iterator[tuple[str, Object]]:
    """Fonts that content chooses by name (Tf), and those that a graphics state brings along (ISO 32000-2 table 57)."""
    for name, font in _entries(resources, Name.Font).items():
        if not _is_embedded(font):
            yield name, font
    for name, state in _entries(resources, Name.ExtGState).items():
        match state.get(Name.Font):
            case Array() as choice if len(choice) and not _is_embedded(choice[0]):
                yield f"graphics state {name}", choice[0]


def _entries(resources: Dictionary | None, category: Name) -> dict[str, Object]:
    named = resources.get(category) if resources is not None else None
    if not isinstance(named, Dictionary):
        return {}
    return {name: entry for name, entry in named.items() if isinstance(entry, Dictionary)}


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
    """/BaseFont without its subset tag, kept to letters and digits: it reaches a screen and a log.

    Old Japanese programs write it in the code page of their Windows (ＭＳ 明朝 as 82 6C 82 72 20 96 BE 92 A9).
    """
    name = font.get(Name.BaseFont)
    raw = (
        _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), name.unparse()[1:])
        if isinstance(name, Name)
        else b""
    )
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp932", errors="replace")
    text = _SUBSET_TAG.sub("", unicodedata.normalize("NFKC", text))
    return _NOT_IN_A_NAME.sub("?", text)[:60] or "without a name"
