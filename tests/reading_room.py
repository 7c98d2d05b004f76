"""The pages of books, days and audit over a whole relay without sockets, and a city with something in its books."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from cityhall_base.web.app import application
from cityhall_base.words import Language
from cityhall_relay.audit import Audit
from cityhall_relay.console import trouble
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.reading_room import reading_pages
from cityhall_relay.console.visitor import Visitor
from cityhall_relay.incidents import Incidents
from cityhall_relay.settings import Right
from cityhall_relay.web.exports import Exports
from cityhall_wire.books import BookEntry, Column
from cityhall_wire.messages import link, people
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.people import Item, Which
from cityhall_wire.modes import DutyCause, DutyMode
from tests.console_door import OpenDoor
from tests.relay_city import CITY, MORNING, OnBus, Town, carried
from tests.unit.on_board import LISTS

BUS, DAY, MONTH = "bus-1", "2026-11-21", "2026-11"
AUDITOR = Visitor("auditor-1", frozenset({Right.READ}), (), Language.JAPANESE, "csrf")
CUSTODIAN = Visitor("custodian-1", frozenset({Right.READ, Right.BOOKS}), (), Language.JAPANESE, "csrf")
CLERK = Visitor("clerk-1", frozenset({Right.COUNTER}), (), Language.JAPANESE, "csrf")


class Direct(httpx.BaseTransport):
    """A client without sockets, in the thread whose the store is; a streamed answer is gathered."""

    def __init__(self, app: ASGIApp) -> None:
        self._inside = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            answer = await self._inside.handle_async_request(sent)
            whole = httpx.ByteStream(await answer.aread())
            return httpx.Response(answer.status_code, headers=answer.headers, stream=whole)

        return asyncio.run(ask())


class ReadingRoom:
    """`door.visitor` is who reads."""

    def __init__(self, top: Path, city: bytes = CITY + LISTS) -> None:
        self.town = Town(top, city)
        self.door = OpenDoor(CUSTODIAN)
        relay = self.town.relay
        keyring = {Role.RELAY: (self.town.keys.relay.public_key(),)}
        self.city = relay.city.city
        self.audit = Audit(relay.store, self.city, keyring, self.town.clock, relay.changes)
        self.incidents = Incidents(relay.store, self.town.clock, relay.changes)
        exports = Exports(self.audit, relay.books)
        all_pages = reading_pages(
            Frame(self.city),
            relay.store,
            self.city,
            relay.books,
            self.incidents,
            self.audit,
            exports,
            self.town.clock,
        )
        routes = [route for one in all_pages for route in one.routes(self.door)]
        self.app = application(routes, trouble.handlers(Frame(self.city)))
        self.client = httpx.Client(transport=Direct(self.app), base_url="http://relay")

    def get(self, path: str, **params: str) -> Any:
        return self.client.get(path, params=params)

    def post(self, path: str, **form: str) -> Any:
        return self.client.post(path, data={"csrf": self.door.visitor.csrf} | form)

    def writes(self, column: Column, n: int, bus: str = BUS, **fields: Any) -> BookEntry:
        """The bus writes a line."""
        about: dict[str, Any] = {"at": self.town.clock.utc_ms(), "by": "concierge-3b", "paper": "controlled"}
        entry = BookEntry(id="e" + secrets.token_hex(12), n=n, column=column, **about | fields)
        with self.town.relay.store.event():
            assert self.town.relay.books.write(bus, entry)
        return entry

    def rows(self, kind: str = "") -> list[tuple[int, str, str]]:
        """Number, kind and body of the journal's rows."""
        found = self.town.relay.store.db.execute("select n, kind, body from journal order by n").fetchall()  # type: ignore[attr-defined]
        return [row for row in found if kind in ("", row[1])]

    def writes_something(self) -> None:
        """A row of the journal."""
        with self.town.relay.store.event():
            self.town.relay.store.record("something", by="clerk-1")

    def night(self, days: int = 1) -> None:
        """Midnight passes, and the housekeeping looks."""
        for _ in range(days):
            self.town.clock.forward(24 * 3600)
            self.town.relay.housekeeping.tick()

    def a_day(self) -> OnBus:
        """Duty, a list, a document, its sheet and its fee."""
        on = carried(self.town)
        on.bus.fact(link.DutyChanged, mode=DutyMode.CITY_HALL, why=DutyCause.CONCIERGE, since=MORNING)
        items = (Item(item="lamp", ok=True), Item(item="line", ok=False, box=True, note="slow"))
        on.bus.fact(people.Checklist, which=Which.OPENING, day=DAY, items=items, by="concierge-3b")
        on.bus.fact(people.SignedIn, who="concierge-3b", how=people.How.PIN, on=True)
        numbers: dict[str, Any] = {"sheets": 1, "numbers": ("A-000001",), "job": on.name}
        self.writes(Column.ISSUED, 2, yen=300, **numbers)
        self.writes(Column.PAID, 3, paper=None, yen=300, job=on.name, receipt=12)
        self.writes(Column.TEST, 4, sheets=1, numbers=("A-000002",))
        return on
