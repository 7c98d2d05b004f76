"""Why something on the bus did not happen. The docstring is the sentence that a person reads; `key` finds it in Japanese.

None of these texts carries a secret, a byte of a document or a resident's name.
"""

from typing import ClassVar

from cityhall_base import reasons


class BusError(Exception):
    """Something on the bus did not work."""

    key: ClassVar[str] = "bus.failed"

    @property
    def sentence(self) -> str:
        """What the person in front of it reads."""
        return type(self).__doc__ or ""

    def __str__(self) -> str:
        detail = super().__str__()
        return f"{self.sentence} ({detail})" if detail else self.sentence


# --- between agent, spooler and opener ---


class ChannelError(BusError):
    """A program on this box said something that is not in the agreed form."""

    key = "bus.channel"


class WrongPeerError(ChannelError):
    """A program of another user is at the other end; it gets nothing."""

    key = "bus.wrong_peer"


class PeerGoneError(ChannelError):
    """The program at the other end has gone; it is started again by itself."""

    key = "bus.peer_gone"


class PeerSilentError(ChannelError):
    """The program at the other end did not answer in time."""

    key = "bus.peer_silent"


# --- the printer ---


class PrinterError(BusError):
    """The printer did not do what it was asked."""

    key = "printer.failed"


class PrinterSilentError(PrinterError):
    """The printer does not answer; look whether it is switched on and its cable is in."""

    key = "printer.silent"


class PrinterAnswerError(PrinterError):
    """The printer's answer could not be read."""

    key = "printer.answer"


class PrinterRefusesError(PrinterError):
    """The printer refused; wait until it is ready."""

    key = "printer.refuses"

    def __init__(self, status: int) -> None:
        super().__init__(f"status 0x{status:04x}")
        self.status = status


class NotThisPrinterError(PrinterError):
    """This is not the printer that belongs to this vehicle; print nothing on it and call the technician."""

    key = "printer.not_ours"


class PrinterTlsError(PrinterError):
    """No protected connection to the printer came about; call the technician."""

    key = "printer.tls"


class PrinterAccessError(PrinterError):
    """The printer demands a password or another way of connecting; call the technician."""

    key = "printer.access"

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class TrialPrintError(PrinterError):
    """The test page did not come out; look at the printer's paper, covers and display, then probe again."""

    key = "probe.not_printed"


class NotSwitchedOffError(PrinterError):
    """The printer was not switched off and on again; probe again and switch it off when asked."""

    key = "probe.not_switched_off"


class NobodyThereError(BusError):
    """Nobody answered the question; probe again at a terminal, with somebody beside the printer."""

    key = "probe.nobody_there"


class ReleaseError(BusError):
    """City hall's release does not fit this print; nothing was opened."""

    key = "print.release"


class RefusalError(ReleaseError):
    """City hall refuses this print."""

    key = "print.refused"


class LateReleaseError(ReleaseError):
    """City hall's release came too late; nothing was opened. Press print again."""

    key = "print.late"


# --- the printer's driver ---


class DriverError(BusError):
    """The printer's driver could not prepare the document; nothing was printed. If this comes again, call the technician."""

    key = "driver.failed"


class DriverGoneError(DriverError):
    """The driver's program is not running; it is started again by itself. If this stays, call the technician."""

    key = "driver.gone"


class DriverFileError(DriverError):
    """This bus has no usable driver file (PPD) for its printer; call the technician."""

    key = "driver.ppd"


class DriverRoomError(DriverError):
    """This machine cannot lock a printer's driver in, so none is started; call the technician."""

    key = "driver.room"


class DriverFilterError(DriverError):
    """The printer's driver gave up on this document; nothing was printed. Ask the clerk to send it again."""

    key = "driver.filter"


class DriverSlowError(DriverError):
    """The printer's driver took too long for this document; nothing was printed. Ask the clerk to send fewer pages at a time."""

    key = "driver.too_slow"


class DriverTooLargeError(DriverError):
    """The document is too large in the printer's own language; nothing was printed. Ask the clerk to send fewer pages at a time."""

    key = "driver.too_large"


class DriverPagesError(DriverError):
    """The printer's driver made another number of pages than city hall announced; nothing was printed. Call the technician."""

    key = "driver.pages"


# --- what the concierge asks for and cannot have ---


class RefusedError(BusError):
    """This cannot be done now."""

    key = "refused"


class UnknownJobError(RefusedError):
    """There is no such document on the bus."""

    key = "refused.unknown_job"


class WrongStateError(RefusedError):
    """This does not follow from where the document stands; `status` says what does."""

    key = "refused.wrong_state"


class NoLeaseError(RefusedError):
    """City hall has not been heard for too long; printing starts again when the line is back."""

    key = "refused.no_lease"


class NoSessionError(RefusedError):
    """No clerk is connected for this document; press the section's key first."""

    key = "refused.no_session"


class NotApprovedError(RefusedError):
    """The clerk has not allowed this print yet; ask the clerk to press "allow"."""

    key = "refused.not_approved"


class ModeForbidsError(RefusedError):
    """This document may not be printed in the present duty mode."""

    key = "refused.mode_forbids"


class OutsideHoursError(ModeForbidsError):
    """It is outside the hours of duty; have city hall extend them (extend), or wait until they begin."""

    key = "refused.outside_hours"


class NoSessionHereError(ModeForbidsError):
    """In this duty mode there are no counter sessions; change the mode first."""

    key = "refused.no_session_here"


