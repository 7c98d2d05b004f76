"""Passwords of the console: which are taken, and their Argon2id hashes (cityhall_base/pin.py), a few at a time in threads."""

import asyncio
import unicodedata
from collections.abc import Callable
from typing import Final, TypeVar

from cityhall_base import pin
from cityhall_relay.console.errors import CrowdedError, WeakPasswordError

R = TypeVar("R")

LEAST: Final = 12
"""Characters. NIST SP 800-63B section 3.1.1.2 asks for 8 beside a second factor, and for no rules about kinds of signs."""

AT_ONCE: Final = 2
"""Hashes that run: 64 MiB and about 0.15 s of a processor each."""

WAITING: Final = 40
"""Who waits for a turn: everybody at the counters at half past eight, for some 3 s."""

_TRIVIAL: Final = ("password", "passw0rd", "qwerty", "letmein", "welcome", "cityhall", "administrator", "shiyakusho")
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "01234567890123456789",
    "あいうえおかきくけこさしすせそ",
)


def tidy(typed: str) -> str:
    """One form of what looks the same: an input method may type full-width letters (NIST SP 800-63B asks for NFKC)."""
    return unicodedata.normalize("NFKC", typed)


def check(password: str, who: str) -> None:
    """Raises WeakPasswordError for one that is short, or that anybody would try first."""
    plain = password.casefold()
    repeated = any(plain == (plain[:size] * len(plain))[: len(plain)] for size in (1, 2, 3, 4, 6))
    run = any(plain in row * 2 or plain in (row * 2)[::-1] for row in _ROWS)
    # What stays when the obvious is taken out must still be worth something.
    rest = plain.replace(who, "")
    for word in _TRIVIAL:
        rest = rest.replace(word, "")
    if len(password) < LEAST or repeated or run or len(rest.strip("0123456789!?.-_ ")) < 4:
        raise WeakPasswordError


class Hashes:
    """Bounded: a flood of sign-ins costs a sentence, not the memory of the machine that seals documents."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody = pin.unmatched()

    async def make(self, password: str) -> str:
        """A new PHC string. Raises CrowdedError."""
        return await self._in_turn(pin.derive, password)

    async def holds(self, password: str, phc: str) -> bool:
        """Whether it is this password; without a hash it takes as long, and is False. Raises CrowdedError."""
        found = await self._in_turn(pin.matches, password, phc or self._nobody)
        return found and bool(phc)

    async def _in_turn(self, work: Callable[..., R], *values: str) -> R:
        if self._waiting >= WAITING:
            raise CrowdedError
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *values)
        finally:
            self._waiting -= 1
