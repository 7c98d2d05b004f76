"""The two immutable headers that a print is bound to. Unknown fields are refused in both: nobody prints by half a rule.

The *seal header* says what was sealed; its digest is the context of the ciphertext. The *release header* says for whom, when
and under which approval one opener may open it; its bytes are the `info` of HPKE (RFC 9180 section 5.1).
"""

import hashlib
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.errors import HeaderError, UnknownVersionError
from cityhall_wire.limits import DOCUMENT_BYTES
from cityhall_wire.modes import DutyMode, JobClass
from cityhall_wire.sheets import Sides

Version = Annotated[int, Meta(ge=1)]
CityId = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{1,30}\Z")]
BusId = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{1,30}\Z")]
JobId = Annotated[str, Meta(pattern=r"\Aj[0-9a-f]{24}\Z")]
SessionId = Annotated[str, Meta(pattern=r"\As[0-9a-f]{24}\Z")]
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_.-]{0,62}\Z")]
OpaqueId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Nonce = Annotated[bytes, Meta(min_length=32, max_length=32)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Ordinal = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""Counts from 1. The upper end of each whole number is what every JSON reader and database holds exactly (RFC 8259 section 6)."""
Attempt = Annotated[int, Meta(ge=1, le=1000)]
SheetNumber = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""What stands on a sheet of numbered paper; `?` where it cannot be read."""
UtcMs = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Milliseconds since 1970-01-01T00:00Z."""

HEADER_BYTES: Final = 4096
"""Largest header: a release header with four approvals takes about 1 kB."""


class SealHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was sealed. `commitment` is HMAC-SHA256 over the document under a key derived from the content key."""

    v: Version
    city: CityId
    job: JobId
    commitment: Digest
    size: Annotated[int, Meta(ge=1, le=DOCUMENT_BYTES)]  # bytes of the document
    document_format: Annotated[str, Meta(pattern=r"\A[a-z]+/[a-zA-Z0-9.+-]{1,64}\Z")]  # IPP document-format
    impressions: Annotated[int, Meta(ge=1, le=1000)]
    sheets: Annotated[int, Meta(ge=1, le=1000)]
    sides: Sides
    media: Annotated[str, Meta(pattern=r"\A[a-z0-9_.-]{1,127}\Z")]  # PWG 5101.1 media size name
    job_class: JobClass = msgspec.field(name="class")
    service: Name
    paper: Name
    joint_seal: bool  # 割印
    reissue_of: JobId | None


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who allowed the print (印刷を許可), by opaque id, and when."""

    by: OpaqueId
    at: UtcMs


class ReleaseHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom one release is, and under what it was given."""

    v: Version
    city: CityId
    bus: BusId
    session: SessionId
    job: JobId
    seal_digest: Digest
    attempt: Attempt
    nonce: Nonce
    opener_key_digest: Digest
    mode: DutyMode
    approvals: Annotated[tuple[Approval, ...], Meta(min_length=1, max_length=4)]
    software: Digest
    config: Digest


H = TypeVar("H", SealHeader, ReleaseHeader)


def encode_header(header: SealHeader | ReleaseHeader) -> bytes:
    """The exact bytes that are digested, signed and bound."""
    return strict_json.encode(header)


def decode_seal_header(raw: bytes) -> SealHeader:
    """Read a seal header (at most 4096 bytes); raises MalformedError, UnknownVersionError or HeaderError."""
    return _canonical(raw, SealHeader)


def decode_release_header(raw: bytes) -> ReleaseHeader:
    """Read a release header (at most 4096 bytes); raises MalformedError, UnknownVersionError or HeaderError."""
    return _canonical(raw, ReleaseHeader)


def seal_digest(raw: bytes) -> bytes:
    """32 bytes that name a seal header: context of the ciphertext, part of check word and release."""
    return _digest(b"seal-header", raw)


def opener_key_digest(public_key: bytes) -> bytes:
    """32 bytes that name an opener's public key."""
    return _digest(b"opener-key", public_key)


def _digest(tag: bytes, raw: bytes) -> bytes:
    return hashlib.sha256(b"cityhall/1 " + tag + b"\0" + raw).digest()


class _Versioned(msgspec.Struct, frozen=True):
    v: Version


def _canonical(raw: bytes, into: type[H]) -> H:
    # The version first: a newer header has fields unknown here, and "update" says more than "malformed".
    version = strict_json.decode(raw, _Versioned, HEADER_BYTES).v
    if version != PROTOCOL_VERSION:
        raise UnknownVersionError(f"{version}, here {PROTOCOL_VERSION}")
    header = strict_json.decode(raw, into, HEADER_BYTES)
    if encode_header(header) != raw:
        raise HeaderError("not in canonical form")
    return header
