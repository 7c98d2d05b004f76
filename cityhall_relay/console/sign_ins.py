"""Who is signed in with which browser. The id is in its cookie alone; here is its SHA-256 (OWASP ASVS 5.0, chapter 7).

An id is new at each sign-in and with each change of what it may do, so one that somebody knew before opens nothing.
"""

import hashlib
import hmac
import secrets
from typing import Final

from cityhall_base.clock import Clock
from cityhall_relay.settings import ConsoleSettings
from cityhall_relay.store import RelayStore
from cityhall_relay.store.console import SignIn

ID_BYTES: Final = 32
MOST: Final = 10
"""Browsers of one account; the oldest gives way."""

WRITTEN_MS: Final = 120_000
"""How often "last seen" goes to the disk: each press would be a commit that wakes every screen."""

BY_CODE: Final = "code"
"""`via` of somebody who may set a password and nothing else."""


class SignIns:
    """Begins, finds and ends them; `ends` counts, so that an open stream notices."""

    def __init__(self, store: RelayStore, settings: ConsoleSettings, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._idle_ms, self._whole_ms = settings.idle_min * 60_000, settings.hours * 3_600_000
        self._seen: dict[bytes, int] = {}
        self.ends = 0

    def begin(self, who: str, via: str, address: str) -> str:
        """The id for a new cookie; inside the running event."""
        for old in self._store.sign_ins(who)[: -(MOST - 1)]:
            self.end(old, "too_many")
        name, now = secrets.token_urlsafe(ID_BYTES), self._clock.utc_ms()
        one = SignIn(digest=_digest(name), who=who, via=via, address=address, made_at=now, seen_at=now)
        self._store.add_sign_in(one)
        self._store.record("console_signed_in", who=who, via=via, address=address, browser=one.name)
        return name

    def find(self, name: str) -> SignIn | None:
        """The live one of this id."""
        found = self._store.sign_in(_digest(name)) if name else None
        return None if found is None or self._over(found) else found

    def still(self, one: SignIn) -> bool:
        """Whether it has not ended since."""
        found = self._store.sign_in(one.digest)
        return found is not None and not self._over(found)

    def saw(self, one: SignIn) -> None:
        """A person did something in it."""
        now = self._clock.utc_ms()
        self._seen[one.digest] = now
        if now - one.seen_at >= min(WRITTEN_MS, self._idle_ms // 4):
            with self._store.event():
                self._store.saw_sign_in(one.digest, now)

    def of(self, who: str) -> list[SignIn]:
        """The live ones of an account, as they were last seen."""
        return [one for one in self._store.sign_ins(who) if not self._over(one)]

    def seen_at(self, one: SignIn) -> int:
        """UTC milliseconds of the last press."""
        return max(one.seen_at, self._seen.get(one.digest, 0))

    def renew(self, one: SignIn) -> str:
        """The same browser under a new id; inside the running event. The end after so many hours stays where it was."""
        name = secrets.token_urlsafe(ID_BYTES)
        self._forget(one)
        self._store.add_sign_in(
            SignIn(
                digest=_digest(name),
                who=one.who,
                via=one.via,
                address=one.address,
                made_at=one.made_at,
                seen_at=self._clock.utc_ms(),
            )
        )
        return name

    def end(self, one: SignIn, why: str) -> None:
        """Over; inside the running event."""
        self._forget(one)
        self._store.record("console_signed_out", who=one.who, browser=one.name, why=why)

    def end_all(self, who: str, why: str, but: SignIn | None = None) -> None:
        """Of an account; inside the running event."""
        for one in self._store.sign_ins(who):
            if but is None or one.digest != but.digest:
                self.end(one, why)

    def sweep(self) -> None:
        """End those that are over."""
        now = self._clock.utc_ms()
        stale = [
            one for one in self._store.stale_sign_ins(now - self._idle_ms, now - self._whole_ms) if self._over(one)
        ]
        if stale:
            with self._store.event():
                for one in stale:
                    self.end(one, "time")

    def _forget(self, one: SignIn) -> None:
        self._store.drop_sign_in(one.digest)
        self._seen.pop(one.digest, None)
        self.ends += 1

    def _over(self, one: SignIn) -> bool:
        now = self._clock.utc_ms()
        return now >= self.seen_at(one) + self._idle_ms or now >= one.made_at + self._whole_ms


def csrf(name: str) -> str:
    """The token of every form in the browser that has this id; nobody who reads the store can work it out."""
    return hmac.new(name.encode(), b"cityhall/1 console form", hashlib.sha256).hexdigest()


def same(token: str, own: str) -> bool:
    """Whether it is this token, in a time that tells nothing."""
    return hmac.compare_digest(token.encode(), own.encode())


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
