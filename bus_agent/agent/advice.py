"""The one sentence that says what to do now, with the key under which the screen finds it in Japanese."""

from collections.abc import Iterator
from typing import Final

import msgspec

from bus_agent.agent.duty import Duty
from bus_agent.agent.rows import Job
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import PrinterNotReadyError, RefusedError, SpoolerGoneError
from cityhall_wire.lifecycle import AT_PRINTER, JobState
from cityhall_wire.modes import PRINTS


class Advice(msgspec.Struct, frozen=True):
    """`job` is empty where the sentence is about none."""

    key: str
    sentence: str
    job: str = ""


_UNCERTAIN: Final = "Look what came out: hand it over, report unusable sheets, or say that nothing came out."
_SWITCH_OFF: Final = "The printer may still hold a document. Switch it off, then say what came out."
_UNCONFIRMED: Final = frozenset({"cancel_unconfirmed", "printer_silent"})


def advise(jobs: list[Job], duty: Duty, link: LinkState) -> Advice:
    """The most pressing one."""
    return next(_pressing(jobs, duty, link))


def _pressing(jobs: list[Job], duty: Duty, link: LinkState) -> Iterator[Advice]:
    yield from _at_the_tray(jobs)
    if not link.up:
        yield Advice(link.key, link.sentence)
    if PRINTS[duty.mode]:
        yield from _at_the_printer(duty)
        yield from _waiting(jobs, duty)
        if duty.session:
            yield Advice("do.wait_for_clerk", "A clerk is connected; wait for the document.")
        yield Advice("do.call_section", "Press the section's key when a resident sits down.")
    yield Advice("do.nothing", "Nothing to do in this duty mode.")


def _at_the_tray(jobs: list[Job]) -> Iterator[Advice]:
    for job in jobs:
        if job.state is JobState.UNCERTAIN:
            pressing = ("do.switch_off", _SWITCH_OFF) if job.why in _UNCONFIRMED else ("do.look", _UNCERTAIN)
            yield Advice(*pressing, job.job)
    for job in jobs:
        if job.state is JobState.PRINTED:
            yield Advice("do.hand_over", "Check the sheets and hand them over, then press handed over.", job.job)


def _at_the_printer(duty: Duty) -> Iterator[Advice]:
    if duty.spooler is None:
        yield Advice(SpoolerGoneError.key, str(SpoolerGoneError()))
    elif duty.printer.state in ("stopped", "unknown") or any(r.endswith("-error") for r in duty.printer.reasons):
        yield Advice(PrinterNotReadyError.key, str(PrinterNotReadyError()))


def _waiting(jobs: list[Job], duty: Duty) -> Iterator[Advice]:
    for job in jobs:
        if job.state in AT_PRINTER:
            yield Advice("do.wait_for_printer", "The document is being printed; wait.", job.job)
    for job in jobs:
        if job.state is JobState.ON_BUS:
            yield _may_print(job, duty)
    for job in jobs:
        if job.state is JobState.OFFERED:
            yield Advice("do.wait_for_document", "The document is on its way; wait.", job.job)


def _may_print(job: Job, duty: Duty) -> Advice:
    try:
        duty.check(job)
    except RefusedError as error:
        return Advice(error.key, error.sentence, job.job)
    return Advice("do.print", "Read the check word back to the clerk, then press print.", job.job)
