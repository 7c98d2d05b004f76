"""Seal and open beside AES-256-GCM of the same library: the same bytes, a fresh key and a fresh result for each, in one thread.

*Body* is the ciphertext alone (Cobblestone256: AES-256-GCM in chunks of 16 KiB, key by HKDF-SHA512). *Whole* has the commitment in
it, an HMAC-SHA256 over the document, which stands beside by itself: no cipher's speed can hide it.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cityhall_wire import headers, seal
from tests.bench.table import Goal, Row
from tests.seals import seal_header

SIZES: Final = (100_000, 1_000_000, 20_000_000)
GOAL: Final = Goal(0.8, at_least=True)
_BATCH_BYTES: Final = 40_000_000
"""Of one sample: a call that takes 20 microseconds is not timed alone."""

_PIECE: Final = 256 * 1024
"""In which the opener reads ciphertext."""

_COMMITMENT: Final = "commitment alone"
_PEER: Final = "AESGCM, same buffer"


class _Work(NamedTuple):
    what: str
    ours: Callable[[], object]
    peer: Callable[[], object]


def measure(rounds: int, sizes: Sequence[int] = SIZES, batch_bytes: int = _BATCH_BYTES) -> Iterator[Row]:
    """A row for each size and kind of work, in GB/s of the document."""
    for size in sizes:
        calls = max(1, batch_bytes // size)
        for work in _works(size):
            ours, peer = [], []
            for _ in range(rounds + 1):
                ours.append(size * calls / _seconds(work.ours, calls) / 1e9)
                peer.append(size * calls / _seconds(work.peer, calls) / 1e9)
            # The first of each is the warm-up.
            goal = None if work.what == _COMMITMENT else GOAL
            yield Row.beside(f"{work.what}, {size / 1e6:g} MB", "GB/s", ours[1:], peer[1:], _PEER, goal)


def _works(size: int) -> Iterator[_Work]:
    document, key, nonce = secrets.token_bytes(size), seal.new_content_key(), secrets.token_bytes(12)
    header = headers.encode_header(seal_header(document, key))
    context = headers.seal_digest(header)
    body, encrypted = seal.seal(key, header, document), AESGCM(key).encrypt(nonce, document, header)

    def encrypt() -> bytes:
        return AESGCM(key).encrypt(nonce, document, header)

    def decrypt() -> bytes:
        return AESGCM(key).decrypt(nonce, encrypted, header)

    def seal_whole() -> object:
        return seal.commitment(key, document), seal.seal(key, header, document)

    yield _Work("seal, body", lambda: seal.seal(key, header, document), encrypt)
    yield _Work("open, body", lambda: seal._decrypt(key, context, size, _pieces(body)), decrypt)
    yield _Work(_COMMITMENT, lambda: seal.commitment(key, document), encrypt)
    yield _Work("seal, whole", seal_whole, encrypt)
    yield _Work("open, whole", lambda: seal.open_body(key, header, _pieces(body)), decrypt)


def _pieces(body: bytearray) -> Iterator[memoryview]:
    view = memoryview(body)
    return (view[start : start + _PIECE] for start in range(0, len(view), _PIECE))


def _seconds(work: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start
