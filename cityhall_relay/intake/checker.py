"""The disposable process: reads a document from standard input, locks itself in, looks, reports, ends.

Run by check.py with an `IntakeLimits` as JSON; never imported by a process that holds keys. Standard output gets one
`Report` as JSON and nothing else. Exit codes: 0 a report was written, whatever it says; 3 the machine offers no sandbox
and the document was not read; anything else, or a signal, is for check.py to judge.
"""

import os

import msgspec
import pikepdf
from pikepdf import settings

from cityhall_relay.intake.errors import SandboxUnavailableError
from cityhall_relay.intake.examine import examine
from cityhall_relay.intake.report import EXIT_NO_SANDBOX, MAX_FINDINGS, Finding, IntakeLimits, Refusal, Report
from cityhall_relay.intake.sandbox import SandboxLimits, lock_down


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
    pages, findings = examine(_read_all(limits.document_bytes), limits)
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
