"""IPP messages in memory (RFC 8010): what is sent is plain, what is read may be anything that a printer says.

A codec of our own, because the reader stands beside the print key and must live with every printer. Measured on libcups' through
pycups 2.0.4: one octetString (printer-supply), resolution, textWithLanguage, `unknown` or collection makes the whole answer
unreadable, although printers send them unasked; a no-value is a null pointer; and it maps a TLS library, D-Bus and Avahi into the
process, 4.7 MiB. Here a value that is not understood is left out, and the rest is read. Tests compare both codecs, both ways.
"""

import os
import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from bus_agent.errors import PrinterAnswerError


class Group(IntEnum):
    """Delimiter tags (RFC 8010 section 3.5.1)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class Syntax(IntEnum):
    """Value tags that are sent or read (section 3.5.2). The numbers below 0x20 say why there is no value."""

    NO_VALUE = 0x13
    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    OCTET_STRING = 0x30
    RESOLUTION = 0x32
    BEGIN_COLLECTION = 0x34
    TEXT_WITH_LANGUAGE = 0x35
    NAME_WITH_LANGUAGE = 0x36
    END_COLLECTION = 0x37
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    URI_SCHEME = 0x46
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49


class Operation(IntEnum):
    """RFC 8011 section 5.4.15."""

    CREATE_JOB = 0x0005
    SEND_DOCUMENT = 0x0006
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B


class Resolution(NamedTuple):
    """Section 3.9: feed by cross-feed; `units` 3 is dots per inch, 4 per centimetre."""

    cross_feed: int
    feed: int
    units: int


Value = int | bool | str | bytes | Resolution
Attributes = Mapping[str, tuple[Value, ...]]


class Attribute(NamedTuple):
    """One attribute to send: its syntax, its name, and one value or a list."""

    syntax: Syntax
    name: str
    value: Value | list[str] | list[int]


class Found(NamedTuple):
    """One group of an answer. An attribute in a syntax that is not read has no values.

    Of one that is said twice the first counts, as with libcups (`ippeveprinter -a` says document-format-supported twice). But
    numbers are evidence: one that is said twice is not said.
    """

    group: int
    attributes: Attributes


class Message(NamedTuple):
    """`code` is the operation of a request, the status-code of an answer."""

    code: int
    request_id: int
    groups: tuple[Found, ...]

    def first(self, group: Group) -> Attributes:
        """The first group of this kind; empty where there is none."""
        return next(iter(self.all(group)), {})

    def all(self, group: Group) -> list[Attributes]:
        """Every group of this kind: two jobs in one answer are two groups."""
        return [found.attributes for found in self.groups if found.group == group]


_HEADER: Final = struct.Struct(">HHI")
_IPP_2_0: Final = 0x0200
_LANGUAGE: Final = (
    Attribute(Syntax.CHARSET, "attributes-charset", "utf-8"),
    Attribute(Syntax.LANGUAGE, "attributes-natural-language", "en"),
)
_FIRST_VALUE_TAG: Final = 0x10
_STRINGS: Final = frozenset({*range(Syntax.TEXT, Syntax.MIME_TYPE + 1)})
_WITH_LANGUAGE: Final = frozenset({Syntax.TEXT_WITH_LANGUAGE, Syntax.NAME_WITH_LANGUAGE})


def fresh_request_id() -> int:
    """1 to 2³¹-1, not to be guessed by whoever answers an earlier request."""
    return (int.from_bytes(os.urandom(4), "big") >> 1) or 1


def encode(code: int, groups: Iterable[tuple[Group, Iterable[Attribute]]], request_id: int) -> bytes:
    """A message's bytes. Every message opens with charset and language (RFC 8011 section 4.1.4.1), which are added here."""
    parts = [_HEADER.pack(_IPP_2_0, code, request_id), bytes([Group.OPERATION])]
    parts += (_encoded(attribute) for attribute in _LANGUAGE)
    for group, attributes in groups:
        if group is not Group.OPERATION:
            parts.append(bytes([group]))
        parts += (_encoded(attribute) for attribute in attributes)
    return b"".join([*parts, bytes([Group.END])])


def decode(raw: bytes, request_id: int) -> Message:
    """The answer to that request; raises PrinterAnswerError."""
    message = parse(raw)
    if message.request_id != request_id:
        raise PrinterAnswerError("it answers another request")
    return message


