"""The clerk's addresses about a visit beside its documents (docs/wire.md): the plan of slots, and what the clerk has checked."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.web import reading as read
from cityhall_relay import day
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.errors import PlanError
from cityhall_relay.settings import Right
from cityhall_relay.slot_table import TABLE_BYTES
from cityhall_relay.slots import Slots
from cityhall_relay.visits import Visits
from cityhall_relay.web.clerk_api import as_json
from cityhall_wire import strict_json
from cityhall_wire.messages.visit import Slot

TABLE_S: Final = 60.0
"""1 MiB at 140 kbit/s."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/sessions/{session}/checks`."""

    identity: Annotated[str, Meta(min_length=1, max_length=80)]
    support: bool = False


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /1/buses/{bus}/plan`. Times are minutes of the day in JST."""

    bus: str
    day: str
    slots: tuple[Slot, ...]


class VisitApi:
    """A desk of `ClerkApi`."""

    def __init__(self, slots: Slots, visits: Visits, clerks: Clerks, city: City, clock: Clock) -> None:
        self._slots, self._visits, self._clerks, self._city, self._clock = slots, visits, clerks, city, clock

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """One for each line of the table."""

        async def take(request: Request) -> Response:
            who = clerk(request)
            self._clerks.check(who, Right.DUTY)
            kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind != "text/csv":
                raise PlanError("it comes as text/csv")
            raw = await read.body(request, TABLE_BYTES, TABLE_S)
            taken = self._slots.keep(who, await asyncio.to_thread(self._slots.read, raw))
            return as_json({"days": [one._asdict() for one in taken.days]})

        async def plan(request: Request) -> Response:
            clerk(request)
            bus = str(request.path_params["bus"])
            of = request.query_params.get("day", business_day(self._clock.utc_ms()))
            day.check(self._city, bus, of)
            return as_json(PlanView(bus=bus, day=of, slots=self._slots.of(bus, of)))

        async def check(request: Request) -> Response:
            who = clerk(request)
            said = strict_json.decode(await read.message(request), Check)
            checks = self._visits.check(who, request.path_params["session"], said.identity, said.support)
            return as_json(checks)

        return (
            Route("/1/day-plan", take, methods=["POST"]),
            Route("/1/buses/{bus}/plan", plan, methods=["GET"]),
            Route("/1/sessions/{session}/checks", check, methods=["POST"]),
        )
