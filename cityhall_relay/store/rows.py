"""What the relay remembers, one frozen struct for each table. No field holds a name, a content key or a byte of a document."""

from enum import StrEnum

import msgspec

from cityhall_base.printers import PWG_RASTER
from cityhall_wire.check_word import CheckWord, check_word
from cityhall_wire.headers import SealHeader, decode_seal_header
from cityhall_wire.lifecycle import ENDS, JobState


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a table."""


class Session(Row, frozen=True, kw_only=True):
    """A counter session (窓口対応): 呼出中 until a clerk accepts, 対応中, 終了. Times are UTC milliseconds."""

    session: str
    clerk: str  # empty until one has accepted
    bus: str
    section: str
    stop: str
    slot: int
    opened_at: int
    active_at: int
    ended_at: int | None = None
    why_ended: str = ""
    accepted_at: int | None = None  # when a clerk took the call, or opened it

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    @property
    def calling(self) -> bool:
        """Whether it rings, and nobody has accepted it."""
        return self.live and not self.clerk


class Job(Row, frozen=True, kw_only=True):
    """One sealed document on its way to paper."""

    job: str
    session: str
    bus: str
    service: str
    submission: str
    state: JobState
    attempt: int
    seal_header: bytes  # the exact bytes that are bound
    seal_digest: bytes
    size: int  # bytes of the document as the clerk sent it
    body_size: int  # bytes of the ciphertext
    created_at: int
    changed_at: int
    isolation: str = "[]"  # JSON list: the layers that held intake's process
    approved_at: int | None = None
    nonce: bytes = b""  # of the release that the current attempt was given; empty before it
    printer_uuid: str = ""
    printer_up_time: int = 0  # seconds, when that release was asked for
    destroyed_at: int | None = None
    drawn_dpi: int = 0  # at which city hall drew its pages; 0: it goes as it came
    flattened: bool = False  # drawn because the clerk asked for it
    why: str = ""  # the last reason that was given (cityhall_base.reasons)
    resend_of: str = ""  # the job of this session that holds the very same document; it is not allowed by mistake
    reissue_of: str = ""  # the spoiled job whose one reissue (刷り直し) this is
    voided_at: int | None = None  # when its clerk declared it void: then it has no reissue

    @property
    def prepared(self) -> str:
        """What became of the document before it was sealed, in words of the field."""
        if not self.drawn_dpi:
            return "pdf as sent"
        raster = "pwg-raster" if self.header.document_format == PWG_RASTER else ""
        return " ".join(filter(None, ("flattened" if self.flattened else "", raster, f"{self.drawn_dpi} dpi")))

    @property
    def ended(self) -> bool:
        """Whether nothing leads out of its state."""
        return self.state in ENDS

    @property
    def header(self) -> SealHeader:
        """The seal header, read."""
        return decode_seal_header(self.seal_header)

    @property
    def check_word(self) -> CheckWord:
        """What both screens show (照合番号)."""
        return check_word(self.seal_digest, self.session, self.bus)


class Step(Row, frozen=True, kw_only=True):
    """One step of a job through the lifecycle table."""

    job: str
    event: str
    by: str
    state: JobState
    attempt: int
    at: int


class Bus(Row, frozen=True, kw_only=True):
    """What one bus last said. `sync` and `holdings` are JSON texts of the wire's own structs."""

    bus: str
    boot: int = 0
    seq: int = 0
    payload_digest: bytes = b""
    token: bytes = b""  # the newest one that the bus is known to have
    next_token: bytes = b""  # handed out, not yet seen back
    inventory_digest: bytes = b""
    holdings: str = "[]"
    synced_at: int | None = None
    mode: str = ""
    spooler: bool = False
    printer_state: str = ""
    printer_reasons: str = "[]"
    software: bytes = b""
    config: bytes = b""
    suspended: bool = False
    token_for: bytes = b""  # the request that `next_token` answered
    token_floor: int = 0  # the highest generation that was ever known
    lease_until: int = 0  # when the last lease that was given ends, UTC milliseconds
    locked: str = ""  # why it gets neither lease nor session (cityhall_base.reasons), as its last plan said
    stop: str = ""  # where it stands, as it said last; empty: at none of city.toml


class Release(Row, frozen=True, kw_only=True):
    """The one release of one attempt, as it was sent."""

    job: str
    attempt: int
    request_digest: bytes
    envelope: bytes


class Evidence(Row, frozen=True, kw_only=True):
    """One statement of a spooler, and the exact answer that it got."""

    incarnation: str
    nonce: bytes
    job: str
    attempt: int
    n: int
    finding: str
    payload_digest: bytes
    envelope: bytes
    answer: bytes
    at: int


class Approval(Row, frozen=True, kw_only=True):
    """印刷を許可: who allowed the print, and when."""

    job: str
    clerk: str
    at: int


class Side(StrEnum):
    """Who signed a deletion receipt."""

    BUS = "bus"
    RELAY = "relay"


class Receipt(Row, frozen=True, kw_only=True):
    """A signed deletion receipt."""

    job: str
    side: Side
    envelope: bytes
    at: int


class Incident(Row, frozen=True, kw_only=True):
    """Something that a person must look into. `n` counts them; `day` is the JST date that it belongs to."""

    n: int = 0
    bus: str
    day: str
    what: str
    detail: str
    at: int
    closed_at: int | None = None
    closed_by: str = ""
    closed_why: str = ""

    @property
    def open(self) -> bool:
        """Whether it still waits for a person."""
        return self.closed_at is None


class SheetEntry(Row, frozen=True, kw_only=True):
    """What people said about a job's sheets, as they said it; `numbers` is a JSON list. A reissue needs it.

    It is not the sheet ledger (改ざん防止用紙受払簿): that is the bus's own book (`book`, cityhall_wire.books), which may know
    less of a number that cannot be read, and has lines that belong to no job.
    """

    job: str
    attempt: int
    kind: str  # handed_over or spoiled; a spoiled one may get its numbers later
    paper: str
    sheets: int
    numbers: str
    why: str
    at: int

    @property
    def named(self) -> tuple[str, ...]:
        """The numbers."""
        return msgspec.json.decode(self.numbers, type=tuple[str, ...])
