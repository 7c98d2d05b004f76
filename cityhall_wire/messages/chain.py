"""The hash chain of both journals: each row's hash covers the one before it, so a row cannot be changed, dropped or moved.

Daily digests of the chain leave the machine (audit), so both sides and an auditor must compute the same.
"""

import hashlib
from typing import Final

import msgspec

from cityhall_wire import strict_json
from cityhall_wire.headers import UtcMs

GENESIS: Final = bytes(32)
"""The hash before the first row."""


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it is hashed. `body` is JSON text without names, keys or documents."""

    n: int  # counts from 1
    at: UtcMs
    kind: str
    job: str  # empty where the row is about no job
    body: str


def row_hash(previous: bytes, row: JournalRow) -> bytes:
    """32 bytes: SHA-256 over the previous hash and the row's canonical bytes."""
    return hashlib.sha256(b"cityhall/1 journal\0" + previous + strict_json.encode(row)).digest()
