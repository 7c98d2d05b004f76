"""The audit for programs (docs/wire.md): rows, daily digests, the check, copies. Each question is itself a row of the journal."""

from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.web import reading as read
from cityhall_base.words import Language
from cityhall_relay.audit import Audit, asked_of
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.digest_text import TEXT_BYTES
from cityhall_relay.errors import RequestError
from cityhall_relay.settings import Right
from cityhall_relay.store.audit import Kept, Seen
from cityhall_relay.web.clerk_api import as_json
from cityhall_relay.web.exports import Exports


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `body` is the JSON text that is hashed, `hash` 64 hex digits."""

    n: int
    at: int
    kind: str
    job: str
    body: str
    hash: str


class AuditApi:
    """A desk of the clerks' API."""

    def __init__(self, audit: Audit, exports: Exports, clerks: Clerks) -> None:
        self._audit, self._exports, self._clerks = audit, exports, clerks

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """One for each line of the table."""

        def reader(request: Request) -> str:
            who = clerk(request)
            self._clerks.check(who, Right.READ)
            return who

        async def rows(request: Request) -> Response:
            page = await self._audit.page(reader(request), asked_of(dict(request.query_params)))
            shown = tuple(map(row_view, page.rows))
            return as_json({"rows": shown, "older": page.older, "last": page.last, "head": page.head.hex()})

        async def check(request: Request) -> Response:
            who = reader(request)
            kept = await read.message(request, TEXT_BYTES)
            checked = await self._audit.check(who, kept or None)
            return as_json(msgspec.structs.asdict(checked) | {"head": checked.head.hex()})

        async def digests(request: Request) -> Response:
            found = self._audit.digests(reader(request), year_of(request.query_params.get("year", "")))
            return as_json({"digests": [{"day": one.day, "first": one.first, "last": one.last} for one in found]})

        async def digest(request: Request) -> Response:
            return as_json(kept_view(self._audit.digest(reader(request), request.path_params["day"])))

        async def export(request: Request) -> Response:
            language = Language.ENGLISH if request.query_params.get("lang") == "en" else Language.JAPANESE
            return self._exports.of(reader(request), request.query_params, language)

        return (
            Route("/1/audit/rows", rows, methods=["GET"]),
            Route("/1/audit/check", check, methods=["POST"]),
            Route("/1/audit/digests", digests, methods=["GET"]),
            Route("/1/audit/digests/{day}", digest, methods=["GET"]),
            Route("/1/audit/export", export, methods=["GET"]),
        )


def row_view(seen: Seen) -> RowView:
    """For JSON."""
    return RowView(**msgspec.structs.asdict(seen.row), hash=seen.hash.hex())


def kept_view(kept: Kept) -> dict[str, object]:
    """A digest with its envelope, which is JSON text and stays the very bytes that were signed."""
    return {"day": kept.day, "first": kept.first, "last": kept.last, "envelope": kept.envelope.decode()}


def year_of(text: str) -> str:
    """Four digits or nothing. Raises RequestError."""
    if text and not (len(text) == 4 and text.isascii() and text.isdigit()):
        raise RequestError("a year has four digits")
    return text
