"""The books over the local API: what the concierge adds to them beside what follows from a document."""

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus_agent.agent.api import read_body
from bus_agent.agent.books import Books
from bus_agent.agent.books_view import shown
from cityhall_wire.books import MOST_SHEETS, MOST_YEN, Row
from cityhall_wire.headers import Name, SheetNumber

Yen = Annotated[int, Meta(ge=0, le=MOST_YEN)]


class ReceiveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sheets/receive`."""

    paper: Name
    first: SheetNumber
    last: SheetNumber


class LostBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sheets/lost`."""

    paper: Name
    why: Name
    sheets: Annotated[tuple[Row, ...], Meta(min_length=1, max_length=100)]


class CountBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sheets/count`: how many, or rows of first and last number."""

    paper: Name
    left: Annotated[int, Meta(ge=0, le=MOST_SHEETS)] | None = None
    rows: Annotated[tuple[tuple[SheetNumber, SheetNumber], ...], Meta(max_length=100)] = ()


class FeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/fees/{job}/paid`, all that is open where no amount is given."""

    yen: Yen | None = None


class WhyFeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/fees/{job}/waived` and `/refunded`."""

    why: Name
    yen: Yen | None = None


class CashBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/cash/count`."""

    yen: Yen


class CashDifferenceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/cash/difference`."""

    yen: Annotated[int, Meta(ge=-MOST_YEN, le=MOST_YEN)]
    why: Name


class BooksDesk:
    """One method for each address; all but the first answer with the snapshot."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def routes(self, now: Callable[[], Response]) -> Sequence[Route]:
        """Its addresses."""
        posts = {
            "/v1/sheets/receive": self._receive,
            "/v1/sheets/lost": self._lost,
            "/v1/sheets/count": self._count,
            "/v1/fees/{job}/paid": self._paid,
            "/v1/fees/{job}/waived": self._waived,
            "/v1/fees/{job}/refunded": self._refunded,
            "/v1/cash/count": self._cash,
            "/v1/cash/difference": self._cash_difference,
        }
        self._now = now
        return [
            Route("/v1/books", self._get),
            *(Route(path, answer, methods=["POST"]) for path, answer in posts.items()),
        ]

    async def _get(self, request: Request) -> Response:
        return Response(msgspec.json.encode(shown(self._books)), media_type="application/json")

    async def _receive(self, request: Request) -> Response:
        body = await read_body(request, ReceiveBody)
        self._books.receive(body.paper, body.first, body.last)
        return self._now()

    async def _lost(self, request: Request) -> Response:
        body = await read_body(request, LostBody)
        self._books.lost(body.paper, body.sheets, body.why)
        return self._now()

    async def _count(self, request: Request) -> Response:
        body = await read_body(request, CountBody)
        self._books.count(body.paper, body.left, body.rows)
        return self._now()

    async def _paid(self, request: Request) -> Response:
        body = await read_body(request, FeeBody)
        self._books.paid(request.path_params["job"], body.yen)
        return self._now()

    async def _waived(self, request: Request) -> Response:
        body = await read_body(request, WhyFeeBody)
        self._books.waived(request.path_params["job"], body.why, body.yen)
        return self._now()

    async def _refunded(self, request: Request) -> Response:
        body = await read_body(request, WhyFeeBody)
        self._books.refunded(request.path_params["job"], body.why, body.yen)
        return self._now()

    async def _cash(self, request: Request) -> Response:
        self._books.cash_counted((await read_body(request, CashBody)).yen)
        return self._now()

    async def _cash_difference(self, request: Request) -> Response:
        body = await read_body(request, CashDifferenceBody)
        self._books.cash_difference(body.yen, body.why)
        return self._now()
