"""The books over the clerks' listener: to be read with the right `read`, written into with `books`."""

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.clock import Clock, business_day
from cityhall_base.web import reading as read
from cityhall_relay.books import Books
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.errors import RequestError
from cityhall_relay.ledger import Shown, money, open_fees, shown, totals
from cityhall_relay.settings import Right
from cityhall_relay.web.clerk_api import as_json
from cityhall_wire import strict_json
from cityhall_wire.books import BookEntry, EntryId, Row
from cityhall_wire.headers import Name, SheetNumber

Month = Annotated[str, Meta(pattern=r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z")]


class Receive(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/books/{bus}/receive`."""

    paper: Name
    first: SheetNumber
    last: SheetNumber


class Correct(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /1/books/{bus}/correct`."""

    entry: EntryId
    why: Name
    instead: Annotated[tuple[Row, ...], Meta(max_length=100)] = ()


class BooksDesk:
    """One method for each address."""

    def __init__(self, books: Books, clerks: Clerks, clock: Clock) -> None:
        self._books, self._clerks, self._clock = books, clerks, clock

    def routes(self, clerk: Callable[[Request], str]) -> Sequence[Route]:
        """Its addresses."""
        self._token = clerk
        return [
            Route("/1/books/{bus}/ledger", self.ledger, methods=["GET"]),
            Route("/1/books/{bus}/entries", self.entries, methods=["GET"]),
            Route("/1/books/{bus}/fees", self.fees, methods=["GET"]),
            Route("/1/books/{bus}/receive", self.receive, methods=["POST"]),
            Route("/1/books/{bus}/correct", self.correct, methods=["POST"]),
        ]

    async def ledger(self, request: Request) -> Response:
        """A month's sheets: one line a day and paper; what waits for the bus; what differs now."""
        bus, month = self._asked(request)
        lines = self._books.ledger(bus, month)
        differences = [str(one) for one in self._books.book(bus).differences()]
        pending = [self._shown(wish) for wish in self._books.pending(bus)]
        return as_json({"bus": bus, "month": month, "lines": lines, "pending": pending, "differences": differences})

    async def entries(self, request: Request) -> Response:
        """A month's lines as they were written, with their ids."""
        bus, month = self._asked(request)
        lines = [self._shown(entry) for entry in self._books.month(bus, month)]
        pending = [self._shown(wish) for wish in self._books.pending(bus)]
        return as_json({"bus": bus, "month": month, "entries": lines, "pending": pending})

    async def fees(self, request: Request) -> Response:
        """A month's money, its sums, and what is open now."""
        bus, month = self._asked(request)
        lines, book = money(self._books.month(bus, month), month), self._books.book(bus)
        open_ = open_fees(book, self._books.live(bus))
        still = [{"job": job, "check_word": self._word(job), "yen": yen} for job, yen in open_]
        cash = {"expected": book.cash.expected, "off": book.cash.off, "counted_on": book.cash.counted_on}
        entries = [self._shown(entry) for entry in lines]
        answer = {"bus": bus, "month": month, "entries": entries, "totals": totals(lines)}
        return as_json(answer | {"open": still, "cash": cash})

    async def receive(self, request: Request) -> Response:
        """202: the bus writes it when it hears of it."""
        clerk, bus = self._clerk(request, Right.BOOKS)
        ask = strict_json.decode(await read.message(request), Receive)
        return self._wished([self._books.receive(bus, ask.paper, ask.first, ask.last, clerk)])

    async def correct(self, request: Request) -> Response:
        """202: the bus writes it when it hears of it."""
        clerk, bus = self._clerk(request, Right.BOOKS)
        ask = strict_json.decode(await read.message(request), Correct)
        return self._wished(self._books.correct(bus, ask.entry, ask.why, clerk, ask.instead))

    def _wished(self, wishes: list[BookEntry]) -> Response:
        return as_json({"pending": [self._shown(wish) for wish in wishes]}, 202)

    def _clerk(self, request: Request, right: Right) -> tuple[str, str]:
        clerk = self._token(request)
        self._clerks.check(clerk, right)
        return clerk, str(request.path_params["bus"])

    def _asked(self, request: Request) -> tuple[str, str]:
        _, bus = self._clerk(request, Right.READ)
        today = business_day(self._clock.utc_ms())
        try:
            return bus, msgspec.convert(request.query_params.get("month") or today[:7], Month)
        except msgspec.ValidationError:
            raise RequestError("month is a year and a month, as 2026-11") from None

    def _shown(self, entry: BookEntry) -> Shown:
        return shown(entry, self._word(entry.job or ""))

    def _word(self, name: str) -> str:
        job = self._books.job(name) if name else None
        return str(job.check_word) if job else ""
