"""What the disposable process finds in a PDF: its pages, and every reason for not sealing it.

**The rule for flawed files.** The document that is sealed is the document that came, byte for byte, so nothing is repaired here.
qpdf reads it without recovery, as the strictest printer would, and what it cannot read is refused: a reader that recovers chooses
among several readings, and another reader chooses otherwise. Only flaws under which every reader finds the same objects are
taken: the rows of `_HARMLESS`, and padding after the end. With each of them poppler, MuPDF, Ghostscript and PDFium painted the same
pixels as without it.
"""

import codecs
import re
from io import BytesIO
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectSet, Pdf

from cityhall_relay.intake.contents import TooMuchError, forbidden_contents
from cityhall_relay.intake.fonts import missing_fonts
from cityhall_relay.intake.forms import undrawn
from cityhall_relay.intake.pictures import TooLargeAPictureError
from cityhall_relay.intake.report import Finding, IntakeLimits, PageSize, Refusal
from cityhall_relay.intake.sizes import page_sizes, wrong_sizes

_SIGNS: Final = {
    "bad_alloc": Refusal.BOMB,
    "memory limit exceeded": Refusal.BOMB,
    "encrypt": Refusal.ENCRYPTED,
    "random numbers": Refusal.ENCRYPTED,  # asked of /dev, which is out of reach here, and only for AES-256
}
"""How qpdf 12 words what has no type of its own; inside an object stream it is a mere warning."""

_HARMLESS: Final = tuple(
    re.compile(rf"stream <[^>]*>: {text}")
    for text in (
        # /Size is a hint of how much room to make. Too small a one hides objects from some readers (_hides_objects).
        r"reported number of objects \((?P<size>\d+)\) is not one plus the highest object number \((?P<highest>\d+)\)",
        # The table of contents does not list itself; startxref has led to it all the same. pypdf writes such updates.
        r"xref entry for the xref stream itself is missing - a common error handled correctly by qpdf and most other applications",
        r"extraneous whitespace seen before xref",  # startxref leads to the line before the table
    )
)
"""How qpdf 12 words, about the file as a whole, the flaws that change nothing for any reader."""

_PADDING: Final = b"\x00\t\n\x0c\r \x1a"  # white space (ISO 32000-2 table 1), and the end-of-file sign of DOS
_END: Final = b"%%EOF"

# Python loads a codec when it is first used, and once the process is locked in there is no file to load it from. The second and
# third are pikepdf's.
for _codec in ("cp932", "unicode_escape", "utf-16-be"):
    codecs.lookup(_codec)

# A value of another type than the specification names: pikepdf answers with Python's own errors.
_WRONG_TYPE: Final = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


def examine(document: bytes, limits: IntakeLimits) -> tuple[tuple[PageSize, ...], list[Finding]]:
    """Page sizes and findings; both may be there, and nothing raises whatever the document is."""
    if len(document) > limits.document_bytes:
        return (), [Finding(refusal=Refusal.TOO_LARGE, detail=f"{limits.document_bytes >> 20} MiB")]
    if not document.startswith(b"%PDF-"):  # at the very start: before it a printer would read commands of its own (PJL)
        return (), [Finding(refusal=Refusal.NOT_PDF)]
    if not document.rstrip(_PADDING).endswith(_END):  # and so it would behind the end
        return (), [Finding(refusal=Refusal.DAMAGED)]
    try:
        # Pages are left as they are (inherit_page_attributes), because looking at them makes qpdf mend their tree (_page_count).
        with pikepdf.open(BytesIO(document), attempt_recovery=False, inherit_page_attributes=False) as pdf:
            return _examine_opened(pdf, limits)
    except pikepdf.PasswordError:
        return (), [Finding(refusal=Refusal.ENCRYPTED)]
    except (MemoryError, RecursionError, TooMuchError, TooLargeAPictureError):
        return (), [Finding(refusal=Refusal.BOMB)]
    except (pikepdf.PikepdfError, *_WRONG_TYPE) as error:
        return (), [Finding(refusal=_classify(str(error)))]


def _examine_opened(pdf: Pdf, limits: IntakeLimits) -> tuple[tuple[PageSize, ...], list[Finding]]:
    if pdf.is_encrypted:
        return (), [Finding(refusal=Refusal.ENCRYPTED)]
    pages = _page_count(pdf)
    if pages is None or pages != len(pdf.pages) or pages == 0:
        return (), [Finding(refusal=Refusal.DAMAGED)]
    if len(pdf.pages) > limits.pages:
        return (), [Finding(refusal=Refusal.TOO_MANY_PAGES, detail=str(limits.pages))]
    findings = [*wrong_sizes(pdf), *missing_fonts(pdf), *undrawn(pdf), *forbidden_contents(pdf, limits)]
    # qpdf puts null where it cannot read an object, with a warning; a printer may well read it, so nothing may be skipped.
    if flaws := " ".join(text for text in map(str, pdf.get_warnings()) if not _is_harmless(text)):
        findings.append(Finding(refusal=_classify(flaws)))
    return tuple(page_sizes(pdf)), findings


def _page_count(pdf: Pdf) -> int | None:
    """What the page tree says of itself, None if a part of it is missing. qpdf mends both in silence."""
    seen, pending = ObjectSet(), [pdf.Root.Pages]
    while pending:
        node = pending.pop()
        if not isinstance(node, Dictionary) or not seen.add(node):
            return None
        kids = node.get(Name.Kids)
        pending.extend(kids if isinstance(kids, Array) else ())
    return int(str(pdf.Root.Pages.Count))


def _is_harmless(warning: str) -> bool:
    return any((found := flaw.fullmatch(warning)) and not _hides_objects(found) for flaw in _HARMLESS)


def _hides_objects(flaw: re.Match[str]) -> bool:
    """A number at or over /Size counts as missing (ISO 32000-2 section 7.5.5), and not every reader obeys."""
    counts = flaw.groupdict()
    return bool(counts) and int(counts["size"]) <= int(counts["highest"])


def _classify(text: str) -> Refusal:
    return next((refusal for sign, refusal in _SIGNS.items() if sign in text), Refusal.DAMAGED)
