"""The one way bytes become structs and back: JSON, limited in size and depth, no key twice, every field validated.

Byte strings travel as padded base64 (RFC 4648 section 4). Unknown fields are the struct's decision: headers refuse them
(`forbid_unknown_fields`), messages ignore them, so that an older side can read a newer one.
"""

import json
from typing import Any, Final, TypeVar

import msgspec

from cityhall_wire.errors import MalformedError, TooLargeError

T = TypeVar("T")

MESSAGE_BYTES: Final = 64 * 1024
"""Largest message in bytes: an inventory of 20 jobs takes about 8 kB, and the agent's socket to the spooler carries 64 KiB."""

DEPTH: Final = 16
"""Deepest nesting; our own messages need 5."""


def encode(value: msgspec.Struct) -> bytes:
    """Canonical bytes of a struct: fields in the order of their declaration, no blanks."""
    return msgspec.json.encode(value, order="deterministic")


def decode(raw: bytes, into: type[T], limit: int = MESSAGE_BYTES) -> T:
    """Read `raw` (at most `limit` bytes of JSON) as `into`.

    Raises TooLargeError or MalformedError; their texts name the field, never its value.
    """
    if len(raw) > limit:
        raise TooLargeError(f"{len(raw)} bytes, {limit} are allowed")
    try:
        return msgspec.convert(_parse(raw), into, builtin_types=())
    except msgspec.ValidationError as error:
        raise MalformedError(_without_values(error)) from None


def _parse(raw: bytes) -> Any:
    _check_depth(raw)
    try:
        # Decoded here: json.loads would take UTF-16 and UTF-32 too, which no other part of this program would read alike.
        value = json.loads(raw.decode(), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
        if b"\\u" in raw:
            _check_surrogates(value)
    except (ValueError, RecursionError):
        raise MalformedError("not JSON as agreed") from None
    return value


def _check_surrogates(value: Any) -> None:
    # Half of a pair (\ud800 alone, RFC 8259 section 8.2) makes a text that neither a database nor a socket can take;
    # UnicodeEncodeError is a ValueError.
    json.dumps(value, ensure_ascii=False).encode()


def _check_depth(raw: bytes) -> None:
    # Counts brackets inside strings too: none of our texts may hold that many.
    if raw.count(b"[") + raw.count(b"{") > DEPTH and _depth(raw) > DEPTH:
        raise MalformedError(f"nested deeper than {DEPTH}")


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for byte in raw:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedError("a key stands twice")
    return result


def _no_constant(name: str) -> Any:
    raise MalformedError(f"{name} is not a number")


def _without_values(error: msgspec.ValidationError) -> str:
    # msgspec names an invalid enum value in its text; a message could carry anything there.
    text = str(error)
    path = text.rsplit(" - at ", 1)[-1] if " - at " in text else "$"
    return f"at {path}: {'invalid value' if 'Invalid' in text else text.split(' - at ')[0]}"
