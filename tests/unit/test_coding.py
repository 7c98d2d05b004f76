"""What travels packed is unpacked whole and within its limit, or not at all."""

import zlib

import pytest

from cityhall_base import coding
from cityhall_wire.errors import MalformedError, TooLargeError

LIMIT = 1000
TEXT = b"base64 in base64, " * 50


def test_what_was_packed_comes_out_as_it_was_and_took_less() -> None:
    packed = coding.pack(TEXT)
    assert coding.unpack(packed, LIMIT) == TEXT
    assert len(packed) < len(TEXT)


@pytest.mark.parametrize("size", [LIMIT, 0])
def test_the_limit_itself_is_allowed(size: int) -> None:
    assert len(coding.unpack(coding.pack(bytes(size)), LIMIT)) == size


def test_a_bomb_is_not_unpacked_beyond_its_limit() -> None:
    with pytest.raises(TooLargeError):
        coding.unpack(coding.pack(bytes(100_000_000)), LIMIT)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"hello",
        coding.pack(TEXT)[:-1],
        coding.pack(TEXT) + b"x",
        coding.pack(TEXT) * 2,
        zlib.compress(TEXT, wbits=31),
    ],
    ids=["nothing", "plain", "cut off", "one byte more", "twice", "gzip"],
)
def test_anything_else_is_refused(packed: bytes) -> None:
    with pytest.raises(MalformedError):
        coding.unpack(packed, LIMIT)
