"""Write the test vectors anew: `python -m tests.vectors.make`. The reader (tests/unit/vector_reader.py) shares no code with it.

Each file is lines `name: value`, byte strings in base64, the first line `expect: VERDICT`. The keys in them were made for them.
"""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cityhall_wire import headers, seal, strict_json
from cityhall_wire.headers import Approval, ReleaseHeader
from cityhall_wire.messages import envelope, link, relay
from cityhall_wire.modes import DutyMode
from tests.seals import seal_header

HERE = Path(__file__).parent
BUS, SESSION, JOB = "moba-1", "s" + "1a" * 12, "j" + "2b" * 12
DOCUMENT = b"%PDF-1.7\n" + b"".join(b"specimen line %d\n" % n for n in range(1100))
SOFTWARE, CONFIG, NONCE = b"\x51" * 32, b"\x52" * 32, b"\x53" * 32
AT = 1_795_305_600_000

Fields = dict[str, str | bytes | int]


class Opener:
    """A key pair that can be written down."""

    def __init__(self) -> None:
        self.mlkem, self.x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        self.public = self.mlkem.public_key().public_bytes_raw() + self.x25519.public_key().public_bytes_raw()
        self.private = self.mlkem.private_bytes_raw() + self.x25519.private_bytes_raw()


def good(relay_key: Ed25519PrivateKey, opener: Opener) -> Fields:
    """A vector that opens."""
    content_key = bytes(range(32))
    sealed = headers.encode_header(seal_header(DOCUMENT, content_key, job=JOB, service="juminhyo"))
    header = ReleaseHeader(
        v=1,
        city="hase",
        bus=BUS,
        session=SESSION,
        job=JOB,
        seal_digest=headers.seal_digest(sealed),
        attempt=1,
        nonce=NONCE,
        opener_key_digest=headers.opener_key_digest(opener.public),
        mode=DutyMode.CITY_HALL,
        approvals=(Approval(by="clerk-1", at=AT),),
        software=SOFTWARE,
        config=CONFIG,
    )
    return {
        "bus": BUS,
        "session": SESSION,
        "job": JOB,
        "attempt": 1,
        "nonce": NONCE,
        "relay-key": relay_key.public_key().public_bytes_raw(),
        "opener-key": opener.private,
        "seal-header": sealed,
        "release": release(relay_key, header, opener.public, content_key),
        "body": bytes(seal.seal(content_key, sealed, DOCUMENT)),
        "document": DOCUMENT,
    }


def release(key: Ed25519PrivateKey, header: ReleaseHeader, opener_key: bytes, content_key: bytes) -> bytes:
    """A signed release of the content key to one opener."""
    raw = headers.encode_header(header)
    message = relay.Release(
        v=1,
        city="hase",
        bus=BUS,
        re=b"\x54" * 32,
        at=AT,
        release_header=raw,
        wrapped_key=seal.wrap_for_opener(content_key, opener_key, raw),
    )
    return envelope.sign(message, key)


def resigned(fields: Fields, key: Ed25519PrivateKey, change: Callable[[relay.Release], relay.Release]) -> bytes:
    """The vector's release, changed and signed again by the relay: only the inner binding can notice."""
    raw = fields["release"]
    assert isinstance(raw, bytes)
    payload = strict_json.decode(raw, envelope.Envelope).payload
    return envelope.sign(change(strict_json.decode(payload, relay.Release)), key)


def flip(value: bytes, position: int) -> bytes:
    """One bit changed."""
    changed = bytearray(value)
    changed[position] ^= 0x01
    return bytes(changed)


