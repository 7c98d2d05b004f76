"""What city hall signs about a bus that it revoked: what was on it, what of that could be read, and which sheets are out.

It answers nobody: whoever holds the relay's public key can check it, without a relay and without a database. A statement of
several parts is whole where the parts 1 to `parts` are there.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cityhall_wire.headers import (
    Attempt,
    BusId,
    CityId,
    Count,
    Digest,
    JobId,
    Name,
    OpaqueId,
    Ordinal,
    SessionId,
    UtcMs,
    Version,
)
from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import JobClass

PART_BYTES: Final = 40_000
"""Of jobs and sheets in one part: its payload is base64 in an envelope of 64 KiB. A job takes about 0.8 kB."""

SheetRange = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]


class Connection(StrEnum):
    """The bus's live connection to the broker."""

    NONE = "none"  # this city hall has no broker
    CUT = "cut"  # the broker said that it was ended, and that the bus has no rights there
    UNCONFIRMED = "unconfirmed"  # asked for, and asked for again until the broker says so


class Ended(StrEnum):
    """What the opener became, by what the print key signed."""

    NO_SHEET = "no_sheet"
    COMPLETED = "completed"
    CANCELED_AT_PRINTER = "canceled_at_printer"
    UNKNOWN = "unknown"  # nothing that proves an end: at most the sheets of this one print


class GivenKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt for which the content key left city hall, wrapped for one opener's key."""

    attempt: Attempt
    at: UtcMs
    ended: Ended
    evidence: Annotated[tuple[Digest, ...], Meta(max_length=16)] = ()  # payload digests of what was signed about it


class HeldJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One document that the bus held or may hold, as ciphertext."""

    job: JobId
    job_class: JobClass = msgspec.field(name="class")
    service: Name
    before: JobState  # when the bus was revoked
    state: JobState  # now
    seal_digest: Digest
    size: Count  # bytes of its ciphertext
    received: Count  # of them on the bus, as far as it has said
    given: Annotated[tuple[GivenKey, ...], Meta(max_length=20)] = ()  # empty: its key never left city hall
    key_destroyed: bool  # city hall holds neither its content key nor a release of it
    day_key_until: UtcMs | None = (
        None  # until then a backup of the key database *and* that day's key file could open it
    )
    relay_receipt: Digest | None = None  # payload digest of city hall's deletion receipt
    bus_receipt: Digest | None = None  # of the bus's own


class SheetsOut(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered sheets that the bus has and that are not accounted for."""

    paper: Name
    numbers: SheetRange


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of it."""

    v: Version
    city: CityId
    bus: BusId
    at: UtcMs  # when it was signed
    part: Ordinal
    parts: Ordinal
    reason: Name
    by: OpaqueId
    revoked_at: UtcMs
    last_sync_at: UtcMs | None
    lease_until: (
        UtcMs | None
    )  # the latest moment at which a lease may have ended; what is after `revoked_at` is the lag
    connection: Connection
    connection_cut_at: UtcMs | None = None
    session: SessionId | None = None  # the counter session that was ended with it
    software: Annotated[bytes, Meta(max_length=32)] = b""  # digests, as its last sync said
    config: Annotated[bytes, Meta(max_length=32)] = b""
    signed_away: Count  # documents whose deletion the bus had signed before
    jobs: Annotated[tuple[HeldJob, ...], Meta(max_length=200)] = ()
    sheets_out: Annotated[tuple[SheetsOut, ...], Meta(max_length=2000)] = ()
