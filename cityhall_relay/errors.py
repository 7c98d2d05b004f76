"""Why city hall's relay did not do what was asked. The docstring is the sentence that a person reads; `key` finds it in Japanese.

None of these texts ever carries a secret, a byte of a document or a resident's name.
"""

from typing import ClassVar


class RelayError(Exception):
    """City hall's relay could not do this."""

    key: ClassVar[str] = "relay.failed"
    status: ClassVar[int] = 500  # HTTP (RFC 9110 section 15)

    @property
    def sentence(self) -> str:
        """The docstring, and in parentheses what this case adds."""
        text = (type(self).__doc__ or "").strip()
        detail = super().__str__()
        return f"{text} ({detail})" if detail else text

    def __str__(self) -> str:
        return self.sentence


class RequestError(RelayError):
    """The request was not in the agreed form."""

    key = "relay.request"
    status = 400


class NotAllowedError(RelayError):
    """This certificate or token may not ask for this."""

    key = "relay.not_allowed"
    status = 403


class TokenError(RelayError):
    """The clerk's token is not known here; ask city IT for a new one."""

    key = "relay.token"
    status = 401


class NotFoundError(RelayError):
    """There is no such session or job of yours."""

    key = "relay.not_found"
    status = 404


class BodyTooLargeError(RelayError):
    """The document is larger than city hall accepts; print it in parts or at a lower resolution."""

    key = "relay.body_too_large"
    status = 413


class RangeError(RelayError):
    """The ciphertext has no such range of bytes."""

    key = "relay.range"
    status = 416


class BodyDamagedError(RelayError):
    """The ciphertext of this document is damaged at city hall; its clerk cancels it and sends it again."""

    key = "relay.body_damaged"


class UnknownPlaceError(RelayError):
    """The city's configuration names no such bus, section, stop or service."""

    key = "relay.unknown_place"
    status = 400


class ClerkBusyError(RelayError):
    """You already have a counter session; close it before you open another."""

    key = "relay.clerk_busy"
    status = 409


class BusBusyError(RelayError):
    """Another counter session is live on this bus; wait until it has ended."""

    key = "relay.bus_busy"
    status = 409


class NoDutyError(RelayError):
    """This bus is in a duty mode without counter sessions; ask its concierge, and open the session when the mode has changed."""

    key = "relay.no_duty"
    status = 409


class NoBookingsError(RelayError):
    """This bus is at an event, where nobody has booked; open the session without a slot number."""

    key = "relay.no_bookings"
    status = 409


class NothingAskedError(RelayError):
    """The bus has not asked for more time within the last ten minutes; have its concierge ask first."""

    key = "relay.nothing_asked"
    status = 409


class BusSuspendedError(RelayError):
    """This bus is out of service; look why with `cityhall-relay buses`."""

    key = "relay.bus_suspended"
    status = 409


class NotSuspendedError(RelayError):
    """This bus is in service; there is nothing to lift."""

    key = "relay.not_suspended"
    status = 409


class NoStatementError(RelayError):
    """There is no statement about this bus (yet); one is signed when it was revoked."""

    key = "relay.no_statement"
    status = 404


class CallGoneError(RelayError):
    """Nobody calls any more: another clerk has accepted it, or the bus gave up."""

    key = "relay.call_gone"
    status = 409


class NoSessionError(RelayError):
    """No counter session of yours is live, so nothing was taken; open the session again and send the document once more."""

    key = "relay.no_session"
    status = 409


class WrongSectionError(RelayError):
    """This service belongs to another section than your session; nothing was taken."""

    key = "relay.wrong_section"
    status = 409


class CopiesError(RelayError):
    """One document prints once: set the number of copies to 1 and send one document for each certificate."""

    key = "relay.copies"
    status = 409


class TooManySheetsError(RelayError):
    """The document needs more sheets than this service may print."""

    key = "relay.too_many_sheets"
    status = 409


class FlattenError(RelayError):
    """This service does not take documents as an image; send it as it is, or have city IT allow it (flatten in city.toml)."""

    key = "relay.flatten"
    status = 409


class NoTestServiceError(RelayError):
    """city.toml has no service of class test for the test page, or several and none is called test-page; tell city IT."""

    key = "relay.no_test_service"
    status = 409


class BusFullError(RelayError):
    """This bus already has as many documents waiting as it may hold; print or cancel some first."""

    key = "relay.bus_full"
    status = 409


class SubmissionReusedError(RelayError):
    """The same submission number came with something else; send the document as a new one."""

    key = "relay.submission_reused"
    status = 409


class TooLateError(RelayError):
    """The document is no longer in a state in which this can be done."""

    key = "relay.too_late"
    status = 409


class ResendError(RelayError):
    """The same document was sent before in this session; cancel this one, or say that a second copy is wanted (--again)."""

    key = "relay.resend"
    status = 409


class ReissueError(RelayError):
    """This document is not recorded as spoiled; ask the concierge to report its sheets first, then send the reissue."""

    key = "relay.reissue"
    status = 409


class ReissueSheetError(ReissueError):
    """The concierge reported another sheet as spoiled; read its number to each other once more."""

    key = "relay.reissue_sheet"


class ReissueUsedError(ReissueError):
    """This document had its one reissue already, or was declared void; send a new application instead."""

    key = "relay.reissue_used"


class KeyGoneError(RelayError):
    """The key of this document is destroyed; nobody can open it any more."""

    key = "relay.key_gone"
    status = 409


class ListenError(RelayError):
    """The relay cannot listen on its address; is another one running?"""

    key = "relay.listen"


class StoppingError(RelayError):
    """City hall's relay is restarting; try again in a moment."""

    key = "relay.stopping"
    status = 503


class BookPaperError(RelayError):
    """The city has no numbered paper of this name; look at the papers of city.toml."""

    key = "relay.book_paper"
    status = 409


class BookSheetsError(RelayError):
    """These numbers cannot be: they stand in the ledger already, or are too many or too few; look at them once more."""

    key = "relay.book_sheets"
    status = 409


class BookEntryError(RelayError):
    """There is no such line in the ledger, or it was taken back already; list its lines with --entries."""

    key = "relay.book_entry"
    status = 409


class PlanError(RelayError):
    """Nothing of this plan was imported; mend what is named here, and import all of it again."""

    key = "relay.plan"
    status = 400


class IdentityError(RelayError):
    """Say by which kind of document you know who it is; its number and anybody's name stay out of here."""

    key = "relay.identity"
    status = 400


class CheckMissingError(RelayError):
    """Identity and protection (支援措置) are not checked yet in this session; check both, then allow the print."""

    key = "relay.check_missing"
    status = 409


class UploadTypeError(RelayError):
    """Only a PDF file is taken here; save the document as PDF and send that."""

    key = "relay.upload_type"
    status = 415


class AuditTooWideError(RelayError):
    """This takes too long; ask for fewer days, or for one document or one person."""

    key = "relay.audit_too_wide"
    status = 400


class AuditBusyError(RelayError):
    """Somebody already checks or exports the journal; wait a minute, then try again."""

    key = "relay.audit_busy"
    status = 429


class NoDigestError(RelayError):
    """There is no digest of this day: nothing was written on it, or the day is not over."""

    key = "relay.no_digest"
    status = 404


class DigestError(RelayError):
    """This is no daily digest of this city hall; fetch or scan it again, and look at the public key."""

    key = "relay.digest"
    status = 400
