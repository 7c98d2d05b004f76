"""What travels packed is unpacked whole and within its limit, or not at all."""

import zlib
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_base import coding
from cityhall_wire.errors import MalformedError, TooLargeError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import ENVELOPE_BYTES, KINDS
from tests.hostile.samples import sample

KEY = Ed25519PrivateKey.generate()
LIMIT = ENVELOPE_BYTES


def signed(kind: str) -> bytes:
    return envelope.sign(sample(KINDS[kind].payload), KEY)


# A statement travels on no line that is metered: the dictionary knows none of its words.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"statement"}))
def test_every_kind_comes_out_byte_for_byte_and_takes_less_than_it_would_without_the_dictionary(kind: str) -> None:
    raw = signed(kind)
    packed = coding.pack(raw)
    assert coding.unpack(packed, LIMIT) == raw
    assert len(packed) < len(zlib.compress(raw, 9)) < len(raw)


def test_a_batch_stays_a_batch_also_of_one() -> None:
    for kinds in (["hand-over"], ["hand-over", "evidence", "doubt"]):
        raw = envelope.join([signed(kind) for kind in kinds])
        assert coding.unpack(coding.pack(raw), LIMIT) == raw


def test_the_limit_is_of_what_comes_out() -> None:
    raw = signed("plan")
    packed = coding.pack(raw)
    assert coding.unpack(packed, len(raw)) == raw
    with pytest.raises(TooLargeError):
        coding.unpack(packed, len(raw) - 1)


def test_a_bomb_is_not_unpacked_beyond_its_limit() -> None:
    with pytest.raises(TooLargeError):
        coding.unpack(coding.squeeze(bytes(100_000_000)), LIMIT)


def form(value: Any) -> bytes:
    return coding.squeeze(msgspec.msgpack.encode(value))


PACKED = coding.pack(signed("sync"))
HOSTILE = {
    "nothing": b"",
    "plain": b"hello",
    "cut off": PACKED[:-1],
    "one byte more": PACKED + b"x",
    "twice": PACKED * 2,
    "without the dictionary": zlib.compress(b"hello"),
    "gzip": zlib.compress(b"hello", wbits=31),
    "JSON": coding.squeeze(signed("sync")),
    "three of four": form((False, [("sync", "0" * 16, bytes(64))])),
    "text for bytes": form((False, [("sync", "0" * 16, "x", "y")])),
    "two that are no batch": form((False, [("sync", "0" * 16, b"", b"")] * 2)),
    "none that is no batch": form((False, [])),
    "a number": form(7),
    "an array of numbers": form([1, 2]),
    "deep": coding.squeeze(b"\x91" * 60_000),
    "a length beyond its end": coding.squeeze(b"\x94\xdb\xff\xff\xff\xff"),
    "no UTF-8": coding.squeeze(b"\x92\xc2\x91\x94\xa1\xff\xa1x\xc4\x00\xc4\x00"),
}


@pytest.mark.parametrize("packed", HOSTILE.values(), ids=HOSTILE.keys())
def test_anything_else_is_refused(packed: bytes) -> None:
    with pytest.raises(MalformedError):
        coding.unpack(packed, LIMIT)


def test_what_is_no_envelope_is_not_packed() -> None:
    with pytest.raises(MalformedError):
        coding.pack(b"{}")
