"""The relay's own errors over HTTP, in the shape of all others (cityhall_base.web.errors)."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from cityhall_base.web import errors
from cityhall_base.web.errors import plain
from cityhall_relay.errors import RelayError
from cityhall_relay.intake.errors import IntakeBusyError, IntakeError, IntakeRefused

log = logging.getLogger(__name__)


async def _relay(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RelayError):
        raise error
    return plain(error.status, error.key, error.sentence)


async def _intake(_request: Request, error: Exception) -> Response:
    if not isinstance(error, IntakeError):
        raise error
    if isinstance(error, IntakeRefused):
        return plain(422, error.key, str(error))
    if isinstance(error, IntakeBusyError):
        return plain(503, error.key, str(error))
    log.error("intake: %s", error)
    return plain(500, error.key, str(error))


HANDLERS: Mapping[Any, ExceptionHandler] = {**errors.HANDLERS, RelayError: _relay, IntakeError: _intake}
