"""The lights of printer and paper. `HELP` is the table: what each word of the printer is in the strip, and the guide that helps.

They never say what `advise` would not let her do: no paper goes into a printer that may still hold a document.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from bus_agent.agent.advice import Do, about, hands_off
from bus_agent.agent.light_facts import Seen, light, said
from bus_agent.book_errors import SheetsDifferError
from bus_agent.errors import SpoolerGoneError, WrongPaperError
from bus_agent.light_words import LightWord, Short
from bus_agent.shown import Advice, Level, Light, LightShown, Said
from cityhall_base.printer_state import Note, PrinterWord, Severity, holds
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE

LOW_SHEETS: Final = 10
"""A stop of three hours needs about as many."""


class Help(NamedTuple):
    """One line of the table."""

    short: Short
    guide: str


_P: Final = PrinterWord

HELP: Final[Mapping[str, Help]] = MappingProxyType(
    {
        Do.SWITCH_OFF: Help(Short.SWITCH_OFF, "switch_off"),
        Do.LEAVE_PRINTER: Help(Short.STOPPING, ""),
        Do.LOOK: Help(Short.LOOK, ""),
        Do.REFILL: Help(Short.PAPER_OUT, "refill"),
        Do.OTHER_PAPER: Help(Short.OTHER_PAPER, "other_paper"),
        Do.CLEAR_JAM: Help(Short.JAM, "jam"),
        _P.PAPER_OUT: Help(Short.PAPER_OUT, "refill"),
        _P.PAPER_NEEDED: Help(Short.OTHER_PAPER, "other_paper"),
        _P.PAPER_LOW: Help(Short.PAPER_LOW, "refill"),
        _P.TRAY_MISSING: Help(Short.TRAY, "refill"),
        _P.JAM: Help(Short.JAM, "jam"),
        _P.COVER_OPEN: Help(Short.COVER, "cover"),
        _P.OUTPUT_FULL: Help(Short.OUTPUT, "output_full"),
        _P.OUTPUT_ALMOST_FULL: Help(Short.OUTPUT, "output_full"),
        _P.OUTPUT_MISSING: Help(Short.OUTPUT, "output_full"),
        _P.TONER_OUT: Help(Short.TONER_OUT, "toner"),
        _P.TONER_LOW: Help(Short.TONER_LOW, "toner"),
        _P.WASTE_FULL: Help(Short.WASTE, "waste"),
        _P.WASTE_ALMOST_FULL: Help(Short.WASTE, "waste"),
        _P.PAUSED: Help(Short.STANDS, "printer_look"),
        _P.OFFLINE: Help(Short.STANDS, "printer_look"),
        _P.SWITCHED_OFF: Help(Short.SILENT, "printer_off"),
        _P.LOOK_AT_PANEL: Help(Short.STANDS, "printer_look"),
        _P.STOPPED: Help(Short.STANDS, "printer_look"),
        _P.UNKNOWN: Help(Short.SILENT, "printer_off"),
        _P.TELL_TECHNICIAN: Help(Short.WELL, "technician"),
    }
)

OF_PAPER: Final = frozenset({_P.PAPER_OUT, _P.PAPER_NEEDED, _P.PAPER_LOW, _P.TRAY_MISSING})
"""What the light of the paper says too: the printer waits, and it is the paper that it waits for."""


# --- プリンター ---


def printer(seen: Seen) -> LightShown:
    """As it was heard within the last seconds, and what may still be in it whatever was heard."""
    duty = seen.duty
    if pressing := hands_off(seen.jobs, duty):
        return _advised(Light.PRINTER, Level.BAD if pressing.key == Do.SWITCH_OFF else Level.WEAK, pressing)
    if duty.spooler is None:
        gone = Said(key=SpoolerGoneError.key, sentence=SpoolerGoneError().sentence)
        return light(Light.PRINTER, Level.UNKNOWN, said(Short.UNKNOWN), gone, "technician")
    if duty.told is None:
        return light(Light.PRINTER, Level.UNKNOWN, said(Short.UNKNOWN), said(_P.UNKNOWN), "printer_off")
    if duty.printer_notes:
        return _noted(seen, Light.PRINTER, duty.printer_notes[0])
    if duty.printer.state == "processing":
        return light(Light.PRINTER, Level.GOOD, said(Short.PRINTING), said(_P.PRINTING))
    return light(Light.PRINTER, Level.GOOD, said(Short.WELL), said(LightWord.PRINTER_WELL))


def _noted(seen: Seen, which: Light, note: Note) -> LightShown:
    if note.severity is Severity.TECHNICIAN:
        return light(which, Level.GOOD, said(Short.WELL), said(note.word), HELP[note.word].guide)
    in_it = any(job.state in AT_PRINTER for job in seen.jobs)
    level = Level.BAD if in_it and note.severity is Severity.NOW else Level.WEAK
    return _advised(which, level, about(note, seen.jobs, seen.duty))


def _advised(which: Light, level: Level, advice: Advice) -> LightShown:
    short, guide = HELP[advice.key]
    sentence = Said(key=advice.key, sentence=advice.sentence, detail=advice.detail)
    return light(which, level, said(short), sentence, guide)


# --- 用紙 ---


def paper(seen: Seen) -> LightShown:
    """What the printer says of it, then the book."""
    notes = [note for note in seen.duty.printer_notes if note.word in OF_PAPER]
    if notes and notes[0].severity is Severity.NOW:
        return _noted(seen, Light.PAPER, notes[0])
    if any(seen.books.book.differences()):
        differ = Said(key=SheetsDifferError.key, sentence=SheetsDifferError().sentence)
        return light(Light.PAPER, Level.BAD, said(Short.DIFFERS), differ, "sheets_differ")
    if _wrong_paper(seen):
        wrong = Said(key=WrongPaperError.key, sentence=WrongPaperError().sentence)
        return light(Light.PAPER, Level.WEAK, said(Short.OTHER_PAPER), wrong, "other_paper")
    if notes:
        return _noted(seen, Light.PAPER, notes[0])
    numbered = seen.books.papers()
    return _sheets(seen, numbered[0]) if numbered else _plain_paper(seen)


def _wrong_paper(seen: Seen) -> bool:
    ready = seen.duty.told.media_ready if seen.duty.told else ()
    if not ready or hands_off(seen.jobs, seen.duty):
        return False
    waiting = [job.header.media for job in seen.jobs if job.state in BEFORE_RELEASE] or [seen.media]
    return not all(holds(ready, media) for media in waiting)


def _sheets(seen: Seen, name: str) -> LightShown:
    book = seen.books.book.paper(name)
    left = str(book.left)
    if book.left <= 0:
        return light(Light.PAPER, Level.WEAK, said(Short.NONE_LEFT), said(LightWord.NO_SHEETS), "receive_sheets")
    if book.left <= LOW_SHEETS:
        low = said(LightWord.SHEETS_LOW, left)
        return light(Light.PAPER, Level.WEAK, said(Short.LEFT, left), low, "receive_sheets")
    if book.last_count != seen.books.today:
        uncounted = said(LightWord.SHEETS_UNCOUNTED, left)
        return light(Light.PAPER, Level.GOOD, said(Short.LEFT, left), uncounted, "count_sheets")
    return light(Light.PAPER, Level.GOOD, said(Short.LEFT, left), said(LightWord.SHEETS_LEFT, left))


def _plain_paper(seen: Seen) -> LightShown:
    if seen.duty.told and seen.duty.told.media_ready:
        return light(Light.PAPER, Level.GOOD, said(Short.WELL), said(LightWord.PAPER_WELL))
    return light(Light.PAPER, Level.UNKNOWN, said(Short.UNMEASURED), said(LightWord.PAPER_UNKNOWN))
