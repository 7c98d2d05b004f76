"""The signed envelope: kind, key id, the exact payload bytes, and an Ed25519 signature (RFC 8032) over all three.

`KINDS` is the whole vocabulary: which struct a kind carries and which role's key must have signed it.
"""

import enum
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.errors import SignatureError, UnknownKindError, UnknownVersionError
from cityhall_wire.headers import Name
from cityhall_wire.messages import digest as daily
from cityhall_wire.messages import link, people, printing, relay, statement, visit

ENVELOPE_BYTES: Final = strict_json.MESSAGE_BYTES
"""Largest envelope; its payload is base64 and so three quarters of this."""

BATCH_ENVELOPES: Final = 64
"""Most envelopes in one request. Its bytes have the same limit as one envelope's: 64 answers of 700 bytes keep it too."""

KeyId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
M = TypeVar("M", bound=msgspec.Struct)


class Role(enum.Enum):
    """Whose key signs."""

    LINK = "link"
    PRINT = "print"
    RELAY = "relay"


class Kind(NamedTuple):
    """One word of the vocabulary."""

    payload: type[msgspec.Struct]
    role: Role


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "sync": Kind(link.Sync, Role.LINK),
        "hand-over": Kind(link.HandOver, Role.LINK),
        "spoiled": Kind(link.Spoiled, Role.LINK),
        "refused": Kind(link.Refused, Role.LINK),
        "nothing-came-out": Kind(link.NothingCameOut, Role.LINK),
        "doubt": Kind(link.Doubt, Role.LINK),
        "ciphertext-deleted": Kind(link.CiphertextDeleted, Role.LINK),
        "call": Kind(link.Call, Role.LINK),
        "session-end": Kind(link.SessionEnd, Role.LINK),
        "entry": Kind(link.Entry, Role.LINK),
        "duty-changed": Kind(link.DutyChanged, Role.LINK),
        "extend": Kind(link.Extend, Role.LINK),
        "checklist": Kind(people.Checklist, Role.LINK),
        "signed-in": Kind(people.SignedIn, Role.LINK),
        "substitute": Kind(people.Substitute, Role.LINK),
        "panic": Kind(link.Panic, Role.LINK),
        "at-stop": Kind(visit.AtStop, Role.LINK),
        "feedback": Kind(visit.Feedback, Role.LINK),
        "day-wanted": Kind(visit.DayWanted, Role.LINK),
        "release-request": Kind(printing.ReleaseRequest, Role.PRINT),
        "evidence": Kind(printing.Evidence, Role.PRINT),
        "plan": Kind(relay.Plan, Role.RELAY),
        "release": Kind(relay.Release, Role.RELAY),
        "refusal": Kind(relay.Refusal, Role.RELAY),
        "receipt": Kind(relay.Receipt, Role.RELAY),
        "session-receipt": Kind(relay.SessionReceipt, Role.RELAY),
        "noted": Kind(relay.Noted, Role.RELAY),
        "day-plan": Kind(visit.DayPlan, Role.RELAY),
        "substitute-receipt": Kind(people.SubstituteReceipt, Role.RELAY),
        "deletion-receipt": Kind(relay.DeletionReceipt, Role.RELAY),
        "stale": Kind(relay.Stale, Role.RELAY),
        "statement": Kind(statement.Statement, Role.RELAY),
        "daily-digest": Kind(daily.DailyDigest, Role.RELAY),
    }
)
_KIND_OF: Final = {kind.payload: name for name, kind in KINDS.items()}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What travels and what is kept: never re-encoded, because the signature is over these payload bytes."""

    kind: Name
    kid: KeyId
    payload: bytes
    sig: Annotated[bytes, Meta(min_length=64, max_length=64)]


Batch = Annotated[tuple[Envelope, ...], Meta(min_length=1, max_length=BATCH_ENVELOPES)]


class _Versioned(msgspec.Struct, frozen=True):
    v: int


def key_id(key: Ed25519PublicKey) -> str:
    """16 hex digits that name a public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def kind_of(message: type[msgspec.Struct]) -> str:
    """The kind under which messages of this type travel."""
    return _KIND_OF[message]


