"""Out of service and back (docs/wire.md): for clerks who have the right, as their relay.toml says."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.web import reading
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.errors import NoStatementError, UnknownPlaceError
from cityhall_relay.revocation import Revocation
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore, Suspension
from cityhall_relay.web.clerk_api import as_json
from cityhall_wire import strict_json
from cityhall_wire.headers import Name

BODY_BYTES: Final = 1024


class Revoke(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/buses/{bus}/revoke`."""

    reason: Name


class Reinstate(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/buses/{bus}/reinstate`."""

    why: Name


class SuspensionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bus stands on its way out of service or back. Times are UTC milliseconds."""

    bus: str
    suspended: bool
    kind: str  # revoked or clone
    reason: str
    by: str
    at: int
    steps: dict[str, int]  # what is through, and since when
    connection_cut_at: int | None
    statement: bool  # it is signed and can be fetched
    wish_by: str  # who wants the bus back; a second person must say so too
    lifted_by: str
    lifted_at: int | None


class StatementView(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the last statement, as signed envelopes."""

    bus: str
    at: int
    parts: tuple[bytes, ...]


class RevocationDesk:
    """One of ClerkApi's desks."""

    def __init__(self, store: RelayStore, revocation: Revocation, clerks: Clerks, city: City) -> None:
        self._store, self._revocation, self._clerks, self._city = store, revocation, clerks, city

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """revoke, reinstate, and where it stands; statement."""

        def allowed(request: Request) -> tuple[str, str]:
            name, bus = clerk(request), str(request.path_params["bus"])
            self._clerks.check(name, Right.REVOKE)
            if bus not in self._city.vehicles:
                raise UnknownPlaceError(f"allowed: {', '.join(self._city.vehicles)}")
            return name, bus

        async def revoke(request: Request) -> Response:
            name, bus = allowed(request)
            ask = strict_json.decode(await reading.message(request, BODY_BYTES), Revoke, BODY_BYTES)
            self._revocation.revoke(bus, ask.reason, name)
            return as_json(self._view(bus))

        async def reinstate(request: Request) -> Response:
            name, bus = allowed(request)
            ask = strict_json.decode(await reading.message(request, BODY_BYTES), Reinstate, BODY_BYTES)
            lifted = self._revocation.reinstate(bus, name, ask.why)
            return as_json(self._view(bus), 200 if lifted else 202)

        async def shown(request: Request) -> Response:
            return as_json(self._view(allowed(request)[1]))

        async def statement(request: Request) -> Response:
            parts = self._store.statements(allowed(request)[1])
            if not parts:
                raise NoStatementError
            last = [one for one in parts if one.suspension == parts[-1].suspension]
            return as_json(StatementView(bus=last[0].bus, at=last[0].at, parts=tuple(one.envelope for one in last)))

        top = "/1/buses/{bus}"
        return [
            Route(f"{top}/revoke", revoke, methods=["POST"]),
            Route(f"{top}/revoke", shown, methods=["GET"]),
            Route(f"{top}/reinstate", reinstate, methods=["POST"]),
            Route(f"{top}/statement", statement, methods=["GET"]),
        ]

    def _view(self, bus: str) -> SuspensionView:
        found = self._store.suspensions(bus)
        if not found:
            raise NoStatementError
        return self._shown(next((one for one in reversed(found) if one.open), found[-1]))

    def _shown(self, one: Suspension) -> SuspensionView:
        return SuspensionView(
            bus=one.bus,
            suspended=self._store.bus(one.bus).suspended,
            kind=one.kind,
            reason=one.reason,
            by=one.by,
            at=one.at,
            steps=one.steps,
            connection_cut_at=one.gone_at,
            statement=any(signed.suspension == one.n for signed in self._store.statements(one.bus)),
            wish_by=one.wish_by,
            lifted_by=one.lifted_by,
            lifted_at=one.lifted_at,
        )
