"""The words of a bus's day, for terminal and page alike."""

from typing import Final

from cityhall_base.words import Word
from cityhall_wire.messages.people import How, Which
from cityhall_wire.modes import DutyCause


class DayWord(Word):
    """The labels."""

    OPENING = ("list.opening", "opening checklist")
    CLOSING = ("list.closing", "closing checklist")
    DUTY = ("day.duty", "duty modes")
    PEOPLE = ("day.people", "signed in")
    SESSIONS = ("day.sessions", "counter sessions")
    LISTS = ("day.lists", "checklists")
    INCIDENTS = ("day.incidents", "incidents")
    NONE = ("day.none", "none")
    CAME = ("day.came", "came")
    WENT = ("day.went", "went")
    PIN = ("day.pin", "by PIN")
    CODE = ("day.code", "by a substitute's code")
    SLOT = ("day.slot", "slot {detail}")
    SHEETS = ("day.sheets", "{detail} sheet(s)")
    LIVE = ("day.live", "not ended")
    MISSING = ("day.missing", "missing")
    BY_BOX = ("day.by_box", "the box looked")
    BY_HAND = ("day.by_hand", "ticked")
    WELL = ("list.well", "well")
    NOT_WELL = ("list.not_well", "not well")
    OPEN = ("day.open", "open")
    CLOSED = ("day.closed", "closed: {detail}")
    LEDGER = ("day.ledger", "sheet ledger")
    FEES = ("day.fees", "fees")
    FEEDBACK = ("day.feedback", "feedback (利用者の声)")
    GOOD = ("day.face.good", "good")
    SO_SO = ("day.face.so_so", "so-so")
    NOT_GOOD = ("day.face.not_good", "not good")
    IDENTITY = ("day.identity", "identity: {detail}")
    SUPPORT = ("day.support", "protection (支援措置) checked")
    NO_SUPPORT = ("day.no_support", "protection (支援措置) not checked")
    BY_CONCIERGE = ("day.by.concierge", "by the concierge")
    BY_TIMETABLE = ("day.by.timetable", "by the timetable")
    BY_MOVEMENT = ("day.by.movement", "because it drives, or stands again")
    BY_RELAY = ("day.by.relay", "by city hall")
    BY_PANIC = ("day.by.panic", "by the alarm on board")
    CODE_MADE = ("day.code_made", "One-time code for {detail}, shown this once; valid for 30 minutes:")


class IncidentWord(Word):
    """Kinds of incidents; keys are `incident.` and the kind (cityhall_relay/incidents.py)."""

    SHEETS = ("incident.sheets", "sheets and ledger differ")
    CASH = ("incident.cash", "cash and books differ")
    CHECKLIST = ("incident.checklist", "a checklist is missing")
    DUTY = ("incident.duty", "on duty when it may not be")
    PRINTER_NOT_EMPTY = ("incident.printer_not_empty", "the printer may not be empty")
    CLONE = ("incident.clone", "two boxes speak as one bus")
    LOCKED = ("incident.locked", "program, configuration or clock is not as it must be")
    LOST = ("incident.lost", "stolen or lost")


INCIDENTS: Final = {word.removeprefix("incident."): word for word in IncidentWord}
LISTS: Final = {Which.OPENING: DayWord.OPENING, Which.CLOSING: DayWord.CLOSING}
CAUSES: Final = {cause: DayWord[f"BY_{cause.name}"] for cause in DutyCause}
HOW: Final = {How.PIN: DayWord.PIN, How.CODE: DayWord.CODE}
FACES: Final = {"good": DayWord.GOOD, "so_so": DayWord.SO_SO, "not_good": DayWord.NOT_GOOD}