def write(name: str, expect: str, fields: Fields) -> None:
    """One file."""
    lines = [f"expect: {expect}"]
    for key, value in fields.items():
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
        lines.append(f"{key}: {text}")
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Write all files."""
    key, opener = Ed25519PrivateKey.generate(), Opener()
    fields = good(key, opener)
    body, sealed = fields["body"], fields["seal-header"]
    assert isinstance(body, bytes)
    assert isinstance(sealed, bytes)

    def raw(name: str) -> bytes:
        value = fields[name]
        assert isinstance(value, bytes)
        return value

    write("opens", "opens", fields)
    write("wrong-bus", "wrong bus", fields | {"bus": "moba-2"})
    write("wrong-session", "wrong session", fields | {"session": "s" + "9f" * 12})
    write("wrong-attempt", "wrong attempt", fields | {"attempt": 2})
    write("replayed", "replayed", fields | {"nonce": b"\x77" * 32})
    write("other-opener-key", "other opener's key", fields | {"opener-key": Opener().private})
    write("truncated", "truncated", fields | {"body": body[:-1]})
    write("truncated-at-a-chunk", "truncated", fields | {"body": body[: 56 + 16 * 1024 + 16 - 32]})
    write("extra-byte", "extra byte", fields | {"body": body + b"\0"})
    for part, position in (("head", 3), ("first-chunk", 100), ("last-chunk", len(body) - 20), ("tag", len(body) - 1)):
        write(f"flipped-body-{part}", "flipped bit", fields | {"body": flip(body, position)})
    size = sealed.index(b'"size":') + 7
    write("flipped-seal-header", "flipped bit", fields | {"seal-header": flip(sealed, size)})
    envelope_of = strict_json.decode(raw("release"), envelope.Envelope)
    for part in ("payload", "sig"):
        changed = msgspec.structs.replace(envelope_of, **{part: flip(getattr(envelope_of, part), 40)})
        write(f"flipped-release-{part}", "flipped bit", fields | {"release": strict_json.encode(changed)})
    wrapped = resigned(fields, key, lambda r: msgspec.structs.replace(r, wrapped_key=flip(r.wrapped_key, 1160)))
    write("flipped-wrapped-key", "flipped bit", fields | {"release": wrapped})
    other_attempt = resigned(
        fields,
        key,
        lambda r: msgspec.structs.replace(r, release_header=r.release_header.replace(b'"attempt":1', b'"attempt":3')),
    )
    write("release-header-changed", "flipped bit", fields | {"release": other_attempt, "attempt": 3})
    newer = resigned(fields, key, lambda r: msgspec.structs.replace(r, v=2))
    write("unknown-version", "unknown version", fields | {"release": newer})
    newer = resigned(
        fields, key, lambda r: msgspec.structs.replace(r, release_header=r.release_header.replace(b'{"v":1', b'{"v":2'))
    )
    write("unknown-header-version", "unknown version", fields | {"release": newer})
    unknown = resigned(
        fields, key, lambda r: msgspec.structs.replace(r, release_header=r.release_header[:-1] + b',"more":1}')
    )
    write("unknown-header-field", "unknown field", fields | {"release": unknown})
    write_sequences()


def write_sequences() -> None:
    """Link messages in an order that city hall takes, repeats or calls stale."""
    key = Ed25519PrivateKey.generate()

    def hand_over(boot: int, seq: int) -> bytes:
        message = link.HandOver(v=1, city="hase", bus=BUS, boot=boot, seq=seq, at=AT, job=JOB, attempt=1)
        return envelope.sign(message, key)

    public = key.public_key().public_bytes_raw()
    cases = {
        "next-sequence": ("new", hand_over(3, 7), hand_over(3, 8)),
        "next-boot": ("new", hand_over(3, 7), hand_over(4, 1)),
        "same-message": ("repeat", hand_over(3, 7), hand_over(3, 7)),
        "older-sequence": ("older sequence", hand_over(3, 7), hand_over(3, 6)),
        "older-boot": ("older sequence", hand_over(3, 7), hand_over(2, 900)),
    }
    for name, (expect, last, message) in cases.items():
        write(name, expect, {"link-key": public, "last": last, "message": message})


if __name__ == "__main__":
    main()
