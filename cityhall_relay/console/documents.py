"""What is done with one document: its first page, the allowing by one clerk or two, and the ways to end it."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.reasons import Reason
from cityhall_relay.console.acts import Acts, back
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visit_view import job_shown
from cityhall_relay.console.visit_words import BoardWord, VisitWord
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.errors import NotFoundError, RequestError
from cityhall_relay.intake.report import JPEG
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Job
from cityhall_wire.headers import SheetNumber

_WORDS: Final[dict[str, Any]] = {"V": VisitWord, "B": BoardWord}
_BETWEEN: Final = re.compile(r"[\s,、，]+")
_MOST_SHEETS: Final = 100
_PICTURE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class DocumentPages:
    """One method for each address."""

    def __init__(self, desks: Desks, frame: Frame) -> None:
        self._desks, self._frame, self._acts = desks, frame, Acts(frame)

    def routes(self, door: Door) -> Sequence[Route]:
        """All of them are the counter's."""
        acts, right, job = self._acts, Right.COUNTER, "/jobs/{job}"
        return (
            Route(job, door.shows(right, acts.show(self.job)), methods=["GET"]),
            Route(f"{job}/first-page", door.shows(right, acts.show(self.first_page)), methods=["GET"]),
            Route(f"{job}/approve", door.takes(right, acts.form(self.approve)), methods=["POST"]),
            Route(f"{job}/cancel", door.takes(right, acts.form(self.cancel)), methods=["POST"]),
            Route(f"{job}/refuse", door.takes(right, acts.form(self.refuse)), methods=["POST"]),
            Route(f"{job}/void", door.takes(right, acts.form(self.void)), methods=["POST"]),
        )

    async def job(self, request: Request, visitor: Visitor) -> Response:
        """For the second approver; its own clerk is sent to the visit."""
        job = self._job(request, visitor)
        if self._own(visitor, job):
            return back(f"/visits/{job.session}?job={job.job}")
        shown = job_shown(self._desks, job, visitor.language, visitor.who)
        mine = visitor.who in shown.view.approvals
        session = self._desks.store.session(job.session)
        values: dict[str, Any] = {"job": shown, "mine": mine, "sender": session.clerk if session else "", **_WORDS}
        return self._frame.page(visitor, visitor.language, "second.html", **values)

    async def first_page(self, request: Request, visitor: Visitor) -> Response:
        """A JPEG picture, to the clerk who sent the document, while it is kept."""
        picture = self._desks.first_pages.of(visitor.who, request.path_params["job"])
        if picture is None:
            raise NotFoundError
        return Response(picture, 200, _PICTURE, JPEG)

    async def approve(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """印刷を許可; `again` for a second copy of the same document."""
        again = form.get("again") == "1"
        return self._after(visitor, self._desks.clerk_desk.approve(visitor.who, _name(request), again=again))

    async def cancel(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """取消."""
        return self._after(visitor, self._desks.clerk_desk.cancel(visitor.who, _name(request)))

    async def refuse(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """受付不可: who it is could not be confirmed."""
        return self._after(visitor, self._desks.clerk_desk.refuse(visitor.who, _name(request), Reason.IDENTITY.bare))

    async def void(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """無効にする, with the numbers of its sheets where they are known."""
        sheets = _sheets(form.get("sheets", ""))
        return self._after(visitor, self._desks.clerk_desk.void(visitor.who, _name(request), sheets))

    def _job(self, request: Request, visitor: Visitor) -> Job:
        return self._desks.clerk_desk.job(visitor.who, _name(request))

    def _own(self, visitor: Visitor, job: Job) -> bool:
        session = self._desks.store.session(job.session)
        return session is not None and session.clerk == visitor.who

    def _after(self, visitor: Visitor, job: Job) -> Response:
        return back(f"/visits/{job.session}" if self._own(visitor, job) else "/")


def _name(request: Request) -> str:
    return str(request.path_params["job"])


def _sheets(text: str) -> tuple[str, ...]:
    numbers = tuple(filter(None, _BETWEEN.split(text.strip())))
    try:
        if len(numbers) > _MOST_SHEETS:
            raise RequestError("too many numbers")
        return msgspec.convert(numbers, tuple[SheetNumber, ...])
    except msgspec.ValidationError:
        raise RequestError("a number has at most 32 signs") from None
