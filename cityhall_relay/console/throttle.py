"""Growing waits after wrong tries, for each account and each address. A restart forgets none of them.

A try is counted before it is judged, so that ten at once are ten. What was typed as an id may be a password in the wrong
field: only its digest is kept.
"""

import hashlib
from typing import Final, NamedTuple

from cityhall_base.clock import Clock
from cityhall_relay.console.errors import WaitError
from cityhall_relay.store import RelayStore
from cityhall_relay.store.console import Tries

FORGOTTEN_MS: Final = 24 * 3600 * 1000
MOST_ROWS: Final = 10_000
"""Accounts and addresses that are remembered; an attacker who types new ids makes the oldest forgotten, never his address."""


class Patience(NamedTuple):
    """`free` wrong tries cost nothing; then each wait is twice as long, from `first_s` to `most_s` seconds."""

    free: int
    first_s: int
    most_s: int

    def wait_ms(self, wrong: int) -> int:
        """After so many."""
        over = wrong - self.free
        return 0 if over <= 0 else 1000 * min(self.most_s, self.first_s * 2 ** min(over - 1, 30))


ACCOUNT: Final = Patience(free=5, first_s=5, most_s=900)
"""Who knows the password and guesses codes gets some hundred tries a day: 1 in 3,000 a day, with every try in the audit."""

ADDRESS: Final = Patience(free=20, first_s=5, most_s=900)
"""A whole office may stand behind one address."""


class Throttle:
    """Counts tries in the store."""

    def __init__(self, store: RelayStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def begin(self, who: str, address: str) -> None:
        """Count one try of each as wrong, until `forgive`. Raises WaitError, and then counts nothing."""
        keys = _keys(who, address)
        with self._store.event():
            left = max(self._left_ms(key, patience) for key, patience in keys)
            if left > 0:
                raise WaitError(-(-left // 1000))
            for key, _ in keys:
                self._store.save_tries(Tries(key=key, wrong=self._wrong(key) + 1, last_at=self._clock.utc_ms()))

    def forgive(self, who: str, address: str) -> None:
        """The try was right; inside the running event. The address keeps what it did to others."""
        (account, _), (place, _) = _keys(who, address)
        self._store.drop_tries(account)
        if found := self._store.tries(place):
            self._store.save_tries(Tries(key=place, wrong=max(0, found.wrong - 1), last_at=found.last_at))

    def sweep(self) -> None:
        """Forget what is old, and what is too much."""
        before = self._clock.utc_ms() - FORGOTTEN_MS
        if self._store.old_tries(before, MOST_ROWS):
            with self._store.event():
                self._store.drop_old_tries(before, MOST_ROWS)

    def _wrong(self, key: bytes) -> int:
        found = self._store.tries(key)
        return 0 if found is None or found.last_at + FORGOTTEN_MS <= self._clock.utc_ms() else found.wrong

    def _left_ms(self, key: bytes, patience: Patience) -> int:
        found = self._store.tries(key)
        if found is None:
            return 0
        wait = patience.wait_ms(self._wrong(key))
        # A clock that was set back must not make the wait longer than it is.
        return min(wait, found.last_at + wait - self._clock.utc_ms())


def _keys(who: str, address: str) -> tuple[tuple[bytes, Patience], tuple[bytes, Patience]]:
    return (_key("account", who), ACCOUNT), (_key("address", address), ADDRESS)


def _key(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()
