"""The day's tour: where the bus stands, its slots, who rings and who was there, the five lights; wired to the rest of the agent.

And what the concierge says of it over the local API, with `GET /v1/city` for whoever shows it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus_agent.agent import city_view
from bus_agent.agent.api import read_body
from bus_agent.agent.books import Books
from bus_agent.agent.commands import Commands
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.light_facts import Seen
from bus_agent.agent.lights import lights
from bus_agent.agent.planning import Planner
from bus_agent.agent.power import Power
from bus_agent.agent.ringing import Ringing
from bus_agent.agent.roster import Roster
from bus_agent.agent.slots import Slots
from bus_agent.agent.snapshot import Camera
from bus_agent.agent.stops import Stops
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.agent.visits import Visits
from bus_agent.settings import PowerSettings
from bus_agent.shown import LightShown
from cityhall_base.city import CityFile
from cityhall_base.clock import Clock
from cityhall_wire.headers import Name


class ArriveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/arrive`: a stop of city.toml."""

    stop: Name


class FeedbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/feedback`. 3: good, 2: so-so, 1: not good."""

    face: Annotated[int, Meta(ge=1, le=3)]


class Tour:
    """`wire` first; `run` for ever."""

    def __init__(
        self,
        file: CityFile,
        store: BusStore,
        scribe: Scribe,
        syncer: Syncer,
        duty: Duty,
        roster: Roster,
        books: Books,
        clock: Clock,
        power: PowerSettings | None,
    ) -> None:
        city, bus = file.city, scribe.bus
        self._store, self._syncer, self._duty, self._books = store, syncer, duty, books
        self._media = city.papers[city.printers[city.vehicles[bus].printer].paper].media
        self.city = city_view.shown(file, bus)
        self.stops = Stops(city.stops, store, scribe, syncer, duty, roster)
        self.slots = Slots(city, store, syncer, clock)
        self.ringing = Ringing(city, syncer, duty, clock)
        self.visits = Visits(store, scribe, syncer, duty, clock, self.slots)
        self.power = Power(power, clock, syncer.planned) if power else None

    def wire(self, commands: Commands, planner: Planner, camera: Camera | None = None) -> None:
        """Hear every plan, change of the mode, call and end; and be in every snapshot."""
        planner.hears += [self.slots.hear, self.ringing.hear, self.visits.hear]
        self._duty.changes += [self.stops.changed, self.ringing.changed, self.visits.changed]
        commands.called += [self.ringing.called, self.visits.called]
        commands.ended.append(self.visits.ended)
        if camera:
            camera.more |= {
                "config": lambda: self.city.config,
                "lights": self.lights,
                "day": lambda: self.slots.shown(self.stops.now),
                "call": self.ringing.shown,
                "visit": self.visits.shown,
            }

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.slots.run())
            tasks.create_task(self.ringing.run())
            if self.power:
                tasks.create_task(self.power.run())

    def lights(self) -> tuple[LightShown, ...]:
        """As of now."""
        seen = Seen(
            media=self._media,
            duty=self._duty,
            link=self._syncer.state,
            jobs=self._store.jobs(),
            books=self._books,
            measures=self.power is not None,
            power=self.power.reading if self.power else None,
        )
        return lights(seen)

    def routes(self, now: Callable[[], Response]) -> Sequence[Route]:
        """The addresses of the local API."""

        async def city(request: Request) -> Response:
            return Response(msgspec.json.encode(self.city), media_type="application/json")

        async def arrive(request: Request) -> Response:
            self.stops.arrive((await read_body(request, ArriveBody)).stop)
            return now()

        async def leave(request: Request) -> Response:
            self.stops.leave()
            return now()

        async def seen(request: Request) -> Response:
            self.visits.seen()
            return now()

        async def feedback(request: Request) -> Response:
            self.visits.feedback((await read_body(request, FeedbackBody)).face)
            return now()

        return (
            Route("/v1/city", city),
            Route("/v1/arrive", arrive, methods=["POST"]),
            Route("/v1/leave", leave, methods=["POST"]),
            Route("/v1/visit/seen", seen, methods=["POST"]),
            Route("/v1/feedback", feedback, methods=["POST"]),
        )
