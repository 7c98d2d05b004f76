"""The one way in: every page is behind this `Door` (visitor.py), which knows who is there, and checks right, origin and token."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from cityhall_base.web import reading
from cityhall_base.words import Language
from cityhall_relay.console import origin
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.errors import ForeignError, FormError, OldFormError, SignedOutError
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.sign_ins import BY_CODE, SignIns, csrf, same
from cityhall_relay.console.streams import Streams
from cityhall_relay.console.visitor import Endpoint, Show, Take, Visitor
from cityhall_relay.errors import NotAllowedError
from cityhall_relay.settings import Right
from cityhall_relay.store.console import SignIn

COOKIE: Final = "__Host-console"
FORM_BYTES: Final = 16 * 1024
FORM_S: Final = 30.0
FIELDS: Final = 200
_FORM_TYPE: Final = "application/x-www-form-urlencoded"


class Guest(NamedTuple):
    """A live sign-in as a request shows it."""

    sign_in: SignIn
    id: str


class ConsoleDoor:
    """Satisfies `Door`. `own` is the configured origin; empty: whatever host is asked."""

    def __init__(self, accounts: Accounts, sign_ins: SignIns, frame: Frame, streams: Streams, own: str) -> None:
        self._accounts, self._sign_ins, self._frame = accounts, sign_ins, frame
        self._streams, self._own = streams, own

    def shows(self, right: Right | None, show: Show) -> Endpoint:
        """GET: a page, a picture, an event stream. Refused from a foreign origin."""

        async def endpoint(request: Request) -> Response:
            if origin.foreign_read(request, self.own(request)):
                raise ForeignError
            guest = self.guest(request)
            if guest is None or guest.sign_in.via == BY_CODE:
                return self._to_sign_in(request, guest)
            if not (origin.wants_events(request) or origin.by_script(request)):
                self._sign_ins.saw(guest.sign_in)  # what a page asks by itself keeps nobody signed in
            response = await show(request, self._allowed(request, guest, right))
            if isinstance(response, StreamingResponse) and (response.media_type or "").startswith(origin.EVENTS):
                return self._streams.watched(response, guest.sign_in)
            return response

        return endpoint

    def takes(self, right: Right | None, take: Take) -> Endpoint:
        """POST of a form (application/x-www-form-urlencoded, at most 16 KiB) with the visitor's token."""

        async def answer(request: Request, guest: Guest) -> Response:
            form = await self.form(request)
            visitor = self._with_token(request, guest, right, form.get("csrf", ""))
            return await take(request, visitor, {name: value for name, value in form.items() if name != "csrf"})

        return self._posted(answer)

    def receives(self, right: Right | None, receive: Show) -> Endpoint:
        """POST of a body that the handler reads itself; the token travels in the header X-CSRF or as `?csrf=`."""

        async def answer(request: Request, guest: Guest) -> Response:
            token = request.headers.get("x-csrf") or request.query_params.get("csrf", "")
            return await receive(request, self._with_token(request, guest, right, token))

        return self._posted(answer)

    # --- for the door's own pages ---

    def own(self, request: Request) -> str:
        """The console's origin."""
        return self._own or f"https://{request.headers.get('host', '')}"

    def check_origin(self, request: Request) -> None:
        """Of a POST. Raises ForeignError."""
        if origin.foreign(request, self.own(request)):
            raise ForeignError

    def guest(self, request: Request) -> Guest | None:
        """Who shows a live id, also one who may only set a password."""
        name = request.cookies.get(COOKIE, "")
        found = self._sign_ins.find(name)
        if found is not None and not self._accounts.find(found.who).enabled:
            return None
        return None if found is None else Guest(found, name)

    async def form(self, request: Request) -> Mapping[str, str]:
        """The fields, each name once. Raises FormError, BodyTooLargeError or SlowBodyError."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM_TYPE:
            raise FormError
        found = origin.fields(await reading.body(request, FORM_BYTES, FORM_S), FIELDS)
        if found is None:
            raise FormError
        return found

    def visitor(self, guest: Guest) -> Visitor:
        """Who that is now: rights and sections are asked for at each request."""
        account = self._accounts.find(guest.sign_in.who)
        return Visitor(
            who=account.who,
            rights=self._accounts.rights(account.who),
            sections=account.section_names,
            language=Language(account.language),
            csrf=csrf(guest.id),
        )

    def _posted(self, answer: Callable[[Request, Guest], Awaitable[Response]]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            self.check_origin(request)
            guest = self.guest(request)
            if guest is None or guest.sign_in.via == BY_CODE:
                raise SignedOutError
            return await answer(request, guest)

        return endpoint

    def _with_token(self, request: Request, guest: Guest, right: Right | None, token: str) -> Visitor:
        if not same(token, csrf(guest.id)):
            raise OldFormError
        # While the form came in, the sign-in may have ended.
        if not self._sign_ins.still(guest.sign_in):
            raise SignedOutError
        self._sign_ins.saw(guest.sign_in)
        return self._allowed(request, guest, right)

    def _allowed(self, request: Request, guest: Guest, right: Right | None) -> Visitor:
        visitor = self.visitor(guest)
        request.state.visitor = visitor  # for the page that says what went wrong
        if right is not None and right not in visitor.rights:
            raise NotAllowedError(f"{visitor.who} has not the right `{right}`")
        return visitor

    def _to_sign_in(self, request: Request, guest: Guest | None) -> Response:
        if origin.wants_events(request):
            raise SignedOutError
        if guest is not None:
            return RedirectResponse("/first/set-up", 303)
        here = origin.local(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        if origin.by_link(request):
            return self._frame.page(None, Language.JAPANESE, "go_on.html", to=here or "/")
        page = f"/sign-in?{urlencode({'to': here})}" if here not in ("", "/") else "/sign-in"
        if origin.by_script(request):
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse(page, 303)


def set_cookie(response: Response, name: str) -> Response:
    """The id travels in this cookie alone: never to another host, never to a script, never from another site's page."""
    response.set_cookie(COOKIE, name, path="/", secure=True, httponly=True, samesite="strict")
    return response
