"""A door for tests of single pages: whoever the test says is signed in. The real one is tried in tests of its own."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from cityhall_relay.console.visitor import Endpoint, Show, Take, Visitor
from cityhall_relay.settings import Right

Answer = Callable[[Request, Visitor], Awaitable[Response]]


class OpenDoor:
    """`visitor` may be changed between two requests; the token is always `csrf`."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def shows(self, right: Right | None, show: Show) -> Endpoint:
        return self._with(right, show)

    def receives(self, right: Right | None, receive: Show) -> Endpoint:
        return self._with(right, receive)

    def takes(self, right: Right | None, take: Take) -> Endpoint:
        async def answer(request: Request, visitor: Visitor) -> Response:
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            if form.pop("csrf", "") != visitor.csrf:
                return PlainTextResponse("csrf", 403)
            return await take(request, visitor, form)

        return self._with(right, answer)

    def _with(self, right: Right | None, answer: Answer) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if right is not None and right not in self.visitor.rights:
                return PlainTextResponse(str(right), 403)
            return await answer(request, self.visitor)

        return endpoint
