"""A desk's addresses of the local API, without a socket."""

import asyncio

import httpx
from starlette.responses import JSONResponse, Response

from bus_agent.agent.api import Desk, _refused
from bus_agent.errors import BusError
from cityhall_base.web.app import application
from cityhall_base.web.errors import HANDLERS


def ask(desk: Desk, method: str, path: str, content: bytes = b"") -> httpx.Response:
    """One request; what would be answered with a snapshot says `here`."""

    def now() -> Response:
        return JSONResponse({"here": True})

    async def once() -> httpx.Response:
        app = application(list(desk.routes(now)), {**HANDLERS, BusError: _refused})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bus") as client:
            headers = {"Content-Type": "application/json"} if content else {}
            return await client.request(method, path, content=content, headers=headers)

    return asyncio.run(once())
