"""Everything about who is on board and the day's checklists, wired to the rest of the agent; and its addresses in the local API."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus_agent.agent.api import read_body
from bus_agent.agent.checklists import Checklists
from bus_agent.agent.checks import Books, Facts
from bus_agent.agent.commands import Commands
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.signing_in import Entrance, SigningIn
from bus_agent.agent.snapshot import Camera
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import UnknownItemError
from bus_agent.shown import ListShown
from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_wire.headers import Name, OpaqueId
from cityhall_wire.messages.people import Code, Which

PIN_LENGTH: Final = 64
"""Of what is typed; a PIN has at most 12 digits."""


class SignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sign-in`."""

    who: OpaqueId
    pin: Annotated[str, Meta(max_length=PIN_LENGTH)]

    def __repr__(self) -> str:
        return "SignInBody"


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sign-in/code`."""

    code: Code

    def __repr__(self) -> str:
        return "CodeBody"


class TickBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/checklists/{which}/{item}`."""

    ok: bool = True
    note: Name | None = None


class ListsShown(msgspec.Struct, frozen=True):
    """`GET /v1/checklists`."""

    checklists: tuple[ListShown, ...]


class People:
    """`books` are the day's."""

    def __init__(
        self,
        city: City,
        store: BusStore,
        scribe: Scribe,
        syncer: Syncer,
        duty: Duty,
        boot_id: str,
        clock: Clock,
        books: Books,
    ) -> None:
        self._store, self._syncer, self._duty = store, syncer, duty
        self._books = books
        self.signing_in = SigningIn(store, scribe, syncer, Entrance(city.concierges, boot_id), clock)
        self.lists = Checklists(city.checklists, store, scribe, syncer, duty, self._facts, clock)

    def wire(self, commands: Commands, camera: Camera | None = None) -> None:
        """Stand at every door where somebody must be known or a list be complete, and in every snapshot."""
        duty, signing_in, lists = self._duty, self.signing_in, self.lists
        duty.by = signing_in.by
        duty.changes.append(signing_in.changed)
        duty.blocks += [lambda _: signing_in.check(), lists.blocks]
        duty.reminders += [signing_in.reminder, lists.reminder]
        commands.handed_over.append(lists.handed_over)
        if camera:
            camera.more |= {"signed_in": signing_in.shown, "checklists": lists.shown}

    def routes(self, now: Callable[[], Response]) -> Sequence[Route]:
        """The addresses of the local API."""

        async def sign_in(request: Request) -> Response:
            body = await read_body(request, SignInBody)
            await self.signing_in.with_pin(body.who, body.pin)
            return now()

        async def sign_in_with_code(request: Request) -> Response:
            await self.signing_in.with_code((await read_body(request, CodeBody)).code)
            return now()

        async def sign_out(request: Request) -> Response:
            self.signing_in.out()
            return now()

        async def shown(request: Request) -> Response:
            content = msgspec.json.encode(ListsShown(self.lists.shown()))
            return Response(content, media_type="application/json")

        async def complete(request: Request) -> Response:
            self.lists.complete(_which(request))
            return now()

        async def tick(request: Request) -> Response:
            body = await read_body(request, TickBody)
            self.lists.tick(_which(request), request.path_params["item"], ok=body.ok, note=body.note or "")
            return now()

        of = "/v1/checklists/{which}"
        return (
            Route("/v1/sign-in", sign_in, methods=["POST"]),
            Route("/v1/sign-in/code", sign_in_with_code, methods=["POST"]),
            Route("/v1/sign-out", sign_out, methods=["POST"]),
            Route("/v1/checklists", shown),
            Route(f"{of}/complete", complete, methods=["POST"]),
            Route(f"{of}/{{item}}", tick, methods=["POST"]),
        )

    def _facts(self, tested: bool) -> Facts:
        return Facts(
            duty=self._duty,
            link=self._syncer.state,
            jobs=self._store.jobs(),
            books=self._books,
            nobody=self.signing_in.nobody,
            tested=tested,
        )


def _which(request: Request) -> Which:
    try:
        return Which(request.path_params["which"])
    except ValueError:
        raise UnknownItemError from None
