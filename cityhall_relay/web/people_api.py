"""What clerks ask about people on board, checklists, the day and its incidents (docs/wire.md), and the test page."""

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.web import reading as read
from cityhall_relay import trial_page
from cityhall_relay.boarding import BoardingDesk
from cityhall_relay.books import Books
from cityhall_relay.clerk_desk import ClerkDesk, Clerks
from cityhall_relay.day import day_view, lists_view
from cityhall_relay.errors import NotFoundError, RequestError
from cityhall_relay.incidents import Incidents
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore
from cityhall_relay.submission import Submission, Submissions
from cityhall_relay.views import job_view
from cityhall_relay.web.clerk_api import as_json
from cityhall_wire import strict_json
from cityhall_wire.headers import Name


class CloseIncident(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /1/incidents/{n}/close`."""

    why: Name


Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class PeopleApi:
    """A desk of the clerks' API."""

    def __init__(
        self,
        store: RelayStore,
        city: City,
        clerks: Clerks,
        desk: ClerkDesk,
        submissions: Submissions,
        boarding: BoardingDesk,
        incidents: Incidents,
        books: Books,
        clock: Clock,
    ) -> None:
        self._store, self._city, self._clerks, self._clock = store, city, clerks, clock
        self._desk, self._submissions = desk, submissions
        self._boarding, self._incidents, self._books = boarding, incidents, books

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """One for each line of the table."""

        def allowed(request: Request, right: Right) -> str:
            who = clerk(request)
            self._clerks.check(who, right)
            return who

        async def test_page(request: Request) -> Response:
            return await self._test_page(allowed(request, Right.COUNTER), request)

        async def checklists(request: Request) -> Response:
            allowed(request, Right.READ)
            bus, day = self._bus_and_day(request)
            return as_json({"checklists": lists_view(self._store, self._city, bus, day)})

        async def day(request: Request) -> Response:
            allowed(request, Right.READ)
            return as_json(day_view(self._store, self._city, self._books, *self._bus_and_day(request)))

        async def substitute(request: Request) -> Response:
            who = allowed(request, Right.DUTY)
            return as_json(self._boarding.make_code(who, request.path_params["bus"])._asdict(), 201)

        async def incidents(request: Request) -> Response:
            allowed(request, Right.READ)
            known = self._store.incidents(request.query_params.get("bus", ""))
            wanted = request.query_params.get("all") == "true"
            return as_json({"incidents": [one for one in known if wanted or one.open]})

        async def close_incident(request: Request) -> Response:
            who = allowed(request, Right.BOOKS)
            why = strict_json.decode(await read.message(request), CloseIncident).why
            with self._store.event():
                return as_json(self._incidents.close(_number(request), who, why))

        return (
            Route("/1/sessions/{session}/test-page", test_page, methods=["POST"]),
            Route("/1/buses/{bus}/checklists", checklists, methods=["GET"]),
            Route("/1/buses/{bus}/day", day, methods=["GET"]),
            Route("/1/buses/{bus}/substitute", substitute, methods=["POST"]),
            Route("/1/incidents", incidents, methods=["GET"]),
            Route("/1/incidents/{n}/close", close_incident, methods=["POST"]),
        )

    async def _test_page(self, clerk: str, request: Request) -> Response:
        """201 with the job of the test page; `approve=true` allows it, also where it is not the first of its session."""
        fields = {
            "clerk": clerk,
            "session": request.path_params["session"],
            "service": trial_page.service_of(self._city),
            "number": request.headers.get("submission", ""),
            "copies": 1,
        }
        try:
            ask = msgspec.convert(fields, Submission)
        except msgspec.ValidationError:
            raise RequestError("needs a header Submission of 32 hex digits") from None
        accepted = await self._submissions.take(ask, _page)
        job = accepted.job
        if request.query_params.get("approve") == "true":
            job = self._desk.approve(clerk, job.job, again=True)
        return as_json(job_view(self._store, self._city, job), 201 if accepted.new else 200)

    def _bus_and_day(self, request: Request) -> tuple[str, str]:
        today = business_day(self._clock.utc_ms())
        return request.path_params["bus"], request.query_params.get("day", today)


async def _page() -> bytes:
    return trial_page.document()


def _number(request: Request) -> int:
    try:
        return msgspec.convert(int(request.path_params["n"]), Number)
    except ValueError:  # msgspec.ValidationError is one
        raise NotFoundError from None
