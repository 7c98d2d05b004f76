"""What the bus says with its *link* key. Every message carries (boot, seq): boot grows with each start of the agent, seq with
each message of that boot. One request is in flight at a time; the answer is recognised by `re` alone.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from cityhall_wire.books import DIGEST_BYTES, BookEntry
from cityhall_wire.headers import (
    Attempt,
    BusId,
    CityId,
    Count,
    Digest,
    JobId,
    Name,
    Nonce,
    Ordinal,
    SessionId,
    SheetNumber,
    UtcMs,
    Version,
)
from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import DutyCause, DutyMode


class LinkMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that every link message opens with."""

    v: Version
    city: CityId
    bus: BusId
    boot: Ordinal
    seq: Ordinal
    at: UtcMs  # the bus's own clock; order is (boot, seq), never this


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One job as the bus holds it."""

    job: JobId
    state: JobState
    attempt: Attempt
    received: Count  # bytes of ciphertext on the bus
    approved: bool


class PrinterSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The printer in IPP's words (RFC 8011 section 5.4.11 and 5.4.12)."""

    state: Annotated[str, Meta(max_length=32)]  # idle, processing, stopped; unknown while nobody could ask
    reasons: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=16)] = ()


class Sync(LinkMessage, frozen=True, kw_only=True, omit_defaults=True):
    """What the bus has, is and last heard. Idempotent: the plan depends on its content, not on how often it came."""

    nonce: Nonce  # the lease answers it
    token: Annotated[bytes, Meta(max_length=32)]  # the rolling token of the last plan; empty at the first sync
    software: Digest
    config: Digest
    mode: DutyMode
    session: SessionId | None
    printer: PrinterSummary
    spooler: bool  # whether the spooler answers
    inventory_digest: Digest
    inventory: Annotated[tuple[Holding, ...], Meta(max_length=200)] | None  # only where the digest is news
    # Digest of the bus's book (cityhall_wire.books), once it has a line.
    book: Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)] | None = None


class HandOver(LinkMessage, frozen=True, kw_only=True, omit_defaults=True):
    """The concierge handed the sheets over (お渡ししました). Its line of the book counts also where this comes too late."""

    job: JobId
    attempt: Attempt
    entry: BookEntry | None = None


class Spoiled(LinkMessage, frozen=True, kw_only=True, omit_defaults=True):
    """The concierge reports unusable sheets (使えない紙が出た) by their numbers, which may be unknown yet."""

    job: JobId
    attempt: Attempt
    sheets: Annotated[tuple[SheetNumber, ...], Meta(max_length=100)]
    why: Name
    came_out: Annotated[int, Meta(ge=1, le=1000)] | None = None  # sheets, where not the whole document came out
    entry: BookEntry | None = None


class Refused(LinkMessage, frozen=True, kw_only=True):
    """The concierge cannot have it printed here (受付不可), for example for want of its paper."""

    job: JobId
    attempt: Attempt
    why: Name


class NothingCameOut(LinkMessage, frozen=True, kw_only=True):
    """The concierge looked, and nothing came out (出てこない)."""

    job: JobId
    attempt: Attempt


class Doubt(LinkMessage, frozen=True, kw_only=True):
    """The agent lost sight of a print; only a person or a print-key statement may end this."""

    job: JobId
    attempt: Attempt
    why: Name


class CiphertextDeleted(LinkMessage, frozen=True, kw_only=True):
    """The bus's deletion receipt: the ciphertext of this job is gone from it."""

    job: JobId
    seal_digest: Digest


class Call(LinkMessage, frozen=True, kw_only=True):
    """The concierge pressed a section's key: the counter session that a clerk may accept (呼出中).

    The bus draws the session's id, so that a call whose answer was lost is the same call when it comes again.
    """

    session: SessionId
    section: Name
    stop: Name
    slot: Annotated[int, Meta(ge=0, le=999)]  # 0: no booking


class SessionEnd(LinkMessage, frozen=True, kw_only=True):
    """The concierge ended the counter session (終了): the resident has left the seat."""

    session: SessionId


class Entry(LinkMessage, frozen=True, kw_only=True):
    """A line of the bus's book of sheets and fees that goes with no other fact."""

    entry: BookEntry


class DutyChanged(LinkMessage, frozen=True, kw_only=True):
    """The bus changed its duty mode (業務モード). Kept until it is answered, like every fact."""

    mode: DutyMode
    why: DutyCause
    since: UtcMs  # by the bus's own clock; `at` is when this was signed


class Extend(LinkMessage, frozen=True, kw_only=True):
    """The concierge asks to end today's duty so much later; a clerk has to grant it. Worth nothing later, so never kept."""

    minutes: Annotated[int, Meta(ge=1, le=120)]


class Panic(LinkMessage, frozen=True, kw_only=True):
    """Somebody pressed the alarm on board: all that the bus held is destroyed there, and it asks to be revoked."""
