"""What comes over the wire and must not be taken: forms, sizes, signatures, lengths."""

import io
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_wire import headers, seal, strict_json
from cityhall_wire.errors import (
    HeaderError,
    MalformedError,
    OpenError,
    SignatureError,
    TooLargeError,
    UnknownKindError,
    UnknownVersionError,
    WireError,
)
from cityhall_wire.messages import envelope, link
from cityhall_wire.messages.chain import GENESIS, JournalRow, row_hash
from cityhall_wire.messages.envelope import Role
from tests.seals import seal_header

KEY = Ed25519PrivateKey.generate()
KEYS = {Role.LINK: (KEY.public_key(),)}
HAND_OVER = link.HandOver(v=1, city="hase", bus="moba-1", boot=1, seq=1, at=0, job="j" + "0" * 24, attempt=1)


def header(document: bytes, key: bytes, **changes: Any) -> bytes:
    return headers.encode_header(seal_header(document, key, **changes))


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=1, max_size=70_000), st.integers(1, 40_000))
def test_what_was_sealed_opens_whole_however_it_is_cut(document: bytes, cut: int) -> None:
    key = seal.new_content_key()
    raw = header(document, key)
    body = seal.seal(key, raw, document)
    assert len(body) == seal.sealed_size(len(document))
    assert seal.open_body(key, raw, [body[i : i + cut] for i in range(0, len(body), cut)]) == document


def test_it_opens_from_one_buffer_that_is_filled_again_and_again() -> None:
    key, document = seal.new_content_key(), bytes(range(256)) * 400
    raw = header(document, key)
    body, piece = io.BytesIO(seal.seal(key, raw, document)), bytearray(20_000)
    pieces = (memoryview(piece)[:size] for size in iter(lambda: body.readinto(piece), 0))
    assert seal.open_body(key, raw, pieces) == document


def test_a_header_for_another_document_opens_nothing() -> None:
    key, document = seal.new_content_key(), b"x" * 100
    lying = header(document, key, commitment=seal.commitment(key, b"y" * 100))
    with pytest.raises(OpenError):
        seal.open_body(key, lying, [seal.seal(key, lying, document)])


def test_a_size_that_lies_opens_nothing() -> None:
    key, document = seal.new_content_key(), b"x" * 100
    for size in (99, 101):
        lying = header(document, key, size=size)
        with pytest.raises(OpenError):
            seal.open_body(key, lying, [seal.seal(key, lying, document)])


def test_a_header_with_blanks_is_not_canonical() -> None:
    raw = header(b"x", bytes(32))
    with pytest.raises(HeaderError):
        headers.decode_seal_header(raw.replace(b'"v":1', b'"v": 1'))


def test_a_newer_header_says_update_before_it_says_malformed() -> None:
    raw = header(b"x", bytes(32)).replace(b'{"v":1', b'{"future":true,"v":2')
    with pytest.raises(UnknownVersionError, match="update the older side"):
        headers.decode_seal_header(raw)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", MalformedError),
        (b"\xff\xfe", MalformedError),
        (b"[" * 60_000, MalformedError),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, MalformedError),
        (b"{}" + b" " * 70_000, TooLargeError),
        (b'{"kind":"sync","kind":"plan","kid":"0000000000000000","payload":"","sig":""}', MalformedError),
        (b'{"kind":NaN}', MalformedError),
        (b'{"kind":"sync","kid":"../../etc/passwd","payload":"","sig":""}', MalformedError),
        (b"9" * 5_000, MalformedError),
    ],
)
def test_bytes_that_are_no_envelope_are_refused_with_a_sentence(raw: bytes, error: type[WireError]) -> None:
    with pytest.raises(error) as caught:
        envelope.verify(raw, KEYS)
    assert str(caught.value).startswith(str(error.__doc__))


def test_a_key_of_another_role_signs_nothing_here() -> None:
    raw = envelope.sign(HAND_OVER, KEY)
    with pytest.raises(SignatureError):
        envelope.verify(raw, {Role.PRINT: (KEY.public_key(),)})


def test_a_kind_nobody_knows_is_said_to_be_unknown() -> None:
    raw = envelope.sign(HAND_OVER, KEY).replace(b'"hand-over"', b'"dance"')
    with pytest.raises(UnknownKindError):
        envelope.verify(raw, KEYS)


def test_a_message_cannot_be_passed_off_as_another_kind() -> None:
    raw = envelope.sign(HAND_OVER, KEY).replace(b'"hand-over"', b'"nothing-came-out"')
    with pytest.raises(SignatureError):
        envelope.verify(raw, KEYS)


def test_an_unknown_field_of_a_message_is_ignored() -> None:
    payload = strict_json.encode(HAND_OVER)[:-1] + b',"from_the_future":[1]}'
    assert strict_json.decode(payload, link.HandOver) == HAND_OVER


def test_an_error_never_repeats_the_value() -> None:
    payload = strict_json.encode(HAND_OVER).replace(b"moba-1", "見本 太郎".encode())
    with pytest.raises(MalformedError) as caught:
        strict_json.decode(payload, link.HandOver)
    assert "見本" not in str(caught.value)


def test_mutated_envelopes_raise_wire_errors_only() -> None:
    rng, raw = random.Random(20261121), envelope.sign(HAND_OVER, KEY)
    for _ in range(3_000):
        changed = bytearray(raw)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        try:
            message = envelope.verify(bytes(changed), KEYS).message
        except WireError:
            continue
        assert message == HAND_OVER  # a bit that base64 does not carry


def test_the_chain_notices_a_changed_row() -> None:
    row = JournalRow(n=1, at=0, kind="sealed", job="", body="{}")
    changed = JournalRow(n=1, at=0, kind="sealed", job="", body='{"sheets":2}')
    assert row_hash(GENESIS, row) != row_hash(GENESIS, changed)
