"""The concierge's PIN: an Argon2id hash (RFC 9106) in the PHC string format, as city.toml keeps it.

One try costs 64 MiB and some 0.3 s of a processor: nothing here is called in an event loop. A PIN keeps passengers from the
keys of the screen; it protects no document. Whoever has the box's disk may try all six-digit PINs in days, and is answered
by `revoke`.
"""

import base64
import re
import secrets
from datetime import date
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 1
"""RFC 9106 section 4, second recommendation, with one lane: what the box can spare beside its agent (MemoryMax=256M)."""

MOST_MEMORY_KIB: Final = 128 * 1024
MOST_PASSES: Final = 10
"""What a hash may demand of the box. Who writes city.toml could else stop it with one line."""

PIN: Final = re.compile(r"[0-9]{6,12}")
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,9})"
    r"\$([A-Za-z0-9+/]{22,64})\$([A-Za-z0-9+/]{43,86})"
)
"""Salt of 16 bytes and hash of 32 at least, in base64 without padding."""

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32


def is_trivial(pin: str) -> bool:
    """Whether anybody would try it first: one digit, a short pattern again and again, a run, or a date."""
    repeated = any(pin == (pin[:size] * len(pin))[: len(pin)] for size in (1, 2, 3))
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return repeated or steps in ({1}, {9}) or _is_date(pin)


def is_phc(text: str) -> bool:
    """Whether it is a hash that this module would verify: Argon2id, and nothing that costs the box more than it has."""
    found = _PHC.fullmatch(text)
    if found is None:
        return False
    memory, passes, lanes = (int(found[n]) for n in (1, 2, 3))
    return 8 * lanes <= memory <= MOST_MEMORY_KIB and passes <= MOST_PASSES and lanes <= 4


def make(pin: str) -> str:
    """The PHC string for a new PIN; raises ValueError where it is no PIN."""
    if not PIN.fullmatch(pin):
        raise ValueError("a PIN has 6 to 12 digits")
    return derive(pin)


def derive(secret: str) -> str:
    """The PHC string for any new secret of a person."""
    return _argon2id().derive_phc_encoded(secret.encode())


def holds(pin: str, phc: str) -> bool:
    """Whether this PIN made this hash; False for whatever is no PIN or no hash. Takes its time: never in an event loop."""
    return bool(PIN.fullmatch(pin)) and matches(pin, phc)


def unmatched() -> str:
    """A PHC string that nobody knows a secret for, and that costs as much to try as any other."""
    salt, made = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES)
    )
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${made}"


def matches(secret: str, phc: str) -> bool:
    """Whether this secret made this hash; False for what is no hash. Takes its time, too."""
    if not is_phc(phc):
        return False
    try:
        Argon2id.verify_phc_encoded(secret.encode(), phc)
    except InvalidKey:
        return False
    return True


def _argon2id() -> Argon2id:
    salt = secrets.token_bytes(_SALT_BYTES)
    return Argon2id(salt=salt, length=_HASH_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)


def _is_date(pin: str) -> bool:
    """A day of this or the last century: 19701231, 701231, 31121970, 12311970."""
    years = ("", "19", "20")
    for year, month, day in ((slice(0, -4), slice(-4, -2), slice(-2, None)), *_YEAR_LAST):
        for century in years:
            digits = century + pin[year]
            if len(digits) == 4 and digits[:2] in years and _is_day(digits, pin[month], pin[day]):
                return True
    return False


_YEAR_LAST: Final = (
    (slice(4, None), slice(2, 4), slice(0, 2)),
    (slice(4, None), slice(0, 2), slice(2, 4)),
)


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
