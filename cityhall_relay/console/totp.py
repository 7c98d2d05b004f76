"""The second factor: six digits that an app makes anew every 30 seconds (RFC 6238, HMAC-SHA1 as every app knows it)."""

import base64
import re
import secrets
import unicodedata
from typing import Final

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
"""RFC 4226 section 4, R6: the recommended length."""

WINDOW: Final = (-1, 0, 1)
"""A phone's clock may be half a minute off (RFC 6238 section 5.2)."""

_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> bytes:
    """For one account."""
    return secrets.token_bytes(SECRET_BYTES)


def step_of(secret: bytes, typed: str, utc_ms: int, last: int = 0) -> int | None:
    """The 30 seconds (counted since 1970) whose code was typed, later than `last`; None where it is no such code."""
    code = unicodedata.normalize("NFKC", typed).replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    made, now = _totp(secret), utc_ms // 1000 // STEP_S
    fitting = [now + n for n in WINDOW if now + n > last and _verifies(made, code, now + n)]
    return max(fitting, default=None)


def letters(secret: bytes) -> str:
    """Base32 in groups of four, to type into an app."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def picture(secret: bytes, who: str, issuer: str) -> str:
    """The key URI as a QR code in a data: address, which is written nowhere."""
    uri = _totp(secret).get_provisioning_uri(who, issuer)
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=5, border=4)


def _verifies(made: TOTP, code: str, step: int) -> bool:
    try:
        made.verify(code.encode(), step * STEP_S)
    except InvalidToken:
        return False
    return True


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303 - RFC 6238's own; its weakness is about collisions
