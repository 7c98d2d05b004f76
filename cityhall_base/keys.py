"""Ed25519 keys in files: PEM (RFC 8410), private ones mode 0600 and readable by one process only."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cityhall_base.errors import KeyFileError
from cityhall_base.files import KEY_BYTES, UnfitFileError, read_small


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises KeyFileError where the file is not an Ed25519 private key, or others may read it."""
    raw = _read(path, private=True)
    try:
        key = serialization.load_pem_private_key(raw, None)
    except TypeError:
        raise KeyFileError(f"{path} is locked with a password; keys of services are kept without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} holds no private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is not an Ed25519 key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Raises KeyFileError where the file is not an Ed25519 public key."""
    raw = _read(path, private=False)
    try:
        key = serialization.load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is not an Ed25519 key")
    return key


def _read(path: Path, *, private: bool) -> bytes:
    try:
        return read_small(path, KEY_BYTES, private=private)
    except UnfitFileError as error:
        raise KeyFileError(str(error)) from None
