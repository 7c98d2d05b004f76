"""Why a job stands where it stands, and why city hall refused: one sentence for each reason that travels or is kept.

On the wire and in both stores a reason is its bare name (`printer_restarted`); the catalogue's key is `reason.` and the name. The
keys of exceptions (`print.late`) are reasons too, and stand in the catalogue already.
"""

from typing import Final

from cityhall_base.words import Language, Word, japanese


class Reason(Word):
    """Grouped by who says it."""

    @property
    def bare(self) -> str:
        """As it travels and is kept."""
        return self.removeprefix("reason.")

    # City hall refuses a release (cityhall_relay/release.py).
    NO_SESSION = ("reason.no_session", "City hall has no live counter session on this bus.")
    NOT_APPROVED = ("reason.not_approved", "The clerk has not allowed this print yet.")
    APPROVAL_EXPIRED = ("reason.approval_expired", "The clerk's permission is too old; ask the clerk to send it again.")
    WRONG_SESSION = ("reason.wrong_session", "The document belongs to another counter session, so it stays shut.")
    WRONG_ATTEMPT = ("reason.wrong_attempt", "City hall counts another attempt; wait a moment and press print again.")
    WRONG_SEAL = ("reason.wrong_seal", "The document is not the one that city hall sealed; have it sent again.")
    MODE_FORBIDS = ("reason.mode_forbids", "This document may not be printed in the present duty mode.")
    SOFTWARE_NOT_APPROVED = (
        "reason.software_not_approved",
        "City hall has not approved this bus's program; it prints nothing until the technician has updated it.",
    )
    CONFIG_DIFFERS = (
        "reason.config_differs",
        "This bus has another configuration than city hall; it prints nothing until the technician has brought the new one.",
    )
    OUTSIDE_DUTY = (
        "reason.outside_duty",
        "The timetable's hours of duty are over or have not begun; a clerk can extend them (bus-agent extend).",
    )
    ATTEMPT_USED = ("reason.attempt_used", "The key for this attempt was given out already; it is never given twice.")
    SHEETS_DIFFER = (
        "reason.sheets_differ",
        "Sheet ledger and drawer differ, so no certificate is printed until the sheets are counted and explained.",
    )
    NO_SHEETS = ("reason.no_sheets", "The sheet ledger has too few sheets of this paper on the bus.")
    OPENING_MISSING = (
        "reason.opening_missing",
        "City hall has no opening checklist of this bus for today; certificates print when it is complete.",
    )
    CLOSING_DONE = (
        "reason.closing_done",
        "Today's closing checklist of this bus is complete, so no more certificates print.",
    )
    # It refuses a fact, a call or a message.
    WRONG_DAY = ("reason.wrong_day", "This checklist is for a day that city hall's calendar does not have today.")
    UNKNOWN_PERSON = ("reason.unknown_person", "City hall knows nobody of this id on this bus.")
    WRONG_CODE = ("reason.wrong_code", "The code is wrong; look at it once more.")
    NO_CODE = ("reason.no_code", "No code of city hall is valid for this bus any more; ask the clerk for a new one.")
    UNKNOWN_JOB = ("reason.unknown_job", "City hall does not know this document.")
    WRONG_STATE = ("reason.wrong_state", "City hall sees the document elsewhere; this does not follow from there.")
    NOT_UNDERSTOOD = ("reason.not_understood", "City hall's program does not know this message; one side is too old.")
    BUS_BUSY = ("reason.bus_busy", "Another counter session is live on this bus; end it first.")
    UNKNOWN_PLACE = ("reason.unknown_place", "City hall's configuration does not name this section or stop.")
    UNKNOWN_SESSION = ("reason.unknown_session", "This counter session is over.")
    NO_DUTY = (
        "reason.no_duty",
        "The bus is in a duty mode without counter sessions; let the concierge change it first.",
    )
    NO_BOOKINGS = ("reason.no_bookings", "At an event nobody has booked; call without a slot number.")
    NO_HOURS = ("reason.no_hours", "Today's hours have not begun, or today has none, so there is nothing to extend.")
    EXTENDED_ENOUGH = (
        "reason.extended_enough",
        "Today's duty cannot end that much later; ask for fewer minutes, or end the stop.",
    )
    # It locks a bus (cityhall_relay/sync.py).
    SUSPENDED = (
        "reason.suspended",
        "City hall has taken this bus out of service; it prints nothing until it is let back in.",
    )
    REVOKED = (
        "reason.revoked",
        "City hall has revoked this bus: its documents are destroyed, and it prints nothing until two persons let it back in.",
    )
    CLONE = (
        "reason.clone",
        "Two boxes call city hall as this bus; none of them prints until two persons have let one back in. Call the technician.",
    )
    CLOCK_WRONG = (
        "reason.clock_wrong",
        "This bus's clock is wrong; it prints nothing until the clock is right. Call the technician.",
    )
    # Why a bus is revoked.
    PANIC = (
        "reason.panic",
        "The alarm was pressed on this bus: all documents on it are destroyed. City hall must let it back in.",
    )
    STOLEN = ("reason.stolen", "This bus or its box was stolen.")
    LOST = ("reason.lost", "This bus or its box is lost.")
    # It ends a job or a session.
    CLOSED = ("reason.closed", "The clerk ended the counter session.")
    ENDED_ON_BUS = ("reason.ended_on_bus", "The concierge ended the counter session.")
    IDLE = ("reason.idle", "Nobody did anything in the counter session for too long, so it ended.")
    REBOOTED = ("reason.rebooted", "The bus was without power for longer than its lease, so the counter session ended.")
    UNANSWERED = ("reason.unanswered", "No clerk answered the call.")
    CALLED_AGAIN = ("reason.called_again", "The bus called another section.")
    UNAPPROVED = ("reason.unapproved", "The clerk did not allow the print in time.")
    NOT_PRESSED = ("reason.not_pressed", "It was allowed and not printed in time.")
    KEY_GONE = ("reason.key_gone", "The key of that day is destroyed; nobody can open it any more.")
    BUS_SILENT = ("reason.bus_silent", "The bus has not been heard since, so nobody knows what came out.")
    BUS_LOST = ("reason.bus_lost", "The bus does not know this document any more.")
    PROOF_MISSING = (
        "reason.proof_missing",
        "The bus says that nothing came out, and its printer's proof has not arrived.",
    )
    VOIDED = ("reason.voided", "The clerk declared it void.")
    IDENTITY = ("reason.identity", "The person's identity could not be confirmed.")
    PAPER = ("reason.paper", "The bus has no paper for this document.")
    CHECK_WORD = (
        "reason.check_word",
        "Bus and city hall read different check words, so it is not printed; the clerk sends it again.",
    )
    # What the concierge reports of sheets that came out (使えない紙が出た).
    UNUSABLE = ("reason.unusable", "Sheets came out that cannot be used.")
    JAM = ("reason.jam", "The paper jammed, and sheets came out that cannot be used.")
    TONER = ("reason.toner", "The toner ran out, and sheets came out that cannot be used.")
    # The bus stops a print.
    MODE_LEFT = ("reason.mode_left", "The bus left the duty mode in which it may print.")
    SESSION_ENDED = ("reason.session_ended", "The counter session ended while the document was at the printer.")
    LEASE_LAPSED = (
        "reason.lease_lapsed",
        "City hall was not heard for too long while the document was at the printer.",
    )
    SPOOLER_STOPPED = ("reason.spooler_stopped", "The printing program was stopped.")
    SPOOLER_GONE = ("reason.spooler_gone", "The printing program was gone for too long.")
    RELAY_DOUBTS = ("reason.relay_doubts", "City hall asks what came out.")
    CANCELED = ("reason.canceled", "The print was canceled at the printer.")
    # What the printer's own word says, or does not (bus_agent/spooler/watch.py, recovery.py).
    CREATED = ("reason.created", "The printer has taken the job; the document follows.")
    SENT = ("reason.sent", "The printer took the document whole.")
    PRINTED = ("reason.printed", "The printer counted every page.")
    ANOTHER_JOB = ("reason.another_job", "The printer calls another job by this number.")
    ANOTHER_PRINTER = ("reason.another_printer", "This is not the printer that the document was sent to.")
    PRINTER_RESTARTED = ("reason.printer_restarted", "The printer was switched off or restarted meanwhile.")
    PRINTER_DOES_NOT_COUNT = ("reason.printer_does_not_count", "This printer cannot prove what came out.")
    IMPRESSIONS_DIFFER = ("reason.impressions_differ", "The printer counted another number of pages.")
    COUNTER_DIFFERS = ("reason.counter_differs", "The printer's counter grew by another number of pages.")
    NOT_ALONE = ("reason.not_alone", "Something else was printed at the same time.")
    STOOD_BETWEEN_SHEETS = ("reason.stood_between_sheets", "The printer stood between the first sheet and the last.")
    ABORTED = ("reason.aborted", "The printer broke the job off.")
    JOB_NOT_FOUND = ("reason.job_not_found", "The printer does not know the job any more.")
    PRINTER_SILENT = ("reason.printer_silent", "The printer did not answer for too long.")
    CANCEL_UNCONFIRMED = ("reason.cancel_unconfirmed", "The printer did not confirm that it gave the document up.")
    CANCELED_LATER = (
        "reason.canceled_later",
        "When the printer answered again it gave the document up, and no sheet had come out.",
    )
    DOCUMENT_REFUSED = ("reason.document_refused", "The printer refused the document, and no sheet came out.")
    DOCUMENT_CUT = ("reason.document_cut", "The document was cut off on its way, and no sheet came out.")
    SEND_BROKEN = ("reason.send_broken", "The document was cut off on its way into the printer.")
    SEND_UNCONFIRMED = ("reason.send_unconfirmed", "It is not known whether the printer got the document whole.")
    FOUND_TWICE = ("reason.found_twice", "The printer has two jobs of this name.")
    CANCELED_WITHOUT_DOCUMENT = (
        "reason.canceled_without_document",
        "The job was removed before its document was sent.",
    )
    HISTORY_TOO_OLD = ("reason.history_too_old", "It is too long ago for the printer to remember.")
    NEVER_AT_PRINTER = ("reason.never_at_printer", "The printer never got the job.")


UNCONFIRMED: Final = frozenset({Reason.CANCEL_UNCONFIRMED.bare, Reason.PRINTER_SILENT.bare})
"""Doubts in which the printer may still hold the document, so that a refill could bring it out: it is switched off."""

MAY_HOLD: Final = UNCONFIRMED | {Reason.SPOOLER_GONE.bare, Reason.RELAY_DOUBTS.bare}
"""These, and doubts in which nobody has asked the printer yet."""

REASONS: Final = {word.bare: word for word in Reason}
"""Bare name → word."""


def key(name: str) -> str:
    """The catalogue's key for a reason's name; an exception's key is its own, as is a name that this release does not know."""
    return str(REASONS.get(name, name))


def sentence(name: str, language: Language = Language.ENGLISH) -> str:
    """The sentence for a reason's name or an exception's key; the name itself where this release does not know it."""
    if name in REASONS:
        return REASONS[name].say(language)
    return (japanese().get(name) if language is Language.JAPANESE else None) or name
