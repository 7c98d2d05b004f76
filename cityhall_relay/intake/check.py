"""The relay's side of intake: start a disposable process for one document, and believe nothing of it but its report.

A drawn document is believed as the one that was sent is: whoever takes the process over can put on paper what they could
have sent. It is only held to its format and its limit.

The document goes through a pipe and never touches a disk. The process gets no environment, no descriptor and no memory
of the relay (it is exec'ed); it is killed at the deadline and whenever the caller gives up.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

import cityhall_relay
from cityhall_base.printers import PDF, PWG_RASTER
from cityhall_relay.intake.errors import IntakeRefused, IntakeUnavailableError
from cityhall_relay.intake.report import EXIT_UNAVAILABLE, JPEG, Drawing, Finding, IntakeLimits, Refusal, Report, Task

# -I leaves out the environment's and the current folder's say in what is imported; the one folder that is added is the
# one this package itself was loaded from, so that a source tree works like an installation.
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from cityhall_relay.intake.checker import main; sys.exit(main(sys.argv[2]))"
)
_PACKAGES: Final = str(Path(cityhall_relay.__file__).resolve().parents[1])

_REPORT_BYTES: Final = 256 * 1024
"""A report on 500 pages with twenty findings takes 25 kB."""

_BEGINNINGS: Final = {PDF: b"%PDF-", PWG_RASTER: b"RaS2PwgRaster\0", JPEG: b"\xff\xd8\xff"}
"""Of a drawn document, by its format. What a printer would read as commands of its own begins otherwise."""

_OUT_OF_RESOURCES: Final = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGSYS, -signal.SIGTRAP)
"""Its CPU time was used up; the kernel had no memory left, or `_read` cut it short; it asked for too much memory at once
(sandbox.py); PDFium stops itself where it cannot go on without memory."""


async def check(document: bytes, limits: IntakeLimits | None = None, drawing: Drawing | None = None) -> Report:
    """Have `document` looked into and, where wanted, drawn; return the report of one that may be sealed.

    Raises IntakeRefused with the findings of one that may not, and IntakeUnavailableError when it could not be checked.
    """
    task = Task(limits=limits or IntakeLimits(), drawing=drawing)
    if len(document) > task.limits.document_bytes:
        raise IntakeRefused(Finding(refusal=Refusal.TOO_LARGE, detail=f"{task.limits.document_bytes >> 20} MiB"))
    seconds = task.limits.drawing_deadline_seconds if drawing else task.limits.deadline_seconds
    try:
        async with asyncio.timeout(seconds):
            status, answer = await _ask(document, task)
    except TimeoutError as error:
        raise IntakeRefused(Finding(refusal=Refusal.BOMB)) from error
    report = _judge(status, answer)
    if report.findings:
        raise IntakeRefused(*report.findings)
    if not _as_ordered(report, drawing):
        raise IntakeUnavailableError("The checking process did not draw what it was asked to.")
    return report


async def _ask(document: bytes, task: Task) -> tuple[int, bytes]:
    """Exit status (negative: the signal) and standard output of a process of its own for this document."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _PROGRAM, _PACKAGES, msgspec.json.encode(task).decode()),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # a traceback may quote the document
        env={},
        cwd="/",
        start_new_session=True,
    )
    most = _REPORT_BYTES + (task.limits.document_bytes if task.drawing else 0)
    try:
        _, answer = await asyncio.gather(_feed(child, document), _read(child, most))
        return await child.wait(), answer
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


async def _feed(child: Process, document: bytes) -> None:
    assert child.stdin  # noqa: S101 - started with a pipe
    with suppress(ConnectionError):  # it ended early; its status says why
        child.stdin.write(document)
        await child.stdin.drain()
    child.stdin.close()


async def _read(child: Process, most: int) -> bytes:
    assert child.stdout  # noqa: S101 - started with a pipe
    try:
        await child.stdout.readexactly(most + 1)
    except asyncio.IncompleteReadError as end:
        return end.partial
    child.kill()  # a process that says more than it was asked for has been taken over by its document
    return b""


def _judge(status: int, answer: bytes) -> Report:
    if status == EXIT_UNAVAILABLE:
        raise IntakeUnavailableError(answer.decode(errors="replace")[:500])
    if status < 0:
        refusal = Refusal.BOMB if status in _OUT_OF_RESOURCES else Refusal.DAMAGED
        raise IntakeRefused(Finding(refusal=refusal))
    if status > 0:
        raise IntakeUnavailableError(f"The checking process ended with {status}.")
    said, _, drawn = answer.partition(b"\n")
    try:
        report = msgspec.json.decode(said, type=Report)
    except msgspec.DecodeError as error:
        raise IntakeUnavailableError("The checking process answered something other than a report.") from error
    return msgspec.structs.replace(report, drawn=drawn)


def _as_ordered(report: Report, drawing: Drawing | None) -> bool:
    if drawing is None or report.pages > drawing.most_pages:
        return report.document_format == PDF and not report.drawn
    return report.document_format == drawing.document_format and report.drawn.startswith(
        _BEGINNINGS[drawing.document_format]
    )
