"""An independent reading of the wire, written from docs/wire.md with the library's primitives: nothing of ours is imported.

It returns the verdict that a vector's first line must name.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RELEASE_FIELDS = {"v", "city", "bus", "session", "job", "seal_digest", "attempt", "nonce"}
RELEASE_FIELDS |= {"opener_key_digest", "mode", "approvals", "software", "config"}
TEXT = {"expect", "bus", "session", "job", "attempt"}


class Verdict(Exception):
    """Why it does not open."""


def load(path: Path) -> dict[str, Any]:
    """A vector's fields; byte strings decoded."""
    lines = [line.split(": ", 1) for line in path.read_text().splitlines()]
    return {key: value if key in TEXT else base64.b64decode(value, validate=True) for key, value in lines}


def verdict(vector: dict[str, Any]) -> str:
    """What became of the vector."""
    try:
        if "last" in vector:
            return sequence(vector)
        document = open_vector(vector)
    except Verdict as why:
        return str(why)
    return "opens" if document == vector["document"] else "another document"


def sequence(vector: dict[str, Any]) -> str:
    """new · repeat · older sequence"""
    last, message = (envelope(vector[name], vector["link-key"]) for name in ("last", "message"))
    places = [(json.loads(payload)["boot"], json.loads(payload)["seq"]) for payload in (last, message)]
    if places[1] > places[0]:
        return "new"
    return "repeat" if last == message else "older sequence"


def envelope(raw: bytes, key: bytes) -> bytes:
    """The signed payload."""
    outer = json.loads(raw)
    payload = base64.b64decode(outer["payload"])
    signed = b"cityhall/1 " + outer["kind"].encode() + b"\0" + outer["kid"].encode() + b"\0" + payload
    if outer["kid"] != hashlib.sha256(key).hexdigest()[:16]:
        raise Verdict("unknown key")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(outer["sig"]), signed)
    except InvalidSignature:
        raise Verdict("flipped bit") from None
    return payload


def open_vector(vector: dict[str, Any]) -> bytes:
    """The document, by every rule of the data path."""
    answer = json.loads(envelope(vector["release"], vector["relay-key"]))
    raw = base64.b64decode(answer["release_header"])
    header = json.loads(raw)
    if answer["v"] != 1 or header["v"] != 1:
        raise Verdict("unknown version")
    check(header, vector)
    content_key = unwrap(vector["opener-key"], base64.b64decode(answer["wrapped_key"]), raw)
    return open_body(content_key, vector["seal-header"], vector["body"])


def check(header: dict[str, Any], vector: dict[str, Any]) -> None:
    """The release header against the print at hand."""
    if set(header) != RELEASE_FIELDS:
        raise Verdict("unknown field")
    for field in ("bus", "session", "job", "attempt"):
        if str(header[field]) != vector[field]:
            raise Verdict(f"wrong {field}")
    if base64.b64decode(header["nonce"]) != vector["nonce"]:
        raise Verdict("replayed")
    if base64.b64decode(header["opener_key_digest"]) != tagged(b"opener-key", public_key(vector["opener-key"])):
        raise Verdict("other opener's key")
    if base64.b64decode(header["seal_digest"]) != tagged(b"seal-header", vector["seal-header"]):
        raise Verdict("flipped bit")


def tagged(tag: bytes, raw: bytes) -> bytes:
    """A digest under its domain tag."""
    return hashlib.sha256(b"cityhall/1 " + tag + b"\0" + raw).digest()


def halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """64 bytes of ML-KEM seed, then 32 of X25519."""
    return MLKEM768PrivateKey.from_seed_bytes(private[:64]), X25519PrivateKey.from_private_bytes(private[64:])


def public_key(private: bytes) -> bytes:
    """Both public halves."""
    mlkem, x25519 = halves(private)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def unwrap(private: bytes, wrapped: bytes, release_header: bytes) -> bytes:
    """The content key."""
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    try:
        return suite.decrypt(
            wrapped, hpke.MLKEM768X25519PrivateKey(*halves(private)), b"cityhall/1 release\0" + release_header
        )
    except InvalidTag:
        raise Verdict("flipped bit") from None


def open_body(content_key: bytes, seal_header: bytes, body: bytes) -> bytes:
    """The document, or how its length or its bits differ."""
    header = json.loads(seal_header)
    expected = header["size"] + 56 + 16 * (header["size"] // 16384 + 1)
    if len(body) != expected:
        raise Verdict("truncated" if len(body) < expected else "extra byte")
    decryptor = Cobblestone256Decryptor(content_key, tagged(b"seal-header", seal_header))
    try:
        document = decryptor.update(body) + decryptor.finalize()
    except InvalidTag:
        raise Verdict("flipped bit") from None
    key = HKDF(hashes.SHA256(), 32, None, b"cityhall/1 commitment").derive(content_key)
    if hmac.digest(key, document, "sha256") != base64.b64decode(header["commitment"]):
        raise Verdict("flipped bit")
    return document
