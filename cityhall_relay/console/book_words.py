"""The words of the pages of books, days and checklists. What the paper form calls something it is called here too."""

from typing import Final

from cityhall_base.words import Language, Word
from cityhall_wire.books import Difference
from cityhall_wire.books.paper import Fault


class BookPage(Word):
    """Labels; `{detail}` is a name, a number or a date."""

    TITLE = ("book_page.title", "Sheets and fees")
    LEDGER = ("book_page.ledger", "Ledger of tamper-evident paper")
    BUS = ("book_page.bus", "bus")
    MONTH = ("book_page.month", "month")
    SHOW = ("book_page.show", "Show")
    PREVIOUS = ("book_page.previous", "Month before")
    NEXT = ("book_page.next", "Month after")
    DAY_BEFORE = ("book_page.day_before", "Day before")
    DAY_AFTER = ("book_page.day_after", "Day after")
    SUM = ("book_page.sum", "sum")
    EMPTY = ("book_page.empty", "No sheet moved in this month.")
    AGREES = ("book_page.agrees", "Ledger and drawer agree.")
    SEAL = ("book_page.seal", "custodian of the paper")
    LEFT_OUT = ("book_page.left_out", "{detail} earlier lines of this month are not shown.")
    ALL_LINES = ("book_page.all_lines", "Show all lines")
    LINES = ("book_page.lines", "Lines as they were written")
    TIME = ("book_page.time", "time")
    BACK = ("book_page.back", "takes back {detail}")
    TAKEN_BACK = ("book_page.taken_back", "taken back")
    RECEIVE = ("book_page.receive", "Hand paper out to this bus")
    FIRST = ("book_page.first", "first number")
    LAST = ("book_page.last", "last number")
    RECEIVE_DO = ("book_page.receive_do", "Enter as received")
    CORRECT = ("book_page.correct", "Correct")
    CORRECT_LINE = ("book_page.correct_line", "Correct line {detail}")
    INSTEAD = ("book_page.instead", "right numbers, with commas; empty: only take the line back")
    CORRECT_DO = ("book_page.correct_do", "Take this line back")
    FEES = ("book_page.fees", "Fees")
    NO_FEES = ("book_page.no_fees", "No money moved in this month.")
    SETTLED = ("book_page.settled", "No fee is open.")
    TO_PAY = ("book_page.to_pay", "to be received or waived")
    TO_REFUND = ("book_page.to_refund", "to be refunded")
    CASH = ("book_page.cash", "Cash box")
    EXPECTED = ("book_page.expected", "must hold")
    OFF = ("book_page.off", "difference at the last count")
    COUNTED_ON = ("book_page.counted_on", "counted on")
    NOT_COUNTED = ("book_page.not_counted", "not counted since it last changed")
    CSV_LEDGER = ("book_page.csv_ledger", "Ledger for a spreadsheet")
    CSV_FEES = ("book_page.csv_fees", "Fees for a spreadsheet")
    DAY = ("book_page.day", "The day of the bus")
    DATE = ("book_page.date", "day")
    DUTY = ("book_page.duty", "Duty modes")
    PEOPLE = ("book_page.people", "On board")
    SESSIONS = ("book_page.sessions", "Counter sessions and documents")
    LISTS = ("book_page.lists", "Checklists")
    INCIDENTS = ("book_page.incidents", "Incidents")
    VOICES = ("book_page.voices", "Voices of visitors")
    NONE = ("book_page.none", "Nothing.")
    ITEM = ("book_page.item", "item")
    RESULT = ("book_page.result", "result")
    NOTE = ("book_page.note", "note")
    LOOKED = ("book_page.looked", "by whom")
    COMPLETE = ("book_page.complete", "complete {detail}")
    CLERK = ("book_page.clerk", "clerk")
    SERVICE = ("book_page.service", "service")
    STATE = ("book_page.state", "state")
    CLOSE = ("book_page.close", "Close with this reason")
    OPEN = ("book_page.open", "not closed")
    CLOSED = ("book_page.closed", "closed")
    OVERVIEW = ("book_page.overview", "Checklists of the month")
    NO_DUTY = ("book_page.no_duty", "no duty")
    NOT_YET = ("book_page.not_yet", "not yet")
    NOT_WELL = ("book_page.not_well", "{detail} not well")
    NO_LISTS = ("book_page.no_lists", "The city's configuration names no checklist.")


class CorrectWhy(Word):
    """Why a line is taken back; what travels is the last part."""

    WRONG_NUMBER = ("book_page.why.wrong_number", "wrong number")
    WRONG_COUNT = ("book_page.why.wrong_count", "wrong count")
    WRONG_PAPER = ("book_page.why.wrong_paper", "wrong paper")
    WRITTEN_TWICE = ("book_page.why.written_twice", "written twice")
    OTHER = ("book_page.why.other", "other reason, written down on paper")


class CloseWhy(Word):
    """Why an incident is closed by a person."""

    CLEARED_UP = ("book_page.close.cleared_up", "looked into and cleared up")
    COUNTED_AGAIN = ("book_page.close.counted_again", "counted again")
    CORRECTED = ("book_page.close.corrected", "corrected in the books")
    REPORTED = ("book_page.close.reported", "reported to the person in charge")
    MISTAKEN = ("book_page.close.mistaken", "nothing had happened")
    CAME_LATE = ("book_page.close.came_late", "came late")  # by the machine
    MADE_RIGHT = ("book_page.close.made_right", "made right")  # by the machine


class FaultWord(Word):
    """Differences between ledger and drawer, in the words that the bus says them in."""

    MISSING = ("books.missing", "Missing in the drawer: {detail}")
    EXTRA = ("books.extra", "In the drawer, and not in the ledger: {detail}")
    USED_TWICE = ("books.used_twice", "Used twice: {detail}")
    NOT_HELD = ("books.not_held", "Used, and never received: {detail}")
    HELD_TWICE = ("books.held_twice", "Received twice: {detail}")
    NEGATIVE = ("books.negative", "More sheets were used than there were: {detail}")


BY_HAND: Final = (
    CloseWhy.CLEARED_UP,
    CloseWhy.COUNTED_AGAIN,
    CloseWhy.CORRECTED,
    CloseWhy.REPORTED,
    CloseWhy.MISTAKEN,
)


def name_of(word: Word) -> str:
    """As it travels and is kept."""
    return word.rsplit(".", 1)[-1]


_WHYS: Final = {name_of(word): word for kind in (CorrectWhy, CloseWhy) for word in kind}


def why(name: str, language: Language) -> str:
    """A reason in words; one that is not ours as it came."""
    return _WHYS[name].say(language) if name in _WHYS else name


def difference(one: Difference, language: Language) -> str:
    """As a sentence: which numbers, or how many sheets."""
    return FaultWord[Fault(one.fault).name].say(language, ", ".join(one.numbers) or str(one.sheets))


def difference_of(text: str, language: Language) -> str:
    """The same of what `str(Difference)` wrote; empty where it is none."""
    paper, _, rest = text.partition(" ")
    fault, _, rest = rest.partition(" ")
    sheets, *numbers = rest.split(" ")
    if fault not in set(Fault) or not sheets.isdigit():
        return ""
    return difference(Difference(paper, Fault(fault), int(sheets), tuple(numbers)), language)
