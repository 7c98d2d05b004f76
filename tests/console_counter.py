"""The counter's pages over a whole relay without sockets, behind the open door."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette

from cityhall_base.words import Language
from cityhall_relay.console import static_files
from cityhall_relay.console.counter import counter_pages
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Visitor
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Session
from cityhall_relay.web.errors import HANDLERS
from cityhall_wire.messages import link
from tests.console_door import OpenDoor
from tests.relay_city import HandMadeBus, Town, desk_bus

COUNTER = frozenset({Right.COUNTER})


def clerk(who: str = "clerk-1", *sections: str, rights: frozenset[Right] = COUNTER, lang: str = "ja") -> Visitor:
    return Visitor(who, rights, sections, Language(lang), f"token-of-{who}")


class Counter:
    """One relay's pages, and whoever looks at them. `as_` changes who that is."""

    def __init__(self, town: Town, visitor: Visitor | None = None) -> None:
        self.town, self.door = town, OpenDoor(visitor or clerk())
        self.desks: Desks = town.relay.counter(lambda _bus: None)
        pages = counter_pages(self.desks, Frame(town.relay.city.city))
        routes = [route for one in pages for route in one.routes(self.door)]
        self.app = Starlette(routes=[*routes, static_files.ROUTE], exception_handlers=dict(HANDLERS))

    def as_(self, visitor: Visitor) -> "Counter":
        self.door.visitor = visitor
        return self

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self.ask("POST", path, data={"csrf": self.door.visitor.csrf, **fields})

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """In this thread, which is the store's."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="https://hall") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def upload(self, session: Session, document: bytes = b"1 a document", **query: str) -> httpx.Response:
        fields = {"service": "resident-record", "number": self.number(session), "csrf": self.door.visitor.csrf} | query
        headers = {"content-type": "application/pdf", "accept": "application/json"}
        path = f"/visits/{session.session}/documents"
        return self.ask("POST", path, params=fields, content=document, headers=headers)

    def number(self, session: Session, page: str = "") -> str:
        text: str = self.get(f"/visits/{session.session}?send=1{page}").text
        return text.split('name="number" value="')[1][:32]


def called(town: Town, bus: str = "bus-1", section: str = "citizen", slot: int = 3) -> HandMadeBus:
    """A bus whose concierge has pressed a section's key."""
    box = desk_bus(town, bus)
    box.sync()
    box.fact(link.Call, session="s" + "0" * 23 + bus[-1], section=section, stop="hall", slot=slot)
    return box
