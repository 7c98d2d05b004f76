"""The one sentence that says what to do now, with the key under which the screen finds it in Japanese.

`_pressing` is the order: what lies in the tray comes first, then a lock of the whole bus, then a printer that stands with
somebody's document in it, then the line, then everything that can wait.
"""

from collections.abc import Container, Iterator
from typing import Final

from bus_agent.agent import dead_zone
from bus_agent.agent.duty import Duty
from bus_agent.agent.rows import Job
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import RefusedError, SpoolerGoneError
from bus_agent.shown import Advice
from cityhall_base import reasons
from cityhall_base.printer_state import Note, PrinterWord, Severity
from cityhall_base.reasons import MAY_HOLD, UNCONFIRMED
from cityhall_base.words import Language, Word
from cityhall_wire.lifecycle import AT_PRINTER, JobState
from cityhall_wire.modes import PRINTS


class Do(Word):
    """What the concierge does next. `{detail}` is the name of the document's paper."""

    LOOK = ("do.look", "Look what came out: hand it over, report unusable sheets, or say that nothing came out.")
    SWITCH_OFF = ("do.switch_off", "The printer may still hold a document. Switch it off, then say what came out.")
    LEAVE_PRINTER = ("do.leave_printer", "The print is being stopped at the printer; do not refill it, and wait.")
    HAND_OVER = ("do.hand_over", "Check the sheets and hand them over, then press handed over.")
    REFILL = ("do.refill", "The paper has run out; put {detail} into the tray, and the print goes on by itself.")
    OTHER_PAPER = (
        "do.other_paper",
        "The printer waits for another paper; put in {detail}, and the print goes on by itself.",
    )
    CLEAR_JAM = (
        "do.clear_jam",
        "Paper is jammed; open the cover, take the paper out, close the cover, and keep every sheet.",
    )
    WAIT_FOR_CLERK = ("do.wait_for_clerk", "A clerk is connected; wait for the document.")
    WAIT_FOR_ANSWER = ("do.wait_for_answer", "The section is being called; wait, or telephone it.")
    SIGN_IN = ("do.sign_in", "Nobody is signed in; sign in with your PIN.")
    OPENING_LIST = ("do.opening_list", "Go through the opening checklist; certificates print when it is complete.")
    CALL_SECTION = ("do.call_section", "Press the section's key when a resident sits down.")
    NOTHING = ("do.nothing", "Nothing to do in this duty mode.")
    WAIT_FOR_PRINTER = ("do.wait_for_printer", "The document is being printed; wait.")
    PRINT = ("do.print", "Read the check word back to the clerk, then press print.")
    WAIT_FOR_DOCUMENT = ("do.wait_for_document", "The document is on its way; wait.")


_WITH_A_DOCUMENT: Final = {
    PrinterWord.PAPER_OUT: Do.REFILL,
    PrinterWord.PAPER_NEEDED: Do.OTHER_PAPER,
    PrinterWord.JAM: Do.CLEAR_JAM,
}
"""What is said otherwise while the printer holds a document."""

_HIDES_SHEETS: Final = frozenset({PrinterWord.JAM, PrinterWord.COVER_OPEN})


def advise(jobs: list[Job], duty: Duty, link: LinkState) -> Advice:
    """The most pressing one."""
    return next(_pressing(jobs, duty, link))


def _pressing(jobs: list[Job], duty: Duty, link: LinkState) -> Iterator[Advice]:
    yield from _at_the_tray(jobs, duty)
    if duty.lock.reason:
        yield Advice(reasons.key(duty.lock.reason), reasons.sentence(duty.lock.reason))
    yield from _in_the_printer(jobs, duty)
    yield from _of_line(jobs, duty, link)
    if PRINTS[duty.mode]:
        yield from _at_the_printer(duty)
        yield from _waiting(jobs, duty)
        if duty.session:
            yield _advice(Do.WAIT_FOR_CLERK if duty.session.clerk else Do.WAIT_FOR_ANSWER)
        yield from _of_printer(duty, Severity.SOON)
        yield from _reminders(duty)
        yield _advice(Do.CALL_SECTION)
    yield _advice(Do.NOTHING)


def _of_line(jobs: list[Job], duty: Duty, link: LinkState) -> Iterator[Advice]:
    if link.up:
        return
    if dead_zone.is_calm(link, duty, jobs):
        if not PRINTS[duty.mode]:
            return
        # A sheet that is on its way comes out all the same.
        yield from _moving(jobs)
    said = dead_zone.shown(link, duty, jobs)
    yield Advice(said.key, said.sentence)