def digest(payload: bytes) -> bytes:
    """32 bytes that name a payload: the `re` of its answer, and how a repeated request is recognised."""
    return hashlib.sha256(b"cityhall/1 payload\0" + payload).digest()


def sign(message: msgspec.Struct, key: Ed25519PrivateKey) -> bytes:
    """The envelope's bytes for a message of a known kind."""
    kind, kid, payload = kind_of(type(message)), key_id(key.public_key()), strict_json.encode(message)
    sig = key.sign(_signed_bytes(kind, kid, payload))
    return strict_json.encode(Envelope(kind=kind, kid=kid, payload=payload, sig=sig))


def kind_in(raw: bytes) -> str:
    """The kind that an envelope says it carries, unverified. Raises MalformedError or TooLargeError."""
    return strict_json.decode(raw, Envelope, ENVELOPE_BYTES).kind


def is_batch(raw: bytes) -> bool:
    """Whether these bytes want to be several envelopes (a JSON array) and not one."""
    return raw.lstrip(b" \t\r\n").startswith(b"[")


def join(envelopes: Sequence[bytes]) -> bytes:
    """Several envelopes as one body, in this order."""
    return b"[" + b",".join(envelopes) + b"]"


def split(raw: bytes) -> list[bytes]:
    """The envelopes of such a body, 1 to BATCH_ENVELOPES; raises MalformedError or TooLargeError."""
    return [strict_json.encode(one) for one in strict_json.decode(raw, Batch, ENVELOPE_BYTES)]


def fitting(envelopes: Sequence[bytes]) -> int:
    """How many of these, from the first on, one body may hold; at least one."""
    size, count = len(b"[]"), 0
    for one in envelopes[:BATCH_ENVELOPES]:
        size += len(one) + len(b",")
        if size > ENVELOPE_BYTES:
            break
        count += 1
    return max(count, 1)


class Opened(NamedTuple):
    """A verified message, with the payload bytes that were signed."""

    kind: str
    message: msgspec.Struct
    payload: bytes
    kid: str

    @property
    def digest(self) -> bytes:
        """32 bytes that name this payload."""
        return digest(self.payload)

    def expect(self, into: type[M]) -> M:
        """The message, where it is of this type; raises UnknownKindError."""
        if not isinstance(self.message, into):
            raise UnknownKindError(f"{self.kind} is no answer to this")
        return self.message


Keyring = Mapping[Role, tuple[Ed25519PublicKey, ...]]
"""The public keys that a side trusts, by role."""


def verify(raw: bytes, keyring: Keyring) -> Opened:
    """Read an envelope of any known kind whose role has this key in `keyring`.

    Raises MalformedError, TooLargeError, UnknownKindError, UnknownVersionError or SignatureError. Nothing of the payload is
    parsed before the signature holds.
    """
    envelope = strict_json.decode(raw, Envelope, ENVELOPE_BYTES)
    kind = KINDS.get(envelope.kind)
    if kind is None:
        raise UnknownKindError(envelope.kind)
    _check_signature(envelope, keyring.get(kind.role, ()))
    version = strict_json.decode(envelope.payload, _Versioned).v
    if version != PROTOCOL_VERSION:
        raise UnknownVersionError(f"{version}, here {PROTOCOL_VERSION}")
    message = strict_json.decode(envelope.payload, kind.payload)
    return Opened(envelope.kind, message, envelope.payload, envelope.kid)


def _check_signature(envelope: Envelope, keys: tuple[Ed25519PublicKey, ...]) -> None:
    key = next((key for key in keys if key_id(key) == envelope.kid), None)
    if key is None:
        raise SignatureError("the key is not known for this kind of message")
    try:
        key.verify(envelope.sig, _signed_bytes(envelope.kind, envelope.kid, envelope.payload))
    except InvalidSignature:
        raise SignatureError("the signature does not fit") from None


def _signed_bytes(kind: str, kid: str, payload: bytes) -> bytes:
    # Kind and key id hold no NUL by their patterns, so the three parts cannot be shifted against each other.
    return b"cityhall/1 " + kind.encode() + b"\0" + kid.encode() + b"\0" + payload
