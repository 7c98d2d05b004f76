"""What the spooler says with its *print* key. The agent posts it unchanged; no other key of the bus can say it.

Print messages carry {incarnation, nonce, job, attempt} instead of (boot, seq): the spooler keeps no state on any disk.
An incarnation is one start of the spooler; the nonce is the one of the release request that began the attempt.
"""

from enum import StrEnum
from typing import Annotated

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
    Nonce,
    Ordinal,
    SessionId,
    UtcMs,
    Version,
)
from cityhall_wire.modes import DutyMode
from cityhall_wire.seal import OPENER_KEY_BYTES

Incarnation = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class PrintMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that every print message opens with."""

    v: Version
    city: CityId
    bus: BusId
    incarnation: Incarnation
    nonce: Nonce
    job: JobId
    attempt: Attempt


class ReleaseRequest(PrintMessage, frozen=True, kw_only=True):
    """An opener waits with a fresh key; it wants this job's content key for it, within the release time."""

    at: UtcMs  # the bus's own clock when it was signed: how old the printer's history must be, never a deadline
    session: SessionId
    seal_digest: Digest
    opener_key: Annotated[bytes, Meta(min_length=OPENER_KEY_BYTES, max_length=OPENER_KEY_BYTES)]
    mode: DutyMode
    software: Digest
    config: Digest
    printer_uuid: Annotated[str, Meta(max_length=64)]
    printer_up_time: Count  # seconds; IPP printer-up-time when the request was signed
    printer_counter: Count | None = None  # printer-impressions-completed then, where the profile proves by it


class Finding(StrEnum):
    """What a statement of evidence says; each is an event of the lifecycle table."""

    NO_SHEET = "no_sheet"
    SENDING = "sending"  # Create-Job was answered; Send-Document may follow
    SENT = "sent"  # Send-Document was answered: the printer took the document whole
    COMPLETED = "completed"
    DOUBT = "doubt"
    CANCELED_AT_PRINTER = "canceled_at_printer"


class Evidence(PrintMessage, frozen=True, kw_only=True):
    """What the spooler saw of one attempt. `n` counts the statements of an attempt from 1."""

    n: Ordinal
    at: UtcMs
    finding: Finding
    why: Name
    printer_uuid: Annotated[str, Meta(max_length=64)] = ""
    printer_up_time: Count = 0
    printer_job: Count = 0  # IPP job-id; 0 where Create-Job never answered
    job_state: Annotated[str, Meta(max_length=32)] = ""
    job_reasons: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=16)] = ()
    impressions: Count = 0  # IPP job-impressions-completed
    counter_before: Count | None = None  # the printer's own counter when the release was asked for,
    counter_after: Count | None = None  # and after the job's end; only where the profile proves by it
