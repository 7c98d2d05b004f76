"""How a valid message is spoilt: in its bytes, and in what they say."""

import json
from copy import deepcopy
from random import Random
from typing import Any, Final

_TOKENS: Final = (
    b"", b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b"\\", b"\\u0000", b"\\ud800", b"{", b"}", b"[",
    b"]" * 40, b"[" * 40, b",", b":", b"NaN", b"Infinity", b"1e400", b"-1", b"9" * 30, b"9" * 5000, b"null", b"true",
    b"\r\n\r\n", b"A" * 4096, b'"v":1,', b'"v":2,', b"/../", b"%00",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 2**64, 10**40, -(2**63), 0.5, 1e308, "", "x", "A" * 40, "A" * 5000, "\0",
    "\ud800", "../../etc/passwd", "見本 太郎", "💥" * 50, "' or 1=1 --", "%s%n{0}", [], {}, [[]], [None] * 300, {"": ""},
    {"a": {"b": {"c": {}}}}, "AAAA", "AAA", "====", "j" + "0" * 24, "j" + "f" * 24,
)  # fmt: skip


def in_bytes(raw: bytes, draw: Random) -> bytes:
    """Flipped, cut, doubled, filled with what parsers dislike; one to four times."""
    data = bytearray(raw)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << draw.randrange(8)
            case 1:
                del data[at : at + draw.randint(1, 40)]
            case 2:
                data[at:at] = draw.choice(_TOKENS)
            case 3:
                data[at:at] = data[draw.randrange(len(data) + 1) :][:200]
            case 4:
                del data[at:]
            case _:
                data[at : at + 1] = bytes([draw.randrange(256)])
    return bytes(data)


def in_structure(raw: bytes, draw: Random, keep: tuple[str, ...] = ()) -> bytes:
    """The same JSON with one to three places changed, taken out, added or doubled; never below a key of `keep`."""
    value = json.loads(raw)
    for _ in range(draw.randint(1, 3)):
        _spoil(value, draw, keep)
    text = json.dumps(value, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.1 and isinstance(value, dict) and value:
        name = draw.choice(list(value))
        text = text[:-1] + f",{json.dumps(name)}:{json.dumps(draw.choice(_VALUES))}}}"  # a key twice
    return text.encode("utf-8", "surrogatepass")


def _spoil(value: Any, draw: Random, keep: tuple[str, ...]) -> None:
    places = [place for place in _places(value) if place[1] not in keep]
    if not places:
        return
    holder, key = draw.choice(places)
    match draw.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw.choice(("new", "is", "v", "__class__", "A" * 300, "\ud800", ""))] = deepcopy(
                draw.choice(_VALUES)
            )
        case 2 if isinstance(holder[key], str) and holder[key]:
            holder[key] = in_bytes(holder[key].encode("utf-8", "surrogatepass"), draw).decode("utf-8", "replace")
        case 3 if isinstance(holder, list):
            holder.extend(holder[:50] * draw.randint(1, 4))
        case _:
            holder[key] = deepcopy(draw.choice(_VALUES))


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found += [(value, key) for key in value]
        for inner in list(value.values()):
            found += _places(inner)
    elif isinstance(value, list):
        found += [(value, n) for n in range(len(value))]
        for inner in value:
            found += _places(inner)
    return found
