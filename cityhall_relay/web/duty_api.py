"""The clerk's addresses about duty: how today stands on a bus, and more time for a stop that runs late."""

from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.duty import DutyDesk
from cityhall_relay.errors import NotAllowedError, UnknownPlaceError
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore
from cityhall_relay.web.clerk_api import as_json


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """The bus changed its mode; `at` is UTC milliseconds by its own clock, `told_at` by city hall's."""

    mode: str
    why: str
    at: int
    told_at: int


class DutyView(msgspec.Struct, frozen=True, kw_only=True):
    """Today's duty of one bus. `hours` (UTC ms) have what was granted in them; null where today has none."""

    bus: str
    mode: str
    on_duty: bool  # by city hall's clock: timed modes are served
    hours: tuple[int, int] | None
    asked_min: int  # so much later the concierge asks to end it; 0 where no clerk is waited for
    changes: tuple[ChangeView, ...]


class DutyApi:
    """A desk of `ClerkApi`."""

    def __init__(self, duty: DutyDesk, clerks: Clerks, store: RelayStore, city: City, clock: Clock) -> None:
        self._duty, self._clerks, self._store, self._city, self._clock = duty, clerks, store, city, clock

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """`GET /1/buses/{bus}/duty`, `POST /1/buses/{bus}/extend`."""

        async def show(request: Request) -> Response:
            clerk(request)
            return as_json(self._view(self._bus(request)))

        async def extend(request: Request) -> Response:
            asks, bus = clerk(request), self._bus(request)
            self._duty.grant(asks, bus, may=self._may(asks))
            return as_json(self._view(bus))

        bus = "/1/buses/{bus}"
        return [Route(f"{bus}/duty", show, methods=["GET"]), Route(f"{bus}/extend", extend, methods=["POST"])]

    def _bus(self, request: Request) -> str:
        bus = str(request.path_params["bus"])
        if bus not in self._city.vehicles:
            raise UnknownPlaceError(f"allowed: {', '.join(self._city.vehicles)}")
        return bus

    def _may(self, clerk: str) -> bool:
        try:
            self._clerks.check(clerk, Right.DUTY)
        except NotAllowedError:
            return False
        return True

    def _view(self, bus: str) -> DutyView:
        asked = self._duty.pending(bus)
        today = self._store.duty_changes(bus, business_day(self._clock.utc_ms()))
        return DutyView(
            bus=bus,
            mode=self._store.bus(bus).mode,
            on_duty=self._duty.on_duty(bus),
            hours=self._duty.hours(bus),
            asked_min=asked.minutes if asked else 0,
            changes=tuple(ChangeView(mode=one.mode, why=one.why, at=one.since, told_at=one.at) for one in today),
        )
