"""Every vector means the same to an independent reader and to the product: what its first line says."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from cityhall_wire import headers, seal
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope, link, relay
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.sequence import Place, judge
from tests.unit import vector_reader

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.txt"))
SEQUENCES = [path for path in VECTORS if "last" in vector_reader.load(path)]
NAMES = [path.stem for path in VECTORS]
EXPECTED = {
    "opens",
    "wrong bus",
    "wrong session",
    "wrong attempt",
    "other opener's key",
    "truncated",
    "extra byte",
    "flipped bit",
    "replayed",
    "older sequence",
    "unknown version",
    "unknown field",
    "new",
    "repeat",
}


def test_every_expectation_has_a_vector() -> None:
    assert {vector_reader.load(path)["expect"] for path in VECTORS} == EXPECTED


@pytest.mark.parametrize("path", VECTORS, ids=NAMES)
def test_an_independent_reader_comes_to_the_verdict_of_the_first_line(path: Path) -> None:
    vector = vector_reader.load(path)
    assert vector_reader.verdict(vector) == vector["expect"]


@pytest.mark.parametrize("path", [p for p in VECTORS if p not in SEQUENCES], ids=lambda p: p.stem)
def test_the_wire_opens_only_what_must_open(path: Path) -> None:
    vector = vector_reader.load(path)
    if vector["expect"] == "opens":
        assert product_opens(vector) == vector["document"]
    else:
        with pytest.raises((WireError, Mismatch)):
            product_opens(vector)


@pytest.mark.parametrize("path", SEQUENCES, ids=lambda p: p.stem)
def test_the_wire_judges_a_sequence_as_the_first_line_says(path: Path) -> None:
    vector = vector_reader.load(path)
    keys = {Role.LINK: (Ed25519PublicKey.from_public_bytes(vector["link-key"]),)}
    places = []
    for name in ("last", "message"):
        opened = envelope.verify(vector[name], keys)
        message = opened.expect(link.HandOver)
        places.append(Place(message.boot, message.seq, opened.digest))
    assert {"new": "new", "repeat": "repeat", "older sequence": "stale"}[vector["expect"]] == judge(*places).value


class Mismatch(Exception):
    """The release is for another print."""


def product_opens(vector: dict[str, Any]) -> bytes:
    """The data path by the product's own functions."""
    keys = {Role.RELAY: (Ed25519PublicKey.from_public_bytes(vector["relay-key"]),)}
    release = envelope.verify(vector["release"], keys).expect(relay.Release)
    header = headers.decode_release_header(release.release_header)
    opener_key = vector_reader.public_key(vector["opener-key"])
    at_hand = (vector["bus"], vector["session"], vector["job"], int(vector["attempt"]), vector["nonce"])
    if (header.bus, header.session, header.job, header.attempt, header.nonce) != at_hand:
        raise Mismatch
    if header.opener_key_digest != headers.opener_key_digest(opener_key):
        raise Mismatch
    if header.seal_digest != headers.seal_digest(vector["seal-header"]):
        raise Mismatch
    opener = seal.OpenerKey()
    opener._private = MLKEM768X25519PrivateKey(*vector_reader.halves(vector["opener-key"]))
    content_key = opener.unwrap(release.wrapped_key, release.release_header)
    return bytes(seal.open_body(content_key, vector["seal-header"], [vector["body"]]))
