"""What the box looks at itself for a checklist: one table, `CHECKS`, from city.toml's `box` to a function without I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from bus_agent.agent.duty import Duty
from bus_agent.agent.finding import Finding
from bus_agent.agent.rows import Job
from bus_agent.agent.syncer import LinkState
from cityhall_base.people import Box
from cityhall_base.printer_state import PrinterWord, Severity
from cityhall_base.words import Word
from cityhall_wire.lifecycle import AT_PRINTER, JobState

CLOCK_MS: Final = 120_000
"""How far the box's clock may be from city hall's before somebody looks: a check word's day and a checklist's depend on it."""


class CheckWord(Word):
    """What the box says of an item, and what to do where it is not well."""

    WELL = ("check.well", "The box looked; it is well.")
    LINE_DOWN = ("check.line_down", "City hall does not answer; wait until the line is back.")
    SPOOLER_GONE = ("check.spooler_gone", "The printing program is not running; if this stays, call the technician.")
    BUSY = ("check.busy", "The printer is not idle; wait until it is done.")
    LOOK_AT_PAPER = (
        "check.look_at_paper",
        "The printer cannot tell which paper lies in it; look into the tray and tick it.",
    )
    CLOCK_UNKNOWN = ("check.clock_unknown", "City hall has not been heard since the start; wait for the line.")
    CLOCK_WRONG = ("check.clock_wrong", "The box's clock is {detail} min away from city hall's; call the technician.")
    LOCKED = ("check.locked", "City hall has locked this bus; telephone city hall.")
    NOT_EMPTY = ("check.not_empty", "The printer may still hold a document; wait, or do what its sentence says.")
    NO_TEST = ("check.no_test", "No test page was handed over today; ask a clerk for one, print it and hand it over.")
    NOBODY = ("check.nobody", "Nobody is signed in; sign in with your PIN.")


WELL: Final = Finding(True, CheckWord.WELL)


class Books(Protocol):
    """The day's books of sheets and money, as far as a checklist asks them."""

    def sheets_agree(self) -> Finding:
        """The sheets were counted today, and agree with the ledger."""

    def cash_agrees(self) -> Finding:
        """The cash was counted today, and agrees with the fees."""

    def fees_settled(self) -> Finding:
        """Every fee of today is received, waived or refunded."""

    def unclaimed(self) -> Finding:
        """No sheet waits for somebody."""


class Facts(NamedTuple):
    """What all checks look at."""

    duty: Duty
    link: LinkState
    jobs: list[Job]
    books: Books
    nobody: bool  # somebody must be signed in, and is not
    tested: bool  # a test page of today was handed over on this bus


def look(box: Box, facts: Facts) -> Finding:
    """What the box sees now."""
    return CHECKS[box](facts)


def _line(facts: Facts) -> Finding:
    return WELL if facts.link.up else Finding(False, CheckWord.LINE_DOWN)


def _spooler(facts: Facts) -> Finding:
    return WELL if facts.duty.spooler else Finding(False, CheckWord.SPOOLER_GONE)


def _printer(facts: Facts) -> Finding:
    if facts.duty.spooler is None:
        return Finding(False, CheckWord.SPOOLER_GONE)
    pressing = [note for note in facts.duty.printer_notes if note.severity is Severity.NOW]
    if pressing:
        return Finding(False, pressing[0].word)
    return WELL if facts.duty.printer.state == "idle" else Finding(False, CheckWord.BUSY)


_NO_PAPER: Final = frozenset({PrinterWord.PAPER_OUT, PrinterWord.PAPER_NEEDED, PrinterWord.TRAY_MISSING})


def _paper(facts: Facts) -> Finding:
    said = [note.word for note in facts.duty.printer_notes if note.word in _NO_PAPER]
    if said:
        return Finding(False, said[0])
    told = facts.duty.told
    return WELL if told and told.media_ready else Finding(None, CheckWord.LOOK_AT_PAPER)


def _clock(facts: Facts) -> Finding:
    ahead = facts.duty.clock_ahead_ms
    if facts.duty.lock.reason:
        return Finding(False, CheckWord.LOCKED)
    if ahead is None:
        return Finding(False, CheckWord.CLOCK_UNKNOWN)
    return WELL if abs(ahead) <= CLOCK_MS else Finding(False, CheckWord.CLOCK_WRONG, str(abs(ahead) // 60_000))


def _printer_empty(facts: Facts) -> Finding:
    held = any(job.state in AT_PRINTER | {JobState.UNCERTAIN} for job in facts.jobs)
    idle = facts.duty.spooler is not None and facts.duty.printer.state == "idle"
    return WELL if idle and not held else Finding(False, CheckWord.NOT_EMPTY)


def _test_page(facts: Facts) -> Finding:
    return WELL if facts.tested else Finding(False, CheckWord.NO_TEST)


def _signed_in(facts: Facts) -> Finding:
    return Finding(False, CheckWord.NOBODY) if facts.nobody else WELL


CHECKS: Final[Mapping[Box, Callable[[Facts], Finding]]] = MappingProxyType(
    {
        Box.LINE: _line,
        Box.PRINTER: _printer,
        Box.SPOOLER: _spooler,
        Box.PAPER: _paper,
        Box.CLOCK: _clock,
        Box.SHEETS: lambda facts: facts.books.sheets_agree(),
        Box.CASH: lambda facts: facts.books.cash_agrees(),
        Box.FEES: lambda facts: facts.books.fees_settled(),
        Box.UNCLAIMED: lambda facts: facts.books.unclaimed(),
        Box.PRINTER_EMPTY: _printer_empty,
        Box.TEST_PAGE: _test_page,
        Box.SIGNED_IN: _signed_in,
    }
)
"""Every Box has its line."""