def parse(raw: bytes) -> Message:
    """Any message, what follows its end-of-attributes-tag left aside; raises PrinterAnswerError."""
    if len(raw) < _HEADER.size:
        raise PrinterAnswerError("cut off")
    _version, code, request_id = _HEADER.unpack_from(raw)
    return Message(code, request_id, tuple(_groups(_Bytes(raw, _HEADER.size))))


class _Bytes:
    def __init__(self, raw: bytes, at: int = 0) -> None:
        self._raw, self._at = raw, at

    def take(self, size: int) -> bytes:
        piece = self._raw[self._at : self._at + size]
        if len(piece) < size:
            raise PrinterAnswerError("cut off")
        self._at += size
        return piece

    def take_counted(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))


def _groups(left: _Bytes) -> Iterable[Found]:
    group = _Collecting(0)
    while True:
        tag = left.take(1)[0]
        if tag >= _FIRST_VALUE_TAG:
            group.add(tag, left.take_counted(), left.take_counted())
            continue
        if group.tag:
            yield group.found()
        if tag == Group.END:
            return
        group = _Collecting(tag)


class _Collecting:
    """One group while it is read."""

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self._values: dict[str, list[Value]] = {}
        self._into: list[Value] = []
        self._twice: set[str] = set()
        self._name, self._depth = "", 0

    def add(self, tag: int, name: bytes, raw: bytes) -> None:
        if not self.tag or not (name or self._name):
            raise PrinterAnswerError("a value that belongs to nothing")
        if name:
            self._begin(name.decode("ascii", "replace"))
        if tag == Syntax.END_COLLECTION:
            self._depth -= 1
        # Members of a collection come as further values of the attribute that it is; none is read.
        elif not self._depth and (value := _value(tag, raw)) is not None:
            self._into.append(value)
        if tag == Syntax.BEGIN_COLLECTION:
            self._depth += 1
        if self._depth < 0:
            raise PrinterAnswerError("a collection that ends before it begins")

    def _begin(self, name: str) -> None:
        if self._depth:
            raise PrinterAnswerError("a collection without an end")
        self._name, self._into = name, []
        if name in self._values:
            self._twice.add(name)
        else:
            self._values[name] = self._into

    def found(self) -> Found:
        if self._depth:
            raise PrinterAnswerError("a collection without an end")
        return Found(self.tag, {name: self._said(name) for name in self._values})

    def _said(self, name: str) -> tuple[Value, ...]:
        values = tuple(self._values[name])
        return () if name in self._twice and any(isinstance(value, int) for value in values) else values


def _value(tag: int, raw: bytes) -> Value | None:
    match tag:
        case Syntax.INTEGER | Syntax.ENUM:
            return int.from_bytes(_sized(raw, 4), "big", signed=True)
        case Syntax.BOOLEAN:
            return _sized(raw, 1) != b"\0"
        case Syntax.OCTET_STRING:
            return raw
        case Syntax.RESOLUTION:
            return Resolution(*struct.unpack(">iib", _sized(raw, 9)))
        case _ if tag in _WITH_LANGUAGE:
            pair = _Bytes(raw)
            pair.take_counted()
            return pair.take_counted().decode("utf-8", "replace")
        case _ if tag in _STRINGS:
            return raw.decode("utf-8", "replace")
    return None


def _sized(raw: bytes, size: int) -> bytes:
    if len(raw) != size:
        raise PrinterAnswerError(f"{len(raw)} bytes where {size} belong")
    return raw


def _encoded(attribute: Attribute) -> bytes:
    values = attribute.value if isinstance(attribute.value, list) else [attribute.value]
    name, parts = attribute.name.encode("ascii"), list[bytes]()
    for value in values:
        raw = _bytes_of(attribute.syntax, value)
        parts += (struct.pack(">BH", attribute.syntax, len(name)), name, struct.pack(">H", len(raw)), raw)
        name = b""
    return b"".join(parts)


def _bytes_of(syntax: Syntax, value: object) -> bytes:
    match value:
        case bool():
            return bytes([value])
        case int():
            return value.to_bytes(4, "big", signed=True)
        case str():
            return value.encode()
        case bytes():
            return value
        case Resolution():
            return struct.pack(">iib", *value)
    raise TypeError(f"{syntax.name}: {type(value).__name__}")
