"""Seal a document for carriage, and open it whole.

Two layers, both the library's constructions:
- the *body* is Cobblestone256 over the document, its key the job's random content key, its context the seal digest;
- the *content key* travels in HPKE base mode (RFC 9180) with MLKEM768_X25519, HKDF-SHA256 and AES-256-GCM, its `info` the
  release header: whoever holds another header, or another opener's key, opens nothing.

The commitment in the seal header (HMAC-SHA256 under a key derived from the content key) binds the header to one document.
A plain digest would let a thief confirm a guessed form.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cityhall_wire import headers
from cityhall_wire.errors import OpenError

CONTENT_KEY_BYTES: Final = 32
OPENER_KEY_BYTES: Final = 1184 + 32
"""An ML-KEM-768 encapsulation key and an X25519 public key, in this order (X-Wing's)."""

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_CHUNK: Final = 16 * 1024
_CHUNK_OVERHEAD: Final = 16
_STREAM_OVERHEAD: Final = 56
_INFO: Final = b"cityhall/1 release\0"


def new_content_key() -> bytes:
    """32 random bytes: one per job, never used again."""
    return secrets.token_bytes(CONTENT_KEY_BYTES)


def commitment(content_key: bytes, document: bytes | bytearray | memoryview) -> bytes:
    """32 bytes that fit only this document under this content key."""
    key = HKDF(SHA256(), 32, None, b"cityhall/1 commitment").derive(content_key)
    return hmac.digest(key, document, "sha256")


def seal(content_key: bytes, seal_header: bytes, document: bytes) -> bytearray:
    """The body: `sealed_size(len(document))` bytes of ciphertext, bound to the exact header bytes."""
    encryptor = Cobblestone256Encryptor(content_key, headers.seal_digest(seal_header))
    # Into one buffer: results that are joined cost four times the encryption itself at 20 MB, in fresh pages and copies.
    body = bytearray(sealed_size(len(document)))
    filled = encryptor.update_into(document, body)
    body[filled:] = encryptor.finalize()
    return body


def sealed_size(size: int) -> int:
    """Bytes of the body of a document of `size` bytes."""
    return size + _STREAM_OVERHEAD + _CHUNK_OVERHEAD * (size // _CHUNK + 1)


def open_body(content_key: bytes, seal_header: bytes, chunks: Iterable[bytes | bytearray | memoryview]) -> bytearray:
    """The whole document, or OpenError: every chunk, the end, the size and the commitment hold, or nothing is returned.

    The decryptor gives out chunks before it has seen the end, so nothing leaves this function before all is checked. A chunk
    may be a view of a buffer that is used again for the next one.
    """
    header = headers.decode_seal_header(seal_header)
    document = _decrypt(content_key, headers.seal_digest(seal_header), header.size, chunks)
    if not hmac.compare_digest(commitment(content_key, document), header.commitment):
        raise OpenError("the commitment does not fit")
    return document


def _decrypt(
    content_key: bytes, context: bytes, size: int, chunks: Iterable[bytes | bytearray | memoryview]
) -> bytearray:
    document = bytearray(size)
    view, filled = memoryview(document), 0
    try:
        decryptor = Cobblestone256Decryptor(content_key, context)
        for chunk in chunks:
            filled += decryptor.update_into(chunk, view[filled:])
        last = decryptor.finalize()
    except InvalidTag:
        raise OpenError("the ciphertext is not the one that was sealed") from None
    except ValueError:
        # The one other thing that update_into refuses: a buffer too small for what it would give out.
        raise OpenError("longer than its header says") from None
    if filled + len(last) != size:
        raise OpenError("not as long as its header says")
    view[filled:] = last
    return document


class OpenerKey:
    """A key pair for one print. It lives in the opener's memory and ends with its process."""

    def __init__(self) -> None:
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public: Final = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def unwrap(self, wrapped: bytes, release_header: bytes) -> bytes:
        """The content key of the release with exactly these header bytes; raises OpenError."""
        try:
            return _SUITE.decrypt(wrapped, self._private, _INFO + release_header)
        except InvalidTag:
            raise OpenError("the release is not for this opener and header") from None


def wrap_for_opener(content_key: bytes, opener_key: bytes, release_header: bytes) -> bytes:
    """The content key for one opener's public key (1216 bytes) and one release header: 1168 bytes.

    Raises OpenError where the key is not a point of the suite.
    """
    if len(opener_key) != OPENER_KEY_BYTES:
        raise OpenError("not an opener's key")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(opener_key[:-32])
        x25519 = X25519PublicKey.from_public_bytes(opener_key[-32:])
        return _SUITE.encrypt(content_key, MLKEM768X25519PublicKey(mlkem, x25519), _INFO + release_header)
    except ValueError:
        raise OpenError("not an opener's key") from None
