"""Read a clerk's document into memory: as every body is read (cityhall_base.web.reading), under the document's own limits."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request

from cityhall_base.web import errors, reading
from cityhall_relay.errors import BodyTooLargeError

DOCUMENT_S: Final = 300.0
"""32 MiB at 1 Mbit/s from a branch office."""


async def document(request: Request, limit: int) -> bytes:
    """At most `limit` bytes of a document. Raises BodyTooLargeError, or SlowBodyError of cityhall_base."""
    content = bytearray()
    await parts(request, limit, content.extend)
    return bytes(content)


async def parts(request: Request, limit: int, take: Callable[[bytes], object]) -> None:
    """The same, to `take` as it comes."""
    try:
        await reading.each(request, limit, DOCUMENT_S, take)
    except errors.BodyTooLargeError:
        raise BodyTooLargeError(f"{limit} bytes are allowed") from None
