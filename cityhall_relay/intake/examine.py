"""What the disposable process finds in a PDF: its pages, and every reason for not sealing it."""

from io import BytesIO
from typing import Final

import pikepdf
from pikepdf import Pdf

from cityhall_relay.intake.contents import TooMuchError, forbidden_contents
from cityhall_relay.intake.fonts import missing_fonts
from cityhall_relay.intake.report import Finding, IntakeLimits, PageSize, Refusal
from cityhall_relay.intake.sizes import page_sizes, wrong_sizes

_SIGNS: Final = {
    "bad_alloc": Refusal.BOMB,
    "memory limit exceeded": Refusal.BOMB,
    "encrypt": Refusal.ENCRYPTED,
    "random numbers": Refusal.ENCRYPTED,  # asked of /dev, which is out of reach here, and only for AES-256
}
"""How qpdf 12 words what has no type of its own; inside an object stream it is a mere warning."""

# A value of another type than the specification names: pikepdf answers with Python's own errors.
_WRONG_TYPE: Final = (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError)


def examine(document: bytes, limits: IntakeLimits) -> tuple[tuple[PageSize, ...], list[Finding]]:
    """Page sizes and findings; both may be there, and nothing raises whatever the document is."""
    if len(document) > limits.document_bytes:
        return (), [Finding(refusal=Refusal.TOO_LARGE, detail=f"{limits.document_bytes >> 20} MiB")]
    if not document.startswith(b"%PDF-"):  # at the very start: before it a printer would read commands of its own (PJL)
        return (), [Finding(refusal=Refusal.NOT_PDF)]
    try:
        # Without recovery, so that qpdf sees the file as it is and not as it might have been meant.
        with pikepdf.open(BytesIO(document), attempt_recovery=False) as pdf:
            return _examine_opened(pdf, limits)
    except pikepdf.PasswordError:
        return (), [Finding(refusal=Refusal.ENCRYPTED)]
    except (MemoryError, TooMuchError):
        return (), [Finding(refusal=Refusal.BOMB)]
    except (pikepdf.PikepdfError, *_WRONG_TYPE) as error:
        return (), [Finding(refusal=_classify(str(error)))]


def _examine_opened(pdf: Pdf, limits: IntakeLimits) -> tuple[tuple[PageSize, ...], list[Finding]]:
    if pdf.is_encrypted:
        return (), [Finding(refusal=Refusal.ENCRYPTED)]
    if len(pdf.pages) == 0:
        return (), [Finding(refusal=Refusal.DAMAGED)]
    if len(pdf.pages) > limits.pages:
        return (), [Finding(refusal=Refusal.TOO_MANY_PAGES, detail=str(limits.pages))]
    findings = [*wrong_sizes(pdf), *missing_fonts(pdf), *forbidden_contents(pdf, limits.decoded_bytes)]
    # qpdf puts null where it cannot read an object, with a warning; a printer may well read it, so nothing may be skipped.
    if warnings := " ".join(map(str, pdf.get_warnings())):
        findings.append(Finding(refusal=_classify(warnings)))
    return tuple(page_sizes(pdf)), findings


def _classify(text: str) -> Refusal:
    return next((refusal for sign, refusal in _SIGNS.items() if sign in text), Refusal.DAMAGED)
