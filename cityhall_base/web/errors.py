"""How errors look over HTTP: always `{"key", "sentence"}`, never a traceback."""

import sqlite3
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from cityhall_base.errors import StoreError
from cityhall_base.store import trouble
from cityhall_wire.errors import SignatureError, TooLargeError, WireError

NO_ROOM: Final = 507
"""Insufficient Storage (RFC 4918 section 11.5): nothing was taken, and the same request may succeed later."""


class HttpError(Exception):
    """The request could not be answered."""

    key: ClassVar[str] = "http.failed"
    status: ClassVar[int] = 500  # RFC 9110 section 15

    def __str__(self) -> str:
        text, detail = type(self).__doc__ or "", super().__str__()
        return f"{text} ({detail})" if detail else text


class BodyTooLargeError(HttpError):
    """The request is larger than what is taken here."""

    key = "http.body_too_large"
    status = 413


class SlowBodyError(HttpError):
    """The request stopped in the middle; send it again."""

    key = "http.slow_body"
    status = 408


class MediaTypeError(HttpError):
    """Only JSON is understood here."""

    key = "http.media_type"
    status = 415


class CodingError(HttpError):
    """Only plain JSON, and envelopes packed as agreed, are understood here."""

    key = "http.coding"
    status = 415


class BusyError(HttpError):
    """Too many requests at this moment; try again."""

    key = "http.busy"
    status = 503


class BadRequestError(HttpError):
    """This is no HTTP request as agreed."""

    key = "http.bad_request"
    status = 400


def plain(status: int, key: str, sentence: str, detail: str = "") -> Response:
    """The one shape of an error. `detail` is what stands for `{detail}` in the catalogue, and travels where there is any."""
    said = {"key": key, "sentence": sentence} | ({"detail": detail} if detail else {})
    return JSONResponse(said, status, {"Cache-Control": "no-store"})


async def _own(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HttpError):
        raise error
    return plain(error.status, error.key, str(error))


async def _wire(_request: Request, error: Exception) -> Response:
    if not isinstance(error, WireError):
        raise error
    status = {SignatureError: 403, TooLargeError: 413}.get(type(error), 400)
    return plain(status, error.key, str(error))


async def _store(_request: Request, error: Exception) -> Response:
    said = trouble(error)
    return plain(NO_ROOM, said.key, str(said))


async def _http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return plain(error.status_code, "http.refused", f"There is nothing like this here: {error.detail}.")


async def _unforeseen(_request: Request, error: Exception) -> Response:
    # Starlette raises it again after this answer, so the log has the traceback; the caller gets none of it.
    return plain(500, HttpError.key, f"{HttpError.__doc__} ({type(error).__name__})")


HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    HttpError: _own,
    WireError: _wire,
    StoreError: _store,
    sqlite3.Error: _store,
    OSError: _store,
    HTTPException: _http,
    Exception: _unforeseen,
}
"""For every application; each adds its own errors."""
