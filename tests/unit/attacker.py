"""Somebody who holds files and captured traffic, and tries every 32 bytes of them as a key.

The search is exhaustive over windows, so whoever leaves a key lying about in any of the forms in which bytes are kept
(raw, base64, base64 in base64, hex) is found out. `test_secrecy.py` shows with a planted key that it finds one.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cityhall_wire import headers

_KEY = 32
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){32,}")


def material(roots: Iterable[Path], traffic: Iterable[bytes]) -> list[bytes]:
    """Everything captured, and what it decodes to."""
    files = (path.read_bytes() for root in roots for path in sorted(root.rglob("*")) if path.is_file())
    found: list[bytes] = []
    for blob in (*files, *traffic):
        found += _decoded(blob)
    return found


def _decoded(blob: bytes, depth: int = 3) -> Iterator[bytes]:
    yield blob
    if depth == 0:
        return
    for match in _BASE64.finditer(blob):
        text = match.group()
        try:
            yield from _decoded(base64.b64decode(text[: len(text) // 4 * 4]), depth - 1)
        except binascii.Error:
            continue
    for match in _HEX.finditer(blob):
        yield bytes.fromhex(match.group().decode())


def keys_in(material: Iterable[bytes]) -> set[bytes]:
    """Every window of 32 bytes that could be a key: real ones have no run of zeros and no 32 letters."""
    windows: set[bytes] = set()
    for blob in material:
        windows.update(blob[at : at + _KEY] for at in range(len(blob) - _KEY + 1))
    return {window for window in windows if len(set(window)) >= 16}


def opens(key: bytes, seal_header: bytes, body: bytes) -> bool:
    """Whether this is the content key."""
    decryptor = Cobblestone256Decryptor(key, headers.seal_digest(seal_header))
    try:
        decryptor.update(body)
        decryptor.finalize()
    except InvalidTag:
        return False
    return True


def attack(
    material: list[bytes], seal_header: bytes, body: bytes, wrapped: Iterable[tuple[bytes, bytes]]
) -> bytes | None:
    """The content key, where it lies about or can be unwrapped with something that does. `wrapped` is (blob, its aad)."""
    candidates = keys_in(material)
    rows = list(wrapped)
    for key in candidates:
        if opens(key, seal_header, body):
            return key
        for blob, aad in rows:
            try:
                content_key = AESGCM(key).decrypt(blob[:12], blob[12:], aad)
            except InvalidTag:
                continue
            if opens(content_key, seal_header, body):
                return content_key
    return None
