"""Between bus and city hall (docs/wire.md): three addresses for envelopes, one for ciphertext."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base import coding
from cityhall_base.web import reading
from cityhall_base.web.app import application
from cityhall_base.web.errors import CodingError
from cityhall_relay.bodies import Bodies
from cityhall_relay.bus_desk import EVIDENCE, RELEASE, SYNC, BusDesk
from cityhall_relay.errors import BodyDamagedError, NotFoundError, RangeError
from cityhall_relay.store import RelayStore
from cityhall_relay.web.errors import HANDLERS
from cityhall_wire.messages import envelope
from cityhall_wire.strict_json import MESSAGE_BYTES

_RANGE: Final = re.compile(r"bytes=(\d{1,10})-(\d{0,10})")

ANSWER_BYTES: Final = 1024 * 1024
"""Most ciphertext in one answer, whatever range is asked for: it stands in memory."""


def bus_app(desk: BusDesk, store: RelayStore, bodies: Bodies) -> Starlette:
    """The application behind the mutual-TLS listener."""

    def signed(kinds: tuple[str, ...]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            bus = desk.enrolled(request.scope["state"]["peer"])
            raw = _unpacked(request, await reading.message(request))
            return _packed(request, desk.answer(bus, raw, kinds))

        return handle

    async def evidence(request: Request) -> Response:
        bus = desk.enrolled(request.scope["state"]["peer"])
        raw = _unpacked(request, await reading.message(request))
        if not envelope.is_batch(raw):
            return _packed(request, desk.answer(bus, raw, EVIDENCE))
        return _packed(request, envelope.join(await desk.answer_each(bus, envelope.split(raw), EVIDENCE)))

    async def body(request: Request) -> Response:
        bus = desk.enrolled(request.scope["state"]["peer"])
        job = store.job(request.path_params["job"])
        if job is None or job.bus != bus or job.ended or store.bus(bus).suspended:
            raise NotFoundError
        first, count = _range(request.headers.get("range", ""), job.body_size)
        try:
            piece = bodies.read(job.job, first, count)
        except FileNotFoundError:
            piece = b""
        if len(piece) != count:
            raise BodyDamagedError(job.job)
        headers = {"Content-Range": f"bytes {first}-{first + len(piece) - 1}/{job.body_size}"}
        return Response(piece, 206, headers, "application/octet-stream")

    routes = [
        Route("/1/sync", signed(SYNC), methods=["POST"]),
        Route("/1/release", signed(RELEASE), methods=["POST"]),
        Route("/1/evidence", evidence, methods=["POST"]),
        Route("/1/body/{job}", body, methods=["GET"]),
    ]
    return application(routes, HANDLERS)


def _unpacked(request: Request, raw: bytes) -> bytes:
    match request.headers.get("content-encoding", coding.IDENTITY):
        case coding.IDENTITY:
            return raw
        case coding.PACKED:
            return coding.unpack(raw, MESSAGE_BYTES)
    raise CodingError


def _packed(request: Request, answer: bytes) -> Response:
    # Who says nothing of what may come takes what it has sent.
    said = request.headers.get("content-encoding", coding.IDENTITY)
    if coding.PACKED not in request.headers.get("accept-encoding", said):
        return Response(answer, media_type="application/json")
    return Response(coding.pack(answer), 200, {"Content-Encoding": coding.PACKED}, "application/json")


def _range(header: str, size: int) -> tuple[int, int]:
    """First byte and count of one byte range (RFC 9110 section 14.1.2); raises RangeError for anything else."""
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise RangeError("ask for bytes=first-last")
    first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first > last:
        raise RangeError(f"it has {size} bytes")
    return first, min(last - first + 1, ANSWER_BYTES)
