"""How errors look over HTTP: always `{"key", "sentence"}`, never a traceback."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from cityhall_relay.errors import RelayError
from cityhall_relay.intake.errors import IntakeBusyError, IntakeError, IntakeRefused
from cityhall_wire.errors import SignatureError, TooLargeError, WireError

log = logging.getLogger(__name__)


def _plain(status: int, key: str, sentence: str) -> Response:
    return JSONResponse({"key": key, "sentence": sentence}, status)


def _relay(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RelayError)  # noqa: S101 - registered for this type
    return _plain(error.status, error.key, error.sentence)


def _wire(_request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)  # noqa: S101 - registered for this type
    status = {SignatureError: 403, TooLargeError: 413}.get(type(error), 400)
    return _plain(status, error.key, str(error))


def _intake(_request: Request, error: Exception) -> Response:
    assert isinstance(error, IntakeError)  # noqa: S101 - registered for this type
    if isinstance(error, IntakeRefused):
        return _plain(422, error.key, str(error))
    if isinstance(error, IntakeBusyError):
        return _plain(503, error.key, str(error))
    log.error("intake: %s", error)
    return _plain(500, error.key, str(error))


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    return _plain(error.status_code, "relay.http", error.detail)


def _unforeseen(_request: Request, error: Exception) -> Response:
    # Starlette raises it again after this answer, so the log has the traceback; the caller gets none of it.
    return _plain(500, RelayError.key, f"{RelayError.__doc__} ({type(error).__name__})")


HANDLERS: Mapping[Any, ExceptionHandler] = {
    RelayError: _relay,
    WireError: _wire,
    IntakeError: _intake,
    HTTPException: _http,
    Exception: _unforeseen,
}
