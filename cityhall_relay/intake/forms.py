"""Form fields and notes that the document does not draw itself, so that each reader would draw them in its own way, or not.

Measured with a filled form whose /NeedAppearances is true, as LibreOffice exports it: of four readers one printed the name,
three an empty field, and one lost the tick. Drawn means an appearance stream (ISO 32000-2 section 12.5.5).
"""

from collections.abc import Iterator
from typing import Final

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String

from cityhall_relay.intake.report import Finding, Refusal

_HIDDEN, _PRINTED = 1 << 1, 1 << 2  # bits 2 and 3 of /F (table 167)
_NOT_ON_PAPER: Final = frozenset(("/Link", "/Popup", "/PrinterMark", "/TrapNet"))
_DEEPEST_FIELD: Final = 32


def undrawn(pdf: Pdf) -> Iterator[Finding]:
    """A finding for each field with a value and each note to be printed that is left to the reader to draw."""
    form = pdf.Root.get(Name.AcroForm)
    redrawn = isinstance(form, Dictionary) and str(form.get(Name.NeedAppearances)) == "True"
    for number, page in enumerate(pdf.pages, 1):
        notes = page.obj.get(Name.Annots)
        for note in notes if isinstance(notes, Array) else ():
            if isinstance(note, Dictionary) and (kind := _undrawn(note, redrawn)):
                yield Finding(refusal=Refusal.FORM_NOT_DRAWN, page=number, detail=kind)


def _undrawn(note: Object, redrawn: bool) -> str | None:
    flags = int(str(note.get(Name.F, 0)))
    if flags & _HIDDEN:
        return None
    if note.get(Name.Subtype) == Name.Widget:
        return "a form field" if _is_filled(note) and (redrawn or not _is_drawn(note)) else None
    must = flags & _PRINTED and str(note.get(Name.Subtype)) not in _NOT_ON_PAPER
    return "a note" if must and not _is_drawn(note) else None


def _is_drawn(note: Object) -> bool:
    appearance = note.get(Name.AP)
    return isinstance(appearance, Dictionary) and isinstance(appearance.get(Name.N), Dictionary | Stream)


def _is_filled(field: Object) -> bool:
    """Whether the field or one that it inherits from has a value to show (section 12.7.4.1)."""
    for _ in range(_DEEPEST_FIELD):
        match field.get(Name.V):
            case String() as text:
                return bool(str(text))
            case Name() as state:
                return state != Name.Off
            case Array() | Stream():
                return True
        match field.get(Name.Parent):
            case Dictionary() as parent:
                field = parent
            case _:
                return False
    return True
