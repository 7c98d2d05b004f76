"""What goes wrong behind a page, as a page: the sentence of the very error that the API says in JSON, and the way back."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from cityhall_base.words import Language, say
from cityhall_relay.console.errors import NoPageError, SignedOutError, WaitError
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.origin import by_script
from cityhall_relay.console.roles import home
from cityhall_relay.console.visitor import Visitor
from cityhall_relay.web.errors import HANDLERS
from cityhall_wire import strict_json

_NO_PAGE: Final = (404, 405)
"""Starlette's own words for an address, or a method there, that is in no table of routes."""


def handlers(frame: Frame) -> Mapping[Any, ExceptionHandler]:
    """For the console's application."""

    def in_html(in_json: Any) -> ExceptionHandler:
        async def handler(request: Request, error: Exception) -> Response:
            answer: Response = await in_json(request, error)
            if "authorization" in request.headers:  # whoever shows a token is a program, and asked for a wrong address
                return answer
            if isinstance(error, HTTPException) and error.status_code in _NO_PAGE:
                said = {"key": NoPageError.key, "sentence": NoPageError().sentence}
            else:
                said = strict_json.decode(bytes(answer.body), dict[str, str])
            return _page(frame, request, answer.status_code, said, error)

        return handler

    return {kind: in_html(handler) for kind, handler in HANDLERS.items()}


def language_of(request: Request) -> Language:
    """The visitor's; of nobody, what `?lang=` asks for, else Japanese."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is not None:
        return visitor.language
    return Language.ENGLISH if request.query_params.get("lang") == "en" else Language.JAPANESE


def _page(frame: Frame, request: Request, status: int, said: Mapping[str, str], error: Exception) -> Response:
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    language = language_of(request)
    detail = said.get("detail") or getattr(error, "detail", "")
    sentence = say(said["key"], said["sentence"], language, detail if isinstance(detail, str) else "")
    template = "notice.html" if by_script(request) else "trouble.html"
    to = home(visitor.rights) if visitor else "/sign-in"
    response = frame.page(visitor, language, template, status, sentence=sentence, home=to)
    if isinstance(error, WaitError):
        response.headers["Retry-After"] = error.detail
    if isinstance(error, SignedOutError) and by_script(request):
        response.headers["HX-Redirect"] = "/sign-in"
    return response
