"""The page of one visit (窓口対応), its event stream, and what its clerk does in it. Another clerk's is not there at all."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cityhall_relay.console import upload
from cityhall_relay.console.acts import Acts, back
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.live import Live
from cityhall_relay.console.telling import KINDS, told
from cityhall_relay.console.visit_view import Stage, VisitView, Wanted
from cityhall_relay.console.visit_words import BoardWord, VisitWord
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.day_words import DayWord
from cityhall_relay.errors import RequestError
from cityhall_relay.intake.report import IntakeLimits
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Session
from cityhall_relay.submission import Accepted, Submission
from cityhall_relay.web import reading

_WORDS: Final[dict[str, Any]] = {"V": VisitWord, "B": BoardWord, "D": DayWord}
_PARTS: Final = ("head", "steps", "clock", "now")
_YES: Final = "1"


class VisitPages:
    """One method for each address."""

    def __init__(self, desks: Desks, frame: Frame, live: Live) -> None:
        self._desks, self._frame, self._live = desks, frame, live
        self._acts = Acts(frame)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def routes(self, door: Door) -> Sequence[Route]:
        """All of them are the counter's."""
        acts, right, visit = self._acts, Right.COUNTER, "/visits/{session}"
        return (
            Route(visit, door.shows(right, acts.show(self.visit)), methods=["GET"]),
            Route("/events" + visit, door.shows(right, acts.show(self.events)), methods=["GET"]),
            Route(f"{visit}/check", door.takes(right, acts.form(self.check)), methods=["POST"]),
            Route(f"{visit}/close", door.takes(right, acts.form(self.close)), methods=["POST"]),
            Route(f"{visit}/documents", door.receives(right, self.send), methods=["POST"]),
        )

    async def visit(self, request: Request, visitor: Visitor) -> Response:
        """The whole page."""
        session, wanted = self._mine(request, visitor), _wanted(request)
        view = VisitView(self._desks, session, visitor.language, wanted)
        parts = {name: Markup(text) for name, text in self._draw(visitor, view).items()}  # noqa: S704 - our own templates made it
        return self._frame.page(visitor, visitor.language, "visit.html", view=view, parts=parts, **_WORDS)

    async def events(self, request: Request, visitor: Visitor) -> Response:
        """Its parts, live."""
        session, wanted = self._mine(request, visitor), _wanted(request)

        def look() -> dict[str, str] | None:
            now = self._desks.store.session(session.session)
            return self._draw(visitor, VisitView(self._desks, now, visitor.language, wanted)) if now else None

        return self._live.stream(look)

    async def check(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """本人確認と支援措置."""
        session = self._mine(request, visitor)
        support = form.get("support") == _YES
        self._desks.visits.check(visitor.who, session.session, form.get("identity", ""), support)
        return back(f"/visits/{session.session}")

    async def close(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """窓口対応を終了."""
        self._desks.sessions.close(visitor.who, request.path_params["session"])
        return back("/")

    async def send(self, request: Request, visitor: Visitor) -> Response:
        """A document: to a script JSON, to a browser without one the page."""
        to, by_script = f"/visits/{request.path_params['session']}", _by_script(request)
        try:
            accepted = await self._taken(request, visitor)
        except KINDS as error:
            if not by_script:
                return self._acts.not_done(visitor, error, to)
            said = told(error, visitor.language)
            return JSONResponse({"sentences": said.sentences}, said.status)
        return JSONResponse({"job": accepted.job.job}, 201 if accepted.new else 200) if by_script else back(to)

    # --- inside ---

    def _mine(self, request: Request, visitor: Visitor) -> Session:
        return self._desks.sessions.of_clerk(visitor.who, request.path_params["session"])

    def _draw(self, visitor: Visitor, view: VisitView) -> dict[str, str]:
        values = {"view": view, "Stage": Stage, "left": _left, **_WORDS}
        language = visitor.language
        return {part: self._frame.text(visitor, language, f"visit_{part}.html", **values) for part in _PARTS}

    async def _taken(self, request: Request, visitor: Visitor) -> Accepted:
        session, limit = self._mine(request, visitor), self._desks.city.limits.document_bytes
        if upload.kind(request) != upload.FORM:
            return await self._take(visitor, session, request.query_params, lambda: reading.document(request, limit))
        # A form says what its file is for in the same body: it is read before anything is asked, so one at a time.
        async with self._turns[visitor.who]:
            sent = await upload.form(request, limit)

            async def read() -> bytes:
                return sent.document

            return await self._take(visitor, session, sent.fields, read)

    async def _take(
        self, visitor: Visitor, session: Session, fields: Form, read: Callable[[], Awaitable[bytes]]
    ) -> Accepted:
        ask, documents = _submission(visitor.who, session.session, fields), list[bytes]()

        async def keep() -> bytes:
            documents.append(await read())
            return documents[0]

        accepted = await self._desks.submissions.take(ask, keep)
        if accepted.new:
            limits = self._desks.city.limits
            most = IntakeLimits(document_bytes=limits.document_bytes, pages=limits.document_pages)
            draw = self._desks.first_pages.draw
            await draw(accepted.job.job, visitor.who, documents[0], most, flatten=ask.flatten)
            self._desks.changes.fire()
        return accepted


def _submission(clerk: str, session: str, fields: Form) -> Submission:
    reissue = fields.get("reissue_of", "")
    said = {
        "clerk": clerk,
        "session": session,
        "service": fields.get("service", ""),
        "number": fields.get("number", ""),
        "copies": 1,
        "flatten": fields.get("flatten") == _YES,
        "reissue": {"of": reissue, "sheet": fields.get("sheet", "").strip()} if reissue else None,
    }
    try:
        return msgspec.convert(said, Submission)
    except msgspec.ValidationError:
        raise RequestError("a service, a number of 32 hex digits, and for a reissue its document and sheet") from None


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    return Wanted(_id(asked.get("job", "")), _id(asked.get("reissue", "")), asked.get("send") == _YES)


def _id(text: str) -> str:
    # It comes back in the page's own addresses.
    return text if text.isascii() and text.isalnum() and len(text) <= _ID_LENGTH else ""


def _by_script(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _left(seconds: int) -> tuple[VisitWord, str]:
    """Coarse enough that a page does not change all the time."""
    if seconds >= _MINUTE_S:
        return VisitWord.MINUTES, str(-(-seconds // _MINUTE_S))
    return VisitWord.SECONDS, str(-(-seconds // _STEP_S) * _STEP_S)


_ID_LENGTH: Final = 25
_MINUTE_S: Final = 60
_STEP_S: Final = 5
