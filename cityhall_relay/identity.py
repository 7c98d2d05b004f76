"""Which box is the bus: the rolling token against clones (docs/design.md, "Theft, loss and clones").

A token is an 8-byte big-endian generation and 16 random bytes. City hall knows two: `token`, which the bus has shown, and
`next_token`, which it handed out last. Every request that is answered gets a new one, and the same request the same one:
one request is in flight, its answer is taken by `re` alone, and the bus commits a token before it shows it. So a single
bus, whatever is lost, doubled or late, shows one of the two. Whoever shows another one is a second box with the same
keys, or a box that was set back; both are suspended at once, because nobody here can tell which is which.
"""

import secrets
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus
from cityhall_wire.messages.link import Sync

GENERATION_BYTES: Final = 8
TOKEN_BYTES: Final = GENERATION_BYTES + 16
_HIGHEST: Final = 2**62
"""A syncing bus counts to a million in two years; whoever shows this made it up, and the next one must fit its column."""


class Verdict(Enum):
    """What a shown token is."""

    KNOWN = "known"
    NEWER = "newer"  # city hall was set back: it had handed this one out before it was restored from a backup
    CLONE = "clone"


class Taken(NamedTuple):
    """The bus's row after its token was judged, and the token that its plan carries."""

    bus: Bus
    token: bytes


def generation(token: bytes) -> int:
    """0 for none, and for one of a release that did not count them."""
    return int.from_bytes(token[:GENERATION_BYTES], "big") if len(token) == TOKEN_BYTES else 0


def judge(bus: Bus, shown: bytes) -> Verdict:
    """What `shown` is beside what city hall knows of this bus."""
    if not bus.next_token or shown in (bus.token, bus.next_token):
        # Nothing was handed out yet, or two persons have let the bus back in: whoever speaks first is the bus.
        return Verdict.KNOWN
    return Verdict.NEWER if _known(bus) < generation(shown) < _HIGHEST else Verdict.CLONE


class Identity:
    """Inside the running event of a sync that is in order and properly signed: a stale one never comes here."""

    def __init__(self, store: RelayStore, suspend: Callable[[str], None]) -> None:
        self._store, self._suspend = store, suspend

    def follow(self, bus: Bus, sync: Sync, re: bytes) -> Taken:
        """Judge the token that this sync shows; `re` names the request."""
        if bus.suspended:
            return Taken(bus, sync.token)  # nobody's token moves before two persons have said which box it is
        if bus.next_token and bus.token_for == re:
            return Taken(bus, bus.next_token)  # the same request again: its first answer may be the one that is taken
        verdict = judge(bus, sync.token)
        if verdict is Verdict.CLONE:
            self._record("clone", bus, sync)
            self._suspend(bus.bus)
            return Taken(self._store.bus(bus.bus), sync.token)
        if verdict is Verdict.NEWER:
            self._record("set_back", bus, sync)
        return self._next(bus, sync.token, re)

    def _next(self, bus: Bus, shown: bytes, re: bytes) -> Taken:
        number = max(_known(bus), min(generation(shown), _HIGHEST)) + 1
        new = number.to_bytes(GENERATION_BYTES, "big") + secrets.token_bytes(TOKEN_BYTES - GENERATION_BYTES)
        bus = msgspec.structs.replace(bus, token=shown, next_token=new, token_for=re, token_floor=number)
        return Taken(bus, new)

    def _record(self, kind: str, bus: Bus, sync: Sync) -> None:
        shown, known = generation(sync.token), _known(bus)
        self._store.record(kind, bus=bus.bus, boot=sync.boot, seq=sync.seq, shown=shown, known=known)


def forgotten(bus: Bus) -> Bus:
    """The row after two persons let the bus back in: any token is taken once, and no older one is ever believed again."""
    return msgspec.structs.replace(bus, token=b"", next_token=b"", token_for=b"", token_floor=_known(bus))


def _known(bus: Bus) -> int:
    return max(generation(bus.token), generation(bus.next_token), bus.token_floor)
