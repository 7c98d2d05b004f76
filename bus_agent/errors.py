"""Why something on the bus did not happen. The docstring is the sentence that a person reads; `key` finds it in Japanese.

None of these texts carries a secret, a byte of a document or a resident's name.
"""

from typing import ClassVar


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


class ReleaseError(BusError):
    """City hall's release does not fit this print; nothing was opened."""

    key = "print.release"


class RefusalError(ReleaseError):
    """City hall refuses this print."""

    key = "print.refused"


class LateReleaseError(ReleaseError):
    """City hall's release came too late; nothing was opened. Press print again."""

    key = "print.late"


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