def _at_the_tray(jobs: list[Job], duty: Duty) -> Iterator[Advice]:
    for job in jobs:
        if job.state is JobState.UNCERTAIN:
            if _may_hold(job, duty):
                yield _advice(Do.SWITCH_OFF, job.job)
            # A sheet that is still in the machine cannot be looked at. Nothing else is mended before she has looked:
            # a refill might bring out what nobody waits for any more.
            yield from _standing(job, duty, _HIDES_SHEETS)
            yield _advice(Do.LOOK, job.job)
    for job in jobs:
        if job.state is JobState.PRINTED:
            yield _advice(Do.HAND_OVER, job.job)


def _may_hold(job: Job, duty: Duty) -> bool:
    # What has not been asked yet is waited for inside the session, where a refill is somebody's own.
    return job.why in UNCONFIRMED or (job.why in MAY_HOLD and duty.why_end(job) is not None)


def _in_the_printer(jobs: list[Job], duty: Duty) -> Iterator[Advice]:
    for job in jobs:
        if job.state in AT_PRINTER:
            if duty.why_end(job):
                yield _advice(Do.LEAVE_PRINTER, job.job)
            yield from _standing(job, duty)


def _standing(job: Job, duty: Duty, words: Container[PrinterWord] = frozenset(PrinterWord)) -> Iterator[Advice]:
    if duty.spooler is None:
        return
    for note in duty.printer_notes:
        if note.severity is Severity.NOW and note.word in words:
            yield _advice(_WITH_A_DOCUMENT.get(note.word, note.word), job.job, duty.paper_name(job))


def hands_off(jobs: list[Job], duty: Duty) -> Advice | None:
    """What is said first of a printer into which nobody may put paper now; None where somebody may."""
    for job in jobs:
        if job.state is JobState.UNCERTAIN and _may_hold(job, duty):
            return _advice(Do.SWITCH_OFF, job.job)
    for job in jobs:
        if job.state in AT_PRINTER and duty.why_end(job):
            return _advice(Do.LEAVE_PRINTER, job.job)
    return None


def about(note: Note, jobs: list[Job], duty: Duty) -> Advice:
    """What is said of one thing that the printer says, whatever else is the matter with it."""
    if pressing := hands_off(jobs, duty):
        return pressing
    for job in jobs:
        if job.state is JobState.UNCERTAIN and note.word not in _HIDES_SHEETS:
            return _advice(Do.LOOK, job.job)
    for job in jobs:
        if job.state in AT_PRINTER | {JobState.UNCERTAIN} and note.severity is Severity.NOW:
            return _advice(_WITH_A_DOCUMENT.get(note.word, note.word), job.job, duty.paper_name(job))
    return _advice(note.word)


def printer_empty(jobs: list[Job]) -> bool:
    """Whether no document can come out of the printer any more, as far as anybody knows. After a doubt a person ends it."""
    doubtful = (job.state is JobState.UNCERTAIN and job.why in MAY_HOLD for job in jobs)
    return not any(doubtful) and not any(job.state in AT_PRINTER for job in jobs)


def _at_the_printer(duty: Duty) -> Iterator[Advice]:
    if duty.spooler is None:
        yield Advice(SpoolerGoneError.key, str(SpoolerGoneError()))
    else:
        yield from _of_printer(duty, Severity.NOW)


def _of_printer(duty: Duty, severity: Severity) -> Iterator[Advice]:
    return (_advice(note.word) for note in duty.printer_notes if note.severity is severity)


def _moving(jobs: list[Job]) -> Iterator[Advice]:
    return (_advice(Do.WAIT_FOR_PRINTER, job.job) for job in jobs if job.state in AT_PRINTER)


def _waiting(jobs: list[Job], duty: Duty) -> Iterator[Advice]:
    yield from _moving(jobs)
    for job in jobs:
        if job.state is JobState.ON_BUS:
            yield _may_print(job, duty)
    for job in jobs:
        if job.state is JobState.OFFERED:
            yield _advice(Do.WAIT_FOR_DOCUMENT, job.job)


def _reminders(duty: Duty) -> Iterator[Advice]:
    return (_advice(word) for remind in duty.reminders if (word := remind()))


def _may_print(job: Job, duty: Duty) -> Advice:
    try:
        duty.check(job)
    except RefusedError as error:
        return Advice(error.key, error.sentence, job.job)
    return _advice(Do.PRINT, job.job)


def _advice(word: Word, job: str = "", detail: str = "") -> Advice:
    return Advice(str(word), word.say(Language.ENGLISH, detail), job, detail)
