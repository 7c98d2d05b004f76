"""What agent, spooler and opener say to each other on this box. Every message says by its tag what it is.

Agent and spooler do not trust each other: what matters travels as signed envelopes, kept byte for byte. The spooler and its
opener share a parent's memory and a socket pair, so between them plain values do; the opener still verifies the release.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cityhall_base.printers import MimeType
from cityhall_wire.headers import Attempt, Count, JobId, Name, Ordinal, SessionId
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.printing import Incarnation
from cityhall_wire.modes import DutyMode
from cityhall_wire.seal import OPENER_KEY_BYTES

ENVELOPE_BYTES: Final = 32 * 1024
"""Largest envelope that fits a message of 64 KiB as base64; a release takes about 2.2 kB, a request 3 kB."""

SignedBytes = Annotated[bytes, Meta(max_length=ENVELOPE_BYTES)]
HeaderBytes = Annotated[bytes, Meta(max_length=4096)]
Key = Annotated[str, Meta(pattern=r"\A[a-z][a-z_.]{0,62}\Z")]


class Step(StrEnum):
    """What the spooler is about to do at the printer, and the agent must have written down before (IPP's names)."""

    CREATE_JOB = "create-job"
    SEND_DOCUMENT = "send-document"


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is"):
    pass


class _OfAttempt(_Message, frozen=True, kw_only=True):
    job: JobId
    attempt: Attempt


# --- agent to spooler ---


class Print(_OfAttempt, frozen=True, kw_only=True, tag="print"):
    """The concierge pressed 印刷. The ciphertext comes with it as a descriptor open for reading."""

    session: SessionId
    mode: DutyMode
    seal_header: HeaderBytes


class Answered(_OfAttempt, frozen=True, kw_only=True, tag="answered"):
    """City hall's answer to the release request, as it came: a release or a refusal."""

    envelope: SignedBytes


class Committed(_OfAttempt, frozen=True, kw_only=True, tag="committed"):
    """The intent is in the journal and on disk: the step may be taken."""

    step: Step


class StandBy(_Message, frozen=True, kw_only=True, tag="stand-by"):
    """A press of 印刷 is to be expected, or no longer: have an opener started that waits without a key."""

    wanted: bool


class Cancel(_OfAttempt, frozen=True, kw_only=True, tag="cancel"):
    """Session, duty or lease ended: destroy the opener and get the job out of the printer."""

    why: Name


class Recover(_OfAttempt, frozen=True, kw_only=True, tag="recover"):
    """The agent wants to know what became of an attempt. `request` is the release request that the print key signed for it."""

    request: SignedBytes
    seal_header: HeaderBytes
    printer_job: Count  # 0 where none was committed
    sent: SignedBytes  # the print key's statement SENT, empty where there is none


ToSpooler = Print | Answered | Committed | Cancel | Recover | StandBy


# --- spooler to agent ---


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """One of printer-supply's (PWG 5100.13). `level` is per cent of a full one, -1 where the printer does not say."""

    type: Annotated[str, Meta(max_length=32)]  # toner, wasteToner, ink, ... (RFC 3805 PrtMarkerSuppliesTypeTC)
    color: Annotated[str, Meta(max_length=32)] = ""
    level: Annotated[int, Meta(ge=-1, le=100)] = -1


Media = Annotated[str, Meta(max_length=127)]


class Status(_Message, frozen=True, kw_only=True, tag="status"):
    """Said on connection, at each change and every few seconds: the agent's sign that the spooler lives."""

    incarnation: Incarnation
    printer: PrinterSummary
    busy: JobId | None  # the job whose opener lives or that is being watched
    standby: bool = False  # an opener waits for the press
    supplies: Annotated[tuple[Supply, ...], Meta(max_length=8)] = ()
    media_ready: Annotated[
        tuple[Media, ...], Meta(max_length=8)
    ] = ()  # what lies in the trays; empty where it cannot tell
    impressions: Count | None = None  # the printer's own counter over its life, where it has one


class Requested(_OfAttempt, frozen=True, kw_only=True, tag="requested"):
    """Commit this signed release request, post it unchanged, and bring back the answer within the release time."""

    envelope: SignedBytes


class Intent(_OfAttempt, frozen=True, kw_only=True, tag="intent"):
    """Commit, then say `Committed`. With SEND_DOCUMENT come the printer's job id and the signed evidence SENDING."""

    step: Step
    printer_job: Count = 0
    evidence: SignedBytes | None = None


class Statement(_OfAttempt, frozen=True, kw_only=True, tag="statement"):
    """Signed evidence. It may come twice; (incarnation, n) inside tells."""

    evidence: SignedBytes


class Declined(_OfAttempt, frozen=True, kw_only=True, tag="declined"):
    """Nothing was begun for this attempt: `key` names the sentence."""

    key: Key


FromSpooler = Status | Requested | Intent | Statement | Declined


# --- spooler to opener ---


class Prepare(_Message, frozen=True, kw_only=True, tag="prepare"):
    """The first message: where the printer is, so that the opener can give up everything else."""

    printer: Annotated[str, Meta(max_length=320)]  # its address, as the profile writes it


class Order(_Message, frozen=True, kw_only=True, tag="order"):
    """What one opener is for. The ciphertext comes with it as a descriptor."""

    seal_header: HeaderBytes
    relay_key: Annotated[bytes, Meta(min_length=32, max_length=32)]  # Ed25519 public key
    approvals: Annotated[int, Meta(ge=1, le=4)]  # distinct approvers that the service demands
    driver_sends: MimeType | None = None  # with it `ThroughDriver` follows


class ThroughDriver(_Message, frozen=True, kw_only=True, tag="through-driver"):
    """Have the document converted before it goes to the printer. The driver's connection comes with this as a descriptor."""


class Use(_Message, frozen=True, kw_only=True, tag="use"):
    """City hall's release, and what it must fit: the payload of the request that the spooler signed."""

    envelope: SignedBytes
    request: SignedBytes
    deadline: float  # seconds of CLOCK_BOOTTIME


class Proceed(_Message, frozen=True, kw_only=True, tag="proceed"):
    """The agent has committed this step: take it."""

    step: Step


ToOpener = Prepare | Order | ThroughDriver | Use | Proceed


# --- opener to spooler ---


class Prepared(_Message, frozen=True, kw_only=True, tag="prepared"):
    """It has given up what it does not need, and waits for its order. It has no key yet."""


class FreshKey(_Message, frozen=True, kw_only=True, tag="fresh-key"):
    """The public half of the key pair that lives as long as this opener."""

    public: Annotated[bytes, Meta(min_length=OPENER_KEY_BYTES, max_length=OPENER_KEY_BYTES)]


class Opened(_Message, frozen=True, kw_only=True, tag="opened"):
    """The release fits and the document is whole in memory, where a driver is needed in the printer's own language."""


class Created(_Message, frozen=True, kw_only=True, tag="created"):
    """Create-Job succeeded."""

    printer_job: Ordinal


class Sending(_Message, frozen=True, kw_only=True, tag="sending"):
    """The next system call may carry the document's first byte. Without this message none has left the opener."""


class Sent(_Message, frozen=True, kw_only=True, tag="sent"):
    """The printer took the document whole; the opener ends."""


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """The opener ends. `status` is IPP's, where the printer gave one."""

    why: Name
    status: Count = 0


FromOpener = Prepared | FreshKey | Opened | Created | Sending | Sent | Failed

WITH_DESCRIPTOR: Final = (Print, Order, ThroughDriver)
"""Messages that a descriptor may come with; with any other it is closed, and the connection with it."""
