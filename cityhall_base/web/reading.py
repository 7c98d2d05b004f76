"""Read a request's body into memory: counted while it comes, never believed from its headers, never on a disk."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from cityhall_base.web.errors import BodyTooLargeError, MediaTypeError, SlowBodyError
from cityhall_wire.errors import TooLargeError
from cityhall_wire.strict_json import MESSAGE_BYTES

MESSAGE_S: Final = 30.0
"""64 KiB at 20 kbit/s, a poor cell in a valley."""

SILENCE_S: Final = 30.0
"""A client that sends nothing for so long is gone."""


async def message(request: Request, limit: int = MESSAGE_BYTES) -> bytes:
    """At most `limit` bytes of JSON. Raises MediaTypeError, TooLargeError or SlowBodyError."""
    kind = request.headers.get("content-type", "application/json")
    if kind.split(";")[0].strip().lower() != "application/json":
        raise MediaTypeError
    try:
        return await body(request, limit, MESSAGE_S)
    except BodyTooLargeError:
        raise TooLargeError(f"{limit} bytes are allowed") from None


async def body(request: Request, limit: int, seconds: float) -> bytes:
    """At most `limit` bytes within `seconds`. Raises BodyTooLargeError or SlowBodyError."""
    content = bytearray()
    await each(request, limit, seconds, content.extend)
    return bytes(content)


async def each(request: Request, limit: int, seconds: float, take: Callable[[bytes], object]) -> None:
    """Every part of it to `take` as it comes, at most `limit` bytes within `seconds`. Raises BodyTooLargeError or SlowBodyError."""
    try:
        async with asyncio.timeout(seconds):
            await _each(request, limit, take)
    except (TimeoutError, ClientDisconnect):
        raise SlowBodyError from None


async def _each(request: Request, limit: int, take: Callable[[bytes], object]) -> None:
    received = 0
    chunks = aiter(request.stream())
    while True:
        async with asyncio.timeout(SILENCE_S):
            chunk = await anext(chunks, None)
        if chunk is None:
            break
        received += len(chunk)
        if received <= limit:
            take(chunk)
        elif received > 2 * limit:
            break  # an honest client gets its sentence after the whole body; nobody may send for ever
    if received > limit:
        raise BodyTooLargeError(f"{limit} bytes are allowed")
