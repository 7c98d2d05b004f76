"""The border where bytes become structs: what is not JSON as agreed is refused with a sentence, wherever it comes from."""

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from cityhall_wire import strict_json
from cityhall_wire.errors import MalformedError, TooLargeError
from cityhall_wire.headers import Ordinal
from cityhall_wire.messages.link import LinkMessage
from cityhall_wire.strict_json import DEPTH, MESSAGE_BYTES

ROOT = Path(__file__).parents[2]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One field of each sort."""

    text: Annotated[str, Meta(max_length=8)] = ""
    number: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    real: float = 0.0
    raw: bytes = b""
    deep: Any = None


HOSTILE = {
    "no JSON": b"hello",
    "nothing": b"",
    "two values": b"{}{}",
    "a key twice": b'{"text":"a","text":"b"}',
    "a key twice, once escaped": b'{"text":"a","\\u0074ext":"b"}',
    "a key twice further down": b'{"deep":{"a":1,"a":2}}',
    "NaN": b'{"real":NaN}',
    "infinity": b'{"real":-Infinity}',
    "a number beyond every double": b'{"number":1e400}',
    "an integer beyond every database": b'{"number":9223372036854775808}',
    "an integer of 100 digits": b'{"number":' + b"9" * 100 + b"}",
    "an integer of 5000 digits": b'{"number":' + b"9" * 5000 + b"}",
    "a real of 400 digits": b'{"real":' + b"9" * 400 + b"}",
    "a number as text": b'{"number":"1"}',
    "text as a number": b'{"text":1}',
    "a list for an object": b"[]",
    "null for text": b'{"text":null}',
    "true for a number": b'{"number":true}',
    "no base64": b'{"raw":"%%%"}',
    "half a pair": b'{"text":"\\ud800"}',
    "half a pair in a key": b'{"deep":{"\\udc00":1}}',
    "UTF-16": '{"text":"a"}'.encode("utf-16"),
    "UTF-32": '{"text":"a"}'.encode("utf-32-le"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"text":"\xff"}',
    "a NUL behind it": b"{}\0",
    "a comment": b"{/**/}",
    "too deep": b'{"deep":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "much too deep": b"[" * 60_000,
    "too long a text": b'{"text":"123456789"}',
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_json_as_agreed_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="not in the agreed form"):
        strict_json.decode(raw, Thing)


def test_a_message_of_one_byte_too_many_is_refused_unread() -> None:
    whole = b"{}" + b" " * (MESSAGE_BYTES - 2)
    assert strict_json.decode(whole, Thing) == Thing()
    with pytest.raises(TooLargeError):
        strict_json.decode(whole + b" ", Thing)


def test_whole_pairs_and_other_escapes_are_text() -> None:
    assert strict_json.decode(b'{"text":"\\ud83d\\ude8c\\u3042"}', Thing).text == "🚌あ"


def test_no_number_that_orders_messages_is_too_large_for_a_database() -> None:
    hints = msgspec.inspect.type_info(LinkMessage)
    assert isinstance(hints, msgspec.inspect.StructType)
    numbers = [field.type for field in hints.fields if field.name in ("boot", "seq")]
    expected = msgspec.inspect.type_info(Ordinal)
    assert numbers == [expected, expected]


# A line that reads JSON without strict_json, and why it may.
ELSEWHERE = {
    ("bus_agent/driver/cell.py", "msgspec.json.decode"): "the orders that its own parent gave it",
    ("cityhall_wire/strict_json.py", "json.loads"): "the one way itself",
    (
        "cityhall_relay/intake/check.py",
        "msgspec.json.decode",
    ): "one typed report of the disposable process, itself bounded",
    ("cityhall_relay/intake/checker.py", "msgspec.json.decode"): "the limits that its own parent gave it",
    ("cityhall_relay/store/console.py", "msgspec.json.decode"): "the relay's own row, written by it",
    ("cityhall_relay/store/audit.py", "json.loads"): "the relay's own row, written by it",
    (
        "cityhall_relay/store/books.py",
        "msgspec.json.decode",
    ): "a line that was read strictly when it came, kept as it was",
    ("cityhall_relay/store/rows.py", "msgspec.json.decode"): "the relay's own row, written by it",
    ("cityhall_relay/store/theft.py", "msgspec.json.decode"): "the relay's own row, written by it",
    ("cityhall_relay/sync.py", "msgspec.json.decode"): "the relay's own row, written by it",
    ("cityhall_relay/views.py", "msgspec.json.decode"): "the relay's own row, written by it",
}
READS = re.compile(r"\b(json\.loads?|msgspec\.json\.decode|\.json\(\))")


def test_nothing_in_service_reads_json_in_another_way() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), match)
        for room in ("cityhall_wire", "cityhall_base", "cityhall_relay", "bus_agent")
        for path in (ROOT / room).rglob("*.py")
        for match in READS.findall(path.read_text(encoding="utf-8"))
    }
    assert found - ELSEWHERE.keys() == set()
