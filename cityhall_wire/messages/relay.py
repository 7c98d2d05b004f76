"""What city hall answers with the *relay* key. `re` is the digest of the request's payload: the bus takes no other answer."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cityhall_wire.books import BookEntry
from cityhall_wire.headers import (
    Attempt,
    BusId,
    CityId,
    Count,
    Digest,
    JobId,
    Name,
    Nonce,
    OpaqueId,
    Ordinal,
    SessionId,
    UtcMs,
    Version,
)
from cityhall_wire.lifecycle import JobState

WISHES: Final = 10
"""Lines in one plan that city hall wants in the book; the next plan brings the rest."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that every answer opens with."""

    v: Version
    city: CityId
    bus: BusId
    re: Digest
    at: UtcMs  # the relay's clock


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The bus may print for so many seconds from the moment it *sent* the nonce."""

    nonce: Nonce
    seconds: Ordinal


class SessionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The counter session (窓口対応) that is live on this bus. No resident's name in it."""

    session: SessionId
    section: Name
    clerk: OpaqueId | None  # None while it rings (呼出中): nobody has accepted it, and nothing can be sent into it
    stop: Name
    slot: Annotated[int, Meta(ge=0, le=999)]  # 0: no booking
    seconds_left: Count
    checked: bool = False  # the clerk has seen who it is (本人確認), and made the 支援措置 check


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A job to fetch. The header's exact bytes travel, because their digest is the ciphertext's context."""

    session: SessionId
    seal_header: Annotated[bytes, Meta(max_length=4096)]
    body_size: Count
    approved: bool


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Where city hall sees a job that the bus holds."""

    job: JobId
    state: JobState
    attempt: Attempt
    approved: bool
    forget: bool = False  # ended and receipted: the bus may drop it from its inventory


class Plan(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a sync."""

    token: Annotated[bytes, Meta(max_length=32)]
    inventory_wanted: bool
    lease: Lease | None
    session: SessionView | None
    offers: Annotated[tuple[Offer, ...], Meta(max_length=50)]
    orders: Annotated[tuple[Order, ...], Meta(max_length=200)]
    duty_until: UtcMs | None = None  # the end of today's duty, only where it is later than the timetable's
    locked: Name | None = None  # why this bus gets neither lease nor session (cityhall_base.reasons)
    wishes: Annotated[
        tuple[BookEntry, ...], Meta(max_length=WISHES)
    ] = ()  # lines that the bus shall write into its book
    day: Annotated[bytes, Meta(min_length=8, max_length=8)] | None = None  # names today's slots, where there are any
    books_wanted: Count | None = None  # the bus shall say again every line of its book after this number


class Release(Answer, frozen=True, kw_only=True):
    """The content key of one job for one opener: HPKE over it, `info` = the exact release header."""

    release_header: Annotated[bytes, Meta(max_length=4096)]
    wrapped_key: Annotated[bytes, Meta(max_length=2048)]


class Refusal(Answer, frozen=True, kw_only=True):
    """The request was understood and is refused. `reason` finds the sentence of both screens."""

    reason: Name
    job: JobId | None = None
    state: JobState | None = None


class Receipt(Answer, frozen=True, kw_only=True):
    """Evidence or a fact was recorded; this is where the job stands now."""

    job: JobId
    state: JobState
    attempt: Attempt


class SessionReceipt(Answer, frozen=True, kw_only=True):
    """A call or its end was recorded; this is the session that the bus has now."""

    session: SessionView | None


class Noted(Answer, frozen=True, kw_only=True):
    """A fact about no job was recorded: an entry of the books, a checklist, a change of duty."""


class DeletionReceipt(Answer, frozen=True, kw_only=True):
    """City hall's own: content key and ciphertext of this job are gone there. Answers the bus's deletion receipt."""

    job: JobId
    seal_digest: Digest
    state: JobState


class Stale(Answer, frozen=True, kw_only=True):
    """(boot, seq) is not above the last one taken; the next sync repeats what this message said."""

    boot: Count
    seq: Count
