"""The disposable process: reads a document from standard input, locks itself in, looks, draws where asked to, ends.

Run by check.py with a `Task` as JSON; never imported by a process that holds keys. Standard output gets one `Report` as
JSON, then a line feed and the drawn document where there is one, and nothing else. Exit codes: 0 a report was written,
whatever it says; 3 the document was not read, because the machine offers no sandbox or cannot draw; anything else, or a
signal, is for check.py to judge.
"""

import os
from collections.abc import Iterable

import msgspec
import pikepdf
from pikepdf import settings

from cityhall_relay.intake.errors import DrawingUnavailableError, NotDrawnError, SandboxUnavailableError
from cityhall_relay.intake.examine import examine
from cityhall_relay.intake.memory import Memory
from cityhall_relay.intake.report import (
    EXIT_UNAVAILABLE,
    FLATTENING_CURES,
    MAX_FINDINGS,
    Drawing,
    Finding,
    IntakeLimits,
    Refusal,
    Report,
    Task,
)
from cityhall_relay.intake.sandbox import Isolation, SandboxLimits, lock_down


def main(task_json: str) -> int:
    """The whole life of the process; returns its exit code."""
    task = msgspec.json.decode(task_json, type=Task)
    limits, drawing = task.limits, task.drawing
    settings.set_qpdf_limits(flate_max_memory=limits.stream_bytes, run_length_max_memory=limits.stream_bytes)
    pikepdf.set_object_conversion_mode("explicit")
    try:
        draughtsman = Draughtsman(drawing, limits) if drawing else None
        isolation = lock_down(_sandbox_limits(task))
    except (SandboxUnavailableError, DrawingUnavailableError) as error:
        _write_all(str(error).encode())
        return EXIT_UNAVAILABLE
    _answer(_look(_read_all(limits.document_bytes), limits, isolation, draughtsman))
    return 0


class Draughtsman:
    """Draws what the examination has let through. Made before the process locks itself in; raises DrawingUnavailableError."""

    def __init__(self, drawing: Drawing, limits: IntakeLimits) -> None:
        from cityhall_relay.intake.drawing import prepare  # a document that is sealed as it came needs none of it

        self._drawing, self._limits = drawing, limits
        self._draw, self._memory = prepare(drawing), Memory()

    def minds(self, finding: Finding) -> bool:
        """Whether the finding still is a reason to refuse."""
        return not (self._drawing.flatten and finding.refusal in FLATTENING_CURES)

    def drawn(self, document: bytes, report: Report) -> Report:
        """The report with the drawn document, or with the reason why there is none."""
        if report.pages > self._drawing.most_pages:
            return report
        try:
            made = self._draw(document, report.sizes, self._limits.document_bytes)
        except NotDrawnError as error:
            return msgspec.structs.replace(report, findings=(error.finding,))
        except MemoryError:
            return msgspec.structs.replace(report, findings=(Finding(refusal=Refusal.BOMB),))
        if self._memory.may_have_run_out(self._limits.drawing_memory_bytes, self._limits.allocation_bytes):
            return msgspec.structs.replace(report, findings=(Finding(refusal=Refusal.BOMB),))
        return msgspec.structs.replace(report, document_format=self._drawing.document_format, drawn=made)


def _look(document: bytes, limits: IntakeLimits, isolation: Isolation, draughtsman: Draughtsman | None) -> Report:
    pages, findings = examine(document, limits)
    if draughtsman:
        findings = list(filter(draughtsman.minds, findings))
    report = Report(
        pages=len(pages),
        sizes=pages,
        document_format="application/pdf",
        isolation=isolation.layers,
        findings=_once_each(findings),
    )
    return report if findings or not draughtsman else draughtsman.drawn(document, report)


def _sandbox_limits(task: Task) -> SandboxLimits:
    limits, most = task.limits, task.limits.allocation_bytes
    if task.drawing:
        return SandboxLimits(limits.drawing_memory_bytes, limits.drawing_cpu_seconds, most)
    return SandboxLimits(limits.memory_bytes, limits.cpu_seconds, most)


def _once_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
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


def _answer(report: Report) -> None:
    _write_all(msgspec.json.encode(msgspec.structs.replace(report, drawn=b"")))
    if report.drawn:
        _write_all(b"\n")
        _write_all(report.drawn)


def _write_all(answer: bytes) -> None:
    rest = memoryview(answer)
    while rest:
        rest = rest[os.write(1, rest) :]
