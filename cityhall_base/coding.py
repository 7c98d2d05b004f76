"""Envelopes on the metered line travel packed: HTTP's `deflate` (RFC 9110 section 8.4.1.2), which is zlib (RFC 1950).

Keys in base64 inside base64 shrink by a quarter and JSON's names by more: a release pair takes 4.5 kB for 6.3. No envelope
holds a secret beside what somebody else chose, so its length tells nothing of one.
"""

import zlib
from typing import Final

from cityhall_wire.errors import MalformedError, TooLargeError

DEFLATE: Final = "deflate"
IDENTITY: Final = "identity"


def pack(raw: bytes) -> bytes:
    """What travels."""
    return zlib.compress(raw)


def unpack(packed: bytes, limit: int) -> bytes:
    """What was packed, of at most `limit` bytes. Raises TooLargeError, before more than that is unpacked, or MalformedError."""
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(packed, limit + 1)
    except zlib.error:
        raise MalformedError("not packed as agreed") from None
    if len(raw) > limit:
        raise TooLargeError(f"{limit} bytes are allowed")
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedError("not packed as agreed")
    return raw
