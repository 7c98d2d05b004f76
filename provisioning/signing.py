"""Ed25519 keys as PEM (RFC 8410), as `cityhall_base.keys` reads them."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PEM = serialization.Encoding.PEM


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's mode protects it."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
