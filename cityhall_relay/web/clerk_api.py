"""Between a clerk and city hall (docs/wire.md): JSON, and Server-Sent Events of a job until its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.web import reading as read
from cityhall_base.web.app import application
from cityhall_relay.calls import Calls
from cityhall_relay.changes import Changes
from cityhall_relay.clerk_desk import ClerkDesk, Clerks
from cityhall_relay.errors import NotAllowedError, RequestError, StoppingError, TokenError
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job
from cityhall_relay.submission import Submission, Submissions
from cityhall_relay.views import JobView, bus_view, job_view, receipts_view
from cityhall_relay.web import reading
from cityhall_relay.web.errors import HANDLERS
from cityhall_wire import strict_json
from cityhall_wire.headers import BusId, Name, SheetNumber

LISTED: Final = 200
"""Jobs in a list: a clerk's day has tens."""

SIGN_OF_LIFE_S: Final = 15.0
"""A comment on a quiet event stream, so that both ends and what stands between them know that it lives."""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/sessions`."""

    bus: BusId
    section: Name
    stop: Name
    slot: Annotated[int, Meta(ge=0, le=999)] = 0


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/jobs/{job}/refuse`."""

    why: Name


class Void(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/jobs/{job}/void`."""

    sheets: Annotated[tuple[SheetNumber, ...], Meta(max_length=100)] = ()


class Desk(Protocol):
    """Addresses about one matter, in a module of their own."""

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """Them; `clerk` gives the opaque id of who asks, and raises TokenError."""


