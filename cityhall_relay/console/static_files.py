"""Styles and scripts: read once at the start, each at an address with its digest, so that browsers keep it for ever.

What is asked for is looked up among the names that are here, never on a disk.
"""

import hashlib
from importlib.resources import files
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class File(NamedTuple):
    """What is sent."""

    content: bytes
    media_type: str
    digest: str


def _read() -> dict[str, File]:
    folder = files("cityhall_relay.console") / "static"
    found = {}
    for one in folder.iterdir():
        kind = _TYPES.get(one.name[one.name.rfind(".") :])
        if kind:
            content = one.read_bytes()
            found[one.name] = File(content, kind, hashlib.sha256(content).hexdigest()[:16])
    return found


_FILES: Final = _read()


def address(name: str) -> str:
    """Where a page finds it; KeyError for what is not here."""
    return f"/static/{_FILES[name].digest}/{name}"


def file(name: str) -> File | None:
    """One of them."""
    return _FILES.get(name)


async def _send(request: Request) -> Response:
    found = file(request.path_params["name"])
    if found is None or found.digest != request.path_params["digest"]:
        raise HTTPException(404)
    return Response(found.content, 200, {"Cache-Control": _FOR_EVER}, found.media_type)


ROUTE: Final = Route("/static/{digest}/{name}", _send, methods=["GET"])
