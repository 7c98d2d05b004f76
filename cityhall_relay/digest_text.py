"""A signed digest as a text for a QR code: capital letters and digits alone, which a code packs densest (ISO/IEC 18004).

`CHD1-` and, in base32 (RFC 4648 section 6) without padding: the key id (8 bytes), the signature (64), the payload deflated
(RFC 1951). It is the whole digest: who scans it needs no relay and no file to check it.
"""

import base64
import binascii
import zlib
from typing import Final

from cityhall_relay.errors import DigestError
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.digest import DailyDigest
from cityhall_wire.messages.envelope import Envelope

PREFIX: Final = "CHD1-"
TEXT_BYTES: Final = 4096
"""Of a digest in any form: an envelope takes about 900 bytes."""

PAYLOAD_BYTES: Final = 2048
_KID, _SIG = 8, 64


def printed(raw: bytes) -> str:
    """The text of an envelope."""
    one = strict_json.decode(raw, Envelope, envelope.ENVELOPE_BYTES)
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(one.payload) + packer.flush()
    return PREFIX + base64.b32encode(bytes.fromhex(one.kid) + one.sig + packed).decode().rstrip("=")


def as_envelope(raw: bytes) -> bytes:
    """The envelope in a file or a scan: as it is, or as `printed` wrote it, in lines and small letters too. Raises DigestError."""
    if len(raw) > TEXT_BYTES:
        raise DigestError(f"more than {TEXT_BYTES} bytes")
    text = b"".join(raw.split())
    if not text.upper().startswith(PREFIX.encode()):
        return raw
    content = _unpacked(text[len(PREFIX) :].upper())
    kid, sig, packed = content[:_KID], content[_KID : _KID + _SIG], content[_KID + _SIG :]
    if len(sig) != _SIG:
        raise DigestError("it is not whole")
    kind = envelope.kind_of(DailyDigest)
    return strict_json.encode(Envelope(kind=kind, kid=kid.hex(), payload=_inflated(packed), sig=sig))


def opened(raw: bytes, keyring: envelope.Keyring) -> DailyDigest:
    """The verified digest in a file or a scan. Raises DigestError."""
    try:
        return envelope.verify(as_envelope(raw), keyring).expect(DailyDigest)
    except WireError as error:
        raise DigestError(str(error)) from None


def _unpacked(text: bytes) -> bytes:
    try:
        return base64.b32decode(text + b"=" * (-len(text) % 8))
    except binascii.Error:
        raise DigestError("it is not whole") from None


def _inflated(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=-15)
    try:
        payload = unpacker.decompress(packed, PAYLOAD_BYTES)
    except zlib.error:
        raise DigestError("it is not whole") from None
    if not unpacker.eof or unpacker.unused_data:
        raise DigestError("it is not whole")
    return payload