class ClerkApi:
    """One method for each line of the table."""

    def __init__(
        self,
        store: RelayStore,
        sessions: Sessions,
        desk: ClerkDesk,
        submissions: Submissions,
        clerks: Clerks,
        city: City,
        changes: Changes,
        online: Callable[[str], bool | None],
        desks: Sequence[Desk] = (),
    ) -> None:
        self._store, self._sessions, self._desk, self._submissions = store, sessions, desk, submissions
        self._clerks, self._city, self._changes, self._online = clerks, city, changes, online
        self._desks, self._calls = desks, Calls(store, sessions, clerks)

    def app(self) -> Starlette:
        """The application behind the clerk listener."""
        routes = [
            Route("/1/calls", self.calls, methods=["GET"]),
            Route("/1/sessions", self.open_session, methods=["POST"]),
            Route("/1/sessions/{session}/accept", self.accept, methods=["POST"]),
            Route("/1/sessions/{session}", self.close_session, methods=["DELETE"]),
            Route("/1/sessions/{session}/jobs", self.submit, methods=["POST"]),
            Route("/1/jobs", self.jobs, methods=["GET"]),
            Route("/1/jobs/{job}", self.job, methods=["GET"]),
            Route("/1/jobs/{job}/approve", self.approve, methods=["POST"]),
            Route("/1/jobs/{job}/cancel", self.cancel, methods=["POST"]),
            Route("/1/jobs/{job}/refuse", self.refuse, methods=["POST"]),
            Route("/1/jobs/{job}/void", self.void, methods=["POST"]),
            Route("/1/jobs/{job}/receipts", self.receipts, methods=["GET"]),
            Route("/1/jobs/{job}/events", self.events, methods=["GET"]),
            Route("/1/buses", self.buses, methods=["GET"]),
            *(route for desk in self._desks for route in desk.routes(self._clerk)),
        ]
        return application(routes, HANDLERS)

    async def open_session(self, request: Request) -> Response:
        """201 with the session; 409 where the clerk or the bus has one."""
        clerk = self._clerk(request)
        ask = strict_json.decode(await read.message(request), OpenSession)
        self._check_section(clerk, ask.section)
        return as_json(self._sessions.open(clerk, ask.bus, ask.section, ask.stop, ask.slot), 201)

    async def calls(self, request: Request) -> Response:
        """What rings for this clerk's sections (呼出中), or for those that they are deputies of; the longest first."""
        return as_json({"calls": self._calls.of(self._clerk(request))})

    async def accept(self, request: Request) -> Response:
        """200 with the session, now the clerk's (対応中); 409 where nobody calls any more."""
        return as_json(self._calls.accept(self._clerk(request), request.path_params["session"]))

    async def close_session(self, request: Request) -> Response:
        """200 with the ended session."""
        return as_json(self._sessions.close(self._clerk(request), request.path_params["session"]))

    async def submit(self, request: Request) -> Response:
        """201 with the new job, 200 with the one that this submission has already made."""
        ask = self._submission(request)
        limit = self._city.limits.document_bytes
        accepted = await self._submissions.take(ask, lambda: reading.document(request, limit))
        return as_json(self._shown(accepted.job), 201 if accepted.new else 200)

    async def approve(self, request: Request) -> Response:
        """印刷を許可; `again=true` for a second copy of the same document."""
        clerk, again = self._clerk(request), request.query_params.get("again") == "true"
        return self._view(self._desk.approve(clerk, request.path_params["job"], again=again))

    async def cancel(self, request: Request) -> Response:
        """取消."""
        return self._view(self._desk.cancel(self._clerk(request), request.path_params["job"]))

    async def refuse(self, request: Request) -> Response:
        """受付不可."""
        clerk = self._clerk(request)
        ask = strict_json.decode(await read.message(request), Refuse)
        return self._view(self._desk.refuse(clerk, request.path_params["job"], ask.why))

    async def void(self, request: Request) -> Response:
        """無効."""
        clerk = self._clerk(request)
        ask = strict_json.decode(await read.message(request), Void)
        return self._view(self._desk.void(clerk, request.path_params["job"], ask.sheets))

    async def receipts(self, request: Request) -> Response:
        """The signed deletion receipts."""
        return as_json(receipts_view(self._store, self._desk.job(self._clerk(request), request.path_params["job"])))

    async def job(self, request: Request) -> Response:
        """One job."""
        return self._view(self._desk.job(self._clerk(request), request.path_params["job"]))

    async def jobs(self, request: Request) -> Response:
        """The clerk's jobs, newest first."""
        found = self._store.jobs_of_clerk(self._clerk(request), LISTED)
        return as_json({"jobs": [self._shown(job) for job in found]})

    async def buses(self, request: Request) -> Response:
        """The fleet."""
        self._clerk(request)
        on = {bus: self._sessions.on_bus(bus) for bus in self._city.vehicles}
        views = [bus_view(self._city, self._store.bus(bus), self._online(bus), live) for bus, live in on.items()]
        return as_json({"buses": views})

    async def events(self, request: Request) -> Response:
        """The job at once and at each change, until its end."""
        job = self._desk.job(self._clerk(request), request.path_params["job"])
        if self._changes.stopping:
            raise StoppingError
        return StreamingResponse(self._stream(job.job), media_type="text/event-stream", headers=_NOT_STORED)

    async def _stream(self, name: str) -> AsyncIterator[bytes]:
        last = b""
        while not self._changes.stopping:
            change = self._changes.next()
            job = self._store.job(name)
            if job is None:
                return
            now = msgspec.json.encode(self._shown(job))
            if now != last:
                yield b"event: job\ndata: " + now + b"\n\n"
                last = now
            if job.ended:
                return
            try:
                await asyncio.wait_for(change.wait(), SIGN_OF_LIFE_S)
            except TimeoutError:
                yield b": still here\n\n"

    def _submission(self, request: Request) -> Submission:
        copies = request.query_params.get("copies", "1")
        service = request.query_params.get("service", "")
        flatten = request.query_params.get("flatten", "false")
        reissue = request.query_params.get("reissue_of")
        try:
            return msgspec.convert(
                {
                    "clerk": self._clerk(request),
                    "session": request.path_params["session"],
                    "service": service,
                    "number": request.headers.get("submission", ""),
                    "copies": int(copies),
                    "flatten": _BOOLEANS[flatten],
                    "reissue": reissue and {"of": reissue, "sheet": request.query_params.get("sheet", "")},
                },
                Submission,
            )
        except (msgspec.ValidationError, ValueError, KeyError):
            wanted = "a header Submission of 32 hex digits, copies as a number, and flatten as true or false"
            raise RequestError(f"needs {wanted}") from None

    def _check_section(self, clerk: str, section: str) -> None:
        if not self._clerks.answers_for(clerk, section):
            raise NotAllowedError(f"the section {section} is not yours")

    def _clerk(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenError
        return self._clerks.of_token(token.strip())

    def _view(self, job: Job) -> Response:
        return as_json(self._shown(job))

    def _shown(self, job: Job) -> JobView:
        return job_view(self._store, self._city, job)


_BOOLEANS: Final = {"true": True, "false": False}
_NOT_STORED: Final = {"Cache-Control": "no-store"}


def as_json(value: object, status: int = 200) -> Response:
    """An answer that nobody stores on its way."""
    return Response(msgspec.json.encode(value), status, _NOT_STORED, "application/json")
