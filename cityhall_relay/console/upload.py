"""How a clerk's document gets in: as the raw body that a script sends, or in the form that a browser sends without one.

Either way it goes into memory, bounded, as it comes; never to a file. What the browser says of the file's name is not even read: it
may hold a resident's name.
"""

import logging
from collections.abc import Mapping
from email.message import Message
from typing import Final, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.requests import Request

from cityhall_relay.errors import BodyTooLargeError, RequestError, UploadTypeError
from cityhall_relay.web import reading

RAW: Final = frozenset({"application/pdf", "application/octet-stream"})
FORM: Final = "multipart/form-data"

FIELD_BYTES: Final = 256
MOST_FIELDS: Final = 12
_ROUND_IT: Final = 16 * 1024
"""Bytes of a form beside its file: boundaries, headers and short fields."""

# It quotes single bytes of what it cannot read, and here that is a resident's document.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Sent(NamedTuple):
    """The fields of the form, and the document."""

    fields: Mapping[str, str]
    document: bytes


def kind(request: Request) -> str:
    """`FORM`, or one of `RAW`. Raises UploadTypeError."""
    said = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if said != FORM and said not in RAW:
        raise UploadTypeError
    return said


async def form(request: Request, limit: int) -> Sent:
    """The form that comes in this body, its file of at most `limit` bytes.

    Raises RequestError, BodyTooLargeError, or SlowBodyError of cityhall_base.
    """
    parts = _Parts(limit)
    try:
        parser = MultipartParser(_boundary(request), parts.callbacks())  # type: ignore[arg-type]  # its TypedDict knows no str
        await reading.parts(request, limit + _ROUND_IT, parser.write)
        parser.finalize()
    except FormParserError as error:
        raise RequestError("the form cannot be read") from error
    if not parts.ended:
        raise RequestError("the form is incomplete")
    return Sent(parts.fields, bytes(parts.document))


def _boundary(request: Request) -> bytes:
    # The library of mail reads the parameters of a header as RFC 9110 section 5.6.6 writes them.
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise RequestError("the form has no boundary")
    return boundary.encode("ascii", "replace")


class _Parts:
    """What python-multipart calls while the body comes. The part named `file` is the document."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.fields: dict[str, str] = {}
        self.document = bytearray()
        self.ended = False
        self._parts = 0
        self._begin()

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._field, self._value, self._name, self._content = bytearray(), bytearray(), "", bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            header = Message()
            header["content-disposition"] = self._value.decode("ascii", "replace").replace("\n", " ").replace("\r", " ")
            name = header.get_param("name", header="content-disposition")
            self._name = name if isinstance(name, str) else ""
        self._field, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        self._parts += 1
        if self._parts > MOST_FIELDS or not self._name:
            raise RequestError("the form has other fields than ours")

    def _data(self, data: bytes, start: int, end: int) -> None:
        into, most = (self.document, self._limit) if self._name == "file" else (self._content, FIELD_BYTES)
        if len(into) + end - start > most:
            if into is self.document:
                raise BodyTooLargeError(f"{self._limit} bytes are allowed")
            raise RequestError("a field of the form is too long")
        into += data[start:end]

    def _part_end(self) -> None:
        if self._name != "file":
            self.fields[self._name] = self._content.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True
