"""The disposable process: reads a document from standard input, locks itself in, looks, reports, ends.

Run by check.py with an `IntakeLimits` as JSON; never imported by a process that holds keys. Standard output gets one
`Report` as JSON and nothing else. Exit codes: 0 a report was written, whatever it says; 3 the machine offers no sandbox
and the document was not read; anything else, or a signal, is for check.py to judge.
"""

import os
from io import BytesIO
from typing import Final

import msgspec
import pikepdf
from pikepdf import Pdf, settings

from cityhall_relay.intake.contents import TooMuchError, forbidden_contents
from cityhall_relay.intake.errors import SandboxUnavailableError
from cityhall_relay.intake.fonts import missing_fonts
from cityhall_relay.intake.report import EXIT_NO_SANDBOX, MAX_FINDINGS, Finding, IntakeLimits, PageSize, Refusal, Report
from cityhall_relay.intake.sandbox import SandboxLimits, lock_down
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


def main(limits_json: str) -> int:
    """The whole life of the process; returns its exit code."""
    limits = msgspec.json.decode(limits_json, type=IntakeLimits)
    settings.set_qpdf_limits(flate_max_memory=limits.stream_bytes, run_length_max_memory=limits.stream_bytes)
    pikepdf.set_object_conversion_mode("explicit")
    try:
        isolation = lock_down(SandboxLimits(memory_bytes=limits.memory_bytes, cpu_seconds=limits.cpu_seconds))
    except SandboxUnavailableError as error:
        _write_all(str(error).encode())
        return EXIT_NO_SANDBOX
    pages, findings = _examine(_read_all(limits.document_bytes), limits)
    report = Report(
        pages=len(pages),
        sizes=pages,
        document_format="application/pdf",
        isolation=isolation.layers,
        findings=_once_each(findings),
    )
    _write_all(msgspec.json.encode(report))
    return 0


def _once_each(findings: list[Finding]) -> tuple[Finding, ...]:
    """The same reason on many pages is told once, with the first of them."""
    told: dict[tuple[Refusal, str], Finding] = {}
    for finding in findings:
        told.setdefault((finding.refusal, finding.detail), finding)
    return tuple(told.values())[:MAX_FINDINGS]


def _read_all(limit: int) -> bytes:
    """Standard input to its end, or `limit` + 1 bytes of it."""
    document = bytearray()
    while len(document) <= limit and (part := os.read(0, min(1 << 20, limit + 1 - len(document)))):
        document += part
    return bytes(document)


def _write_all(answer: bytes) -> None:
    while answer:
        answer = answer[os.write(1, answer) :]


def _examine(document: bytes, limits: IntakeLimits) -> tuple[tuple[PageSize, ...], list[Finding]]:
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
