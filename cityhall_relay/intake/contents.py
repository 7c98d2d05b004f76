"""What a document contains besides what it prints: scripts, attachments, XFA, other files; and how much it unpacks to.

Everything reachable from the trailer is looked at, whatever role it claims, because a list of places to look in is a list
of places to avoid. A link to the web is let through: on paper it is ink.
"""

from collections.abc import Iterator
from typing import Final

from pikepdf import Array, Dictionary, Name, Object, ObjectSet, Pdf, Stream

from cityhall_relay.intake.pictures import unpacked, unpacked_inline
from cityhall_relay.intake.report import Finding, IntakeLimits, Refusal

_KEYS: Final = {
    "/JS": Refusal.SCRIPT,
    "/JavaScript": Refusal.SCRIPT,
    "/AA": Refusal.SCRIPT,
    "/EF": Refusal.ATTACHMENT,
    "/EmbeddedFiles": Refusal.ATTACHMENT,
    "/RichMediaContent": Refusal.ATTACHMENT,
    "/XFA": Refusal.FORM_XFA,
    "/OPI": Refusal.EXTERNAL_REFERENCE,
}
"""Keys whose mere presence decides (ISO 32000-2 sections 7.7, 7.11, 12.6, 12.7; OPI: ISO 32000-1 section 14.11.7)."""

_ACTIONS: Final = {
    **dict.fromkeys(
        ("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/Hide", "/SetOCGState", "/Trans"),
        Refusal.SCRIPT,
    ),
    **dict.fromkeys(("/Rendition", "/Movie", "/Sound", "/RichMediaExecute", "/GoTo3DView"), Refusal.ATTACHMENT),
    **dict.fromkeys(("/GoToR", "/GoToE"), Refusal.EXTERNAL_REFERENCE),
}
"""Values of /S that make a dictionary an action which does more than turn to a page of this document (table 201)."""

_ANNOTATIONS: Final = dict.fromkeys(
    ("/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"), Refusal.ATTACHMENT
)
"""Values of /Subtype (table 171)."""

_MAPS: Final = frozenset(
    (
        *("/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/Properties", "/CharProcs"),
        *("/Dests", "/RoleMap", "/ClassMap", "/Colorants"),
    )
)
"""Dictionaries under these keys have keys of the author's choosing: a glyph may well be called /AA."""


class TooMuchError(Exception):
    """The document's streams unpack to more than a certificate can hold."""


def forbidden_contents(pdf: Pdf, limits: IntakeLimits) -> Iterator[Finding]:
    """Findings for everything reachable that does not belong on paper; the same one may come more than once.

    Decodes every stream on the way. Raises TooMuchError when all together are more than a document may unpack to, here or in a
    printer, TooLargeAPictureError for one picture, and PdfError or ValueError when one is damaged or exceeds qpdf's limit.
    """
    decoded = pictures = 0
    most = limits.stream_bytes * len(pdf.pages)  # in a printer: one sheet full of picture at a time
    for thing, is_map in _reachable(pdf):
        if not is_map:
            yield from _refused(thing)
        if isinstance(thing, Stream):
            size = unpacked(pdf, thing, limits.stream_bytes)
            decoded, pictures = decoded + size.here, pictures + size.picture
            if decoded > limits.decoded_bytes or pictures > most:
                raise TooMuchError
    if pictures + unpacked_inline(pdf, limits.stream_bytes) > most:
        raise TooMuchError


def _reachable(pdf: Pdf) -> Iterator[tuple[Object, bool]]:
    """Every dictionary and stream once, or twice if it is used both as a map of free names and as something else."""
    seen = {True: ObjectSet(), False: ObjectSet()}
    pending: list[tuple[Object, bool]] = [(pdf.trailer, False)]
    while pending:
        thing, is_map = pending.pop()
        if not isinstance(thing, Array | Dictionary | Stream) or not seen[is_map].add(thing):
            continue
        if isinstance(thing, Array):
            pending.extend((item, False) for item in thing)
            continue
        yield thing, is_map
        for key, value in thing.items():
            pending.append((value, not is_map and key in _MAPS and isinstance(value, Dictionary)))


def _refused(thing: Object) -> Iterator[Finding]:
    keys = thing.keys()
    for key in sorted(keys & _KEYS.keys()):
        yield Finding(refusal=_KEYS[key], detail=key[1:])
    for table, key in ((_ACTIONS, "/S"), (_ANNOTATIONS, "/Subtype")):
        kind = thing[key] if key in keys else None
        if isinstance(kind, Name) and str(kind) in table:
            yield Finding(refusal=table[str(kind)], detail=str(kind)[1:])
    if "/OpenAction" in keys and _acts_when_opened(thing):
        yield Finding(refusal=Refusal.SCRIPT, detail="OpenAction")
    if isinstance(thing, Stream) and (Name.F in thing or Name.Ref in thing):
        yield Finding(refusal=Refusal.EXTERNAL_REFERENCE, detail="F" if Name.F in thing else "Ref")


def _acts_when_opened(thing: Object) -> bool:
    """/OpenAction may be a place in the document, which many programs write; as an action it may only go to one."""
    action = thing.get(Name.OpenAction)
    return isinstance(action, Dictionary) and action.get(Name.S) != Name.GoTo
