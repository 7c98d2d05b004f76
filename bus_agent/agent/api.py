"""The local API: HTTP over a Unix socket, usable with curl. The screen and `bus-agent status` are its clients.

Every answer is JSON; a refusal is 409 (404 for a job that is not here) with `{"key", "sentence"}`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bus_agent.agent.commands import Commands
from bus_agent.agent.printing import Printing
from bus_agent.agent.pulse import Pulse
from bus_agent.errors import BusError, UnknownJobError
from bus_agent.shown import Snapshot
from cityhall_base.web import reading
from cityhall_base.web.app import application
from cityhall_base.web.errors import HANDLERS, plain
from cityhall_wire import strict_json
from cityhall_wire.headers import Name
from cityhall_wire.modes import DutyMode

BODY_BYTES: Final = 16 * 1024
EVENT_GAP_S: Final = 0.5
"""At most two snapshots a second."""

KEEPALIVE_S: Final = 15

T = TypeVar("T")


class HandOverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/jobs/{job}/hand-over`, which may have no body: then the next sheets of the drawer are meant."""

    sheets: Annotated[tuple[str, ...], Meta(max_length=100)] = ()


class SpoiledBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/jobs/{job}/spoiled`."""

    why: Name
    sheets: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    came_out: Annotated[int, Meta(ge=1, le=1000)] | None = None


class CallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/session/call`: names of city.toml, and the slot of the day."""

    section: Name
    stop: Name
    slot: Annotated[int, Meta(ge=0, le=999)] = 0


class WhyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/jobs/{job}/refuse`."""

    why: Name


class ModeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/mode`."""

    mode: DutyMode


class ExtendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/duty/extend`."""

    minutes: Annotated[int, Meta(ge=1, le=120)]


class JournalShown(msgspec.Struct, frozen=True):
    """`GET /v1/journal`: the chain holds over so many rows."""

    rows: int


class Desk(Protocol):
    """Commands about one matter, in a module of their own."""

    def routes(self, now: Callable[[], Response]) -> Sequence[Route]:
        """Its addresses; `now` makes the snapshot with which a command is answered."""


class Api:
    """`snapshot` takes one; `changed` says when the next is worth it; `verify` counts the journal's rows."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        changed: Pulse,
        printing: Printing,
        commands: Commands,
        verify: Callable[[], int],
        desks: Sequence[Desk] = (),
    ) -> None:
        self._snapshot, self._changed = snapshot, changed
        self._printing, self._commands, self._verify = printing, commands, verify
        self._desks = desks

    def app(self) -> Starlette:
        """The ASGI application."""
        job = "/v1/jobs/{job}"
        return application(
            [
                Route("/v1/snapshot", self._get_snapshot),
                Route("/v1/events", self._events),
                Route("/v1/journal", self._journal),
                Route("/v1/mode", self._mode, methods=["POST"]),
                Route("/v1/duty/extend", self._extend, methods=["POST"]),
                Route("/v1/session/call", self._call, methods=["POST"]),
                Route("/v1/session/end", self._end_session, methods=["POST"]),
                Route(f"{job}/print", self._print, methods=["POST"]),
                Route(f"{job}/hand-over", self._hand_over, methods=["POST"]),
                Route(f"{job}/spoiled", self._spoiled, methods=["POST"]),
                Route(f"{job}/refuse", self._refuse, methods=["POST"]),
                Route(f"{job}/nothing-came-out", self._nothing_came_out, methods=["POST"]),
                *(route for desk in self._desks for route in desk.routes(self._now)),
            ],
            {**HANDLERS, BusError: _refused},
        )

    async def _get_snapshot(self, request: Request) -> Response:
        return _json(self._snapshot())

    async def _journal(self, request: Request) -> Response:
        return _json(JournalShown(self._verify()))

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _stream(self) -> AsyncIterator[bytes]:
        while True:
            seen = self._changed.count
            yield b"data: " + msgspec.json.encode(self._snapshot()) + b"\n\n"
            await asyncio.sleep(EVENT_GAP_S)
            while not await self._changed.after(seen, KEEPALIVE_S):
                yield b": still here\n\n"

    async def _print(self, request: Request) -> Response:
        await self._printing.print(_job(request))
        return self._now(202)

    async def _hand_over(self, request: Request) -> Response:
        raw = await reading.message(request, BODY_BYTES)
        body = strict_json.decode(raw or b"{}", HandOverBody, BODY_BYTES)
        self._commands.hand_over(_job(request), body.sheets)
        return self._now()

    async def _spoiled(self, request: Request) -> Response:
        body = await read_body(request, SpoiledBody)
        self._commands.spoiled(_job(request), body.why, body.sheets, body.came_out)
        return self._now()

    async def _refuse(self, request: Request) -> Response:
        self._commands.refuse(_job(request), (await read_body(request, WhyBody)).why)
        return self._now()

    async def _nothing_came_out(self, request: Request) -> Response:
        self._commands.nothing_came_out(_job(request))
        return self._now()

    async def _call(self, request: Request) -> Response:
        body = await read_body(request, CallBody)
        await self._commands.call(body.section, body.stop, body.slot)
        return self._now(202)

    async def _end_session(self, request: Request) -> Response:
        self._commands.end_session()
        return self._now()

    async def _mode(self, request: Request) -> Response:
        self._commands.set_mode((await read_body(request, ModeBody)).mode)
        return self._now()

    async def _extend(self, request: Request) -> Response:
        await self._commands.extend((await read_body(request, ExtendBody)).minutes)
        return self._now(202)

    def _now(self, status: int = 200) -> Response:
        return _json(self._snapshot(), status)


def _job(request: Request) -> str:
    return str(request.path_params["job"])


async def read_body(request: Request, into: type[T]) -> T:
    """The JSON body of a command, at most BODY_BYTES; raises WireError or HttpError."""
    return strict_json.decode(await reading.message(request, BODY_BYTES), into, BODY_BYTES)


def _json(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, BusError):
        raise error
    key = getattr(error, "said_key", error.key)
    status = 404 if isinstance(error, UnknownJobError) else 409
    return plain(status, key, error.sentence, getattr(error, "detail", ""))
