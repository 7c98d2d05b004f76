"""A refusal as a page: one sentence, in the reader's language, and the way back."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cityhall_base.words import say
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Form, Show, Take, Visitor
from cityhall_relay.errors import RelayError
from cityhall_wire.errors import WireError

REFUSALS: Final = (RelayError, WireError)
"""What may be said to a person; anything else is the server's fault."""

_BAD_REQUEST: Final = 400


def shown(frame: Frame, show: Show) -> Show:
    """`show`, which says why it does not."""

    async def answer(request: Request, visitor: Visitor) -> Response:
        return await _or_sentence(frame, visitor, lambda: show(request, visitor))

    return answer


def taken(frame: Frame, take: Take) -> Take:
    """`take`, which says why it did not."""

    async def answer(request: Request, visitor: Visitor, form: Form) -> Response:
        return await _or_sentence(frame, visitor, lambda: take(request, visitor, form))

    return answer


def sentence(error: Exception, visitor: Visitor) -> str:
    """One of REFUSALS, to be read. The English has the detail of this very case."""
    return say(str(getattr(error, "key", "")), str(error), visitor.language)


def status(error: Exception) -> int:
    """RFC 9110 section 15."""
    return int(getattr(error, "status", _BAD_REQUEST))


async def _or_sentence(frame: Frame, visitor: Visitor, act: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await act()
    except REFUSALS as error:
        values = {"sentence": sentence(error, visitor)}
        return frame.page(visitor, visitor.language, "books/refused.html", status(error), **values)
