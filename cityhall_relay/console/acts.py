"""What is pressed: the desk's answer, or a page that says why it was not done. Nobody meets a traceback, and nothing is lost."""

import logging
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cityhall_relay.console.frame import Frame
from cityhall_relay.console.telling import KINDS, told
from cityhall_relay.console.visit_words import BoardWord, VisitWord
from cityhall_relay.console.visitor import Form, Show, Take, Visitor
from cityhall_relay.errors import NotFoundError
from cityhall_relay.intake.errors import IntakeError, IntakeRefused

_SEE_OTHER: Final = 303
_WORDS: Final[dict[str, Any]] = {"V": VisitWord, "B": BoardWord}

log = logging.getLogger(__name__)


def back(to: str) -> Response:
    """To the page that shows what came of it; pressed twice or read again, the act is not done twice."""
    return RedirectResponse(to, _SEE_OTHER, {"Cache-Control": "no-store"})


class Acts:
    """Wraps handlers. What they raise becomes a page in the visitor's language, with the way back."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def form(self, take: Take) -> Take:
        """Of a form."""

        async def answer(request: Request, visitor: Visitor, form: Form) -> Response:
            try:
                return await take(request, visitor, form)
            except KINDS as error:
                return self.not_done(visitor, error, came_from(request))

        return answer

    def show(self, show: Show) -> Show:
        """Of a page, or of a body that the handler reads itself."""

        async def answer(request: Request, visitor: Visitor) -> Response:
            try:
                return await show(request, visitor)
            except KINDS as error:
                return self.not_done(visitor, error, came_from(request))

        return answer

    def not_done(self, visitor: Visitor, error: Exception, to: str, **more: object) -> Response:
        """Why."""
        if isinstance(error, IntakeError) and not isinstance(error, IntakeRefused):
            log.error("intake: %s", error)
        said = told(error, visitor.language)
        missing = isinstance(error, NotFoundError)
        values: dict[str, Any] = {"sentences": said.sentences, "to": to, "missing": missing, **more, **_WORDS}
        return self._frame.page(visitor, visitor.language, "not_done.html", said.status, **values)


def came_from(request: Request) -> str:
    """The page of ours on which it was pressed. It is worked out from our own address, never from what the browser says."""
    session = request.path_params.get("session", "")
    return f"/visits/{session}" if request.url.path.startswith("/visits/") and session else "/"