class NoBookingsError(RefusedError):
    """At an event nobody has booked; call without a slot number."""

    key = "refused.no_bookings"


class NotCarriedError(RefusedError):
    """The document has not arrived whole yet; wait until it has."""

    key = "refused.not_carried"


class SpoolerGoneError(RefusedError):
    """The printing program is not running; it starts again by itself. If this stays, call the technician."""

    key = "refused.spooler_gone"


class BusyError(RefusedError):
    """Another document is at the printer; wait until it is done."""

    key = "refused.busy"


class PrinterNotReadyError(RefusedError):
    """The printer is not ready: look at its paper, its covers and its display."""

    key = "refused.printer_not_ready"


class WrongPaperError(PrinterNotReadyError):
    """The printer says that other paper lies in it; put in the paper for this document, then press print again."""

    key = "refused.wrong_paper"


class NumbersError(RefusedError):
    """At most as many sheets as the document has, each number of at most 32 characters; look at the sheets once more."""

    key = "refused.numbers"


class NumbersMissingError(RefusedError):
    """This paper is numbered: give the number of every sheet that came out, and "?" for one that cannot be read."""

    key = "refused.numbers_missing"


class CityHallRefusesError(RefusedError):
    """City hall does not allow this; telephone the section."""

    key = "refused.city_hall"

    def __init__(self, reason: str) -> None:
        super().__init__(reasons.sentence(reason))
        known = reasons.REASONS.get(reason)
        self.said_key = str(known) if known else self.key

    @property
    def sentence(self) -> str:
        """City hall's reason."""
        return str(self.args[0])

    def __str__(self) -> str:
        return self.sentence


class CallRefusedError(CityHallRefusesError):
    """City hall does not take the call; telephone the section."""

    key = "refused.call"


class ExtensionRefusedError(CityHallRefusesError):
    """City hall does not let the duty end later; end it on time."""

    key = "refused.extension"


# --- who is on board, and the checklists ---


class NobodySignedInError(RefusedError):
    """Nobody is signed in; sign in with your PIN, or ask city hall for a substitute's code."""

    key = "refused.nobody_signed_in"


class NoConciergesError(RefusedError):
    """This city's configuration names no concierges, so nobody signs in."""

    key = "refused.no_concierges"


class WrongPinError(RefusedError):
    """Name or PIN is wrong; try once more, or ask city hall for a substitute's code."""

    key = "refused.wrong_pin"


class _DetailError(RefusedError):
    # Its sentence is not whole without `detail`, which stands for `{detail}` in both languages; `english` may differ from it.

    def __init__(self, detail: str = "", english: str = "") -> None:
        super().__init__()
        self.detail, self._english = detail, english or detail

    @property
    def sentence(self) -> str:
        """With its detail."""
        return super().sentence.replace("{detail}", self._english)


class PinWaitError(_DetailError):
    """The PIN was wrong too often; wait {detail} s, or ask city hall for a substitute's code."""

    key = "refused.pin_wait"


class CodeNeedsLineError(RefusedError):
    """A substitute's code needs the line to city hall; wait for it, then enter the code again."""

    key = "refused.code_needs_line"


class CodeRefusedError(CityHallRefusesError):
    """City hall does not take this code."""

    key = "refused.code"


class UnknownItemError(RefusedError):
    """City hall's configuration has no such checklist or item."""

    key = "refused.unknown_item"


class BoxLooksError(RefusedError):
    """The box looks at this itself; do what it says beside the item, and it is ticked."""

    key = "refused.box_looks"


class NoteMissingError(RefusedError):
    """Say in one word what is not well with it (--note)."""

    key = "refused.note_missing"


class ListDoneError(RefusedError):
    """This checklist is complete for today and is not changed any more; telephone city hall."""

    key = "refused.list_done"


class ListOpenError(_DetailError):
    """The checklist is not complete. {detail}"""

    key = "refused.list_open"


class OpeningMissingError(RefusedError):
    """Certificates print when today's opening checklist is complete; go through it first."""

    key = "refused.opening_missing"


class ClosingDoneError(RefusedError):
    """Today's closing checklist is complete, so no more certificates print today."""

    key = "refused.closing_done"


class LockedError(CityHallRefusesError):
    """City hall has locked this bus; call the technician."""

    key = "refused.locked"


class BodyError(RefusedError):
    """The document on the bus is not the one that city hall announced; ask the clerk to send it again."""

    key = "refused.body"


# --- the line to city hall ---


class LinkError(BusError):
    """City hall cannot be reached; video and telephone go on, and the line is tried again by itself."""

    key = "link.down"


class AnswerError(LinkError):
    """City hall's answer does not belong to what was asked; it was not used."""

    key = "link.answer"


class CityHallFaultError(LinkError):
    """City hall's relay has a fault of its own; nothing is lost, and it is asked again by itself."""

    key = "link.city_hall_fault"


class CertificateError(LinkError):
    """City hall and this bus do not accept each other's certificate; video and telephone go on, call the technician."""

    key = "link.certificate"


class RejectedError(LinkError):
    """City hall does not accept this bus; call the technician."""

    key = "link.rejected"

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class AgentGoneError(BusError):
    """The bus's agent is not running; call the technician."""

    key = "agent.gone"


class AgentAnswerError(AgentGoneError):
    """What answers at the agent's socket is not this release's agent; call the technician."""

    key = "agent.answer"
