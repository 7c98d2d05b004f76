"""The pages before somebody is signed in: sign-in, the first time, the city's own service, and out again."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cityhall_relay.console import totp
from cityhall_relay.console.door import COOKIE, ConsoleDoor, Guest, set_cookie
from cityhall_relay.console.errors import OidcError, OldFormError, SignedOutError
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.origin import local
from cityhall_relay.console.reception import Reception, Secrets
from cityhall_relay.console.roles import home
from cityhall_relay.console.sign_ins import BY_CODE, SignIns, csrf, same
from cityhall_relay.console.trouble import language_of
from cityhall_relay.console.visitor import Form, Visitor
from cityhall_relay.errors import RelayError
from cityhall_relay.store import RelayStore

BEFORE: Final = "__Host-sign-in"
"""A browser that is about to sign in: its forms have a token too, and what the city's service says is for it alone. Lax,
because the browser comes back from that service."""


class Entrance:
    """Pages of the door itself: they take no `Door`, because nobody is there yet."""

    def __init__(
        self,
        door: ConsoleDoor,
        reception: Reception,
        sign_ins: SignIns,
        store: RelayStore,
        frame: Frame,
        city_name: str,
    ) -> None:
        self._door, self._reception, self._sign_ins, self._store = door, reception, sign_ins, store
        self._frame, self._city_name = frame, city_name
        self._key = secrets.token_bytes(32)  # of the forms' tokens; after a restart a page is loaded again
        self.oidc: Any = None

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        return (
            Route("/sign-in", self.sign_in_page, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/first", self.first_page, methods=["GET"]),
            Route("/first", self.first, methods=["POST"]),
            Route("/first/set-up", self.set_up_page, methods=["GET"]),
            Route("/first/set-up", self.set_up, methods=["POST"]),
            Route("/sign-out", self._door.takes(None, self.sign_out), methods=["POST"]),
            *((Route("/oidc/begin", self.oidc_begin, methods=["POST"]),) if self.oidc else ()),
            *((Route("/oidc/callback", self.oidc_callback, methods=["GET"]),) if self.oidc else ()),
        )

    async def sign_in_page(self, request: Request) -> Response:
        """Who is signed in already goes on."""
        guest = self._door.guest(request)
        if guest is not None and guest.sign_in.via != BY_CODE:
            return RedirectResponse(home(self._door.visitor(guest).rights), 303)
        return self._asks(request, "sign_in.html", to=local(request.query_params.get("to", "")))

    async def sign_in(self, request: Request) -> Response:
        """Id, password, code of the app."""
        form = await self._posted(request)
        to = local(form.get("to", ""))
        who = form.get("who", "").strip()
        try:
            name = await self._reception.with_password(
                who, form.get("password", ""), form.get("digits", ""), _from(request)
            )
        except RelayError as error:
            return self._asks(request, "sign_in.html", error, to=to)
        return self._welcome(request, name, to)

    async def first_page(self, request: Request) -> Response:
        """Asks for the first-time code."""
        return self._asks(request, "first.html")

    async def first(self, request: Request) -> Response:
        """To the page on which a password is set."""
        form = await self._posted(request)
        try:
            name = self._reception.with_code(form.get("who", "").strip(), form.get("code", ""), _from(request))
        except RelayError as error:
            return self._asks(request, "first.html", error)
        self._forget(request)
        return set_cookie(RedirectResponse(f"/first/set-up?lang={language_of(request)}", 303), name)

    async def set_up_page(self, request: Request) -> Response:
        """The picture for the app, and two fields for the password."""
        return self._set_up_page(request, self._newcomer(request))

    async def set_up(self, request: Request) -> Response:
        """The password and the app are there: signed in under a new id."""
        self._door.check_origin(request)
        guest = self._newcomer(request)
        form = await self._door.form(request)
        if not same(form.get("csrf", ""), csrf(guest.id)):
            raise OldFormError
        typed = Secrets(form.get("password", ""), form.get("again", ""), form.get("digits", ""))
        try:
            name = await self._reception.set_up(guest.sign_in, typed)
        except RelayError as error:
            if self._door.guest(request) is None:
                raise
            return self._set_up_page(request, guest, error)
        return self._welcome(request, name, "")

    async def sign_out(self, request: Request, _visitor: Visitor, _form: Form) -> Response:
        """Here alone; `/me` has the others."""
        self._forget(request)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return response

    async def oidc_begin(self, request: Request) -> Response:
        """To the city's service."""
        await self._posted(request)
        try:
            return RedirectResponse(await self.oidc.begin(request.cookies.get(BEFORE, "")), 303)
        except RelayError as error:
            return self._asks(request, "sign_in.html", error, to="")

    async def oidc_callback(self, request: Request) -> Response:
        """And back. A page of the other site sent the browser here, so its token is state, bound to the cookie."""
        asked, browser = request.query_params, request.cookies.get(BEFORE, "")
        try:
            if not browser or "code" not in asked or len(asked.get("code", "")) > 4096:
                raise OidcError
            who = await self.oidc.complete(browser, asked.get("state", ""), asked["code"])
            name = self._reception.with_oidc(who, _from(request))
        except RelayError as error:
            return self._asks(request, "sign_in.html", error, to="")
        return self._welcome(request, name, "", foreign=True)

    def _welcome(self, request: Request, name: str, to: str, *, foreign: bool = False) -> Response:
        self._forget(request)
        sign_in = self._sign_ins.find(name)
        if sign_in is None:
            raise SignedOutError
        visitor = self._door.visitor(Guest(sign_in, name))
        there = to or home(visitor.rights)
        response: Response = RedirectResponse(there, 303)
        if foreign:
            # From another site's redirect the browser would not send the new cookie: our own page goes on.
            response = self._frame.page(None, visitor.language, "go_on.html", to=there)
        response.delete_cookie(BEFORE, path="/", secure=True, httponly=True, samesite="lax")
        return set_cookie(response, name)

    def _forget(self, request: Request) -> None:
        """Whatever this browser was before: its old id opens nothing any more."""
        guest = self._door.guest(request)
        if guest is not None:
            with self._store.event():
                self._sign_ins.end(guest.sign_in, "signed_out")

    def _newcomer(self, request: Request) -> Guest:
        guest = self._door.guest(request)
        if guest is None or guest.sign_in.via != BY_CODE:
            raise SignedOutError
        return guest

    def _set_up_page(self, request: Request, guest: Guest, wrong: RelayError | None = None) -> Response:
        secret, who = self._reception.secret_to_show(guest.sign_in), guest.sign_in.who
        values: dict[str, Any] = {"token": csrf(guest.id), "who": who, "letters": totp.letters(secret), "wrong": wrong}
        values["picture"] = totp.picture(secret, who, self._city_name)
        return self._frame.page(None, language_of(request), "set_up.html", _status(wrong), **values)

    def _asks(self, request: Request, template: str, wrong: RelayError | None = None, **values: Any) -> Response:
        browser = request.cookies.get(BEFORE, "") or secrets.token_urlsafe(32)
        values |= {"token": self._token(browser), "wrong": wrong, "oidc": self.oidc is not None}
        response = self._frame.page(None, language_of(request), template, _status(wrong), **values)
        if wait := getattr(wrong, "detail", ""):
            response.headers["Retry-After"] = wait
        response.set_cookie(BEFORE, browser, path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def _posted(self, request: Request) -> Mapping[str, str]:
        self._door.check_origin(request)
        form = await self._door.form(request)
        browser = request.cookies.get(BEFORE, "")
        if not browser or not same(form.get("csrf", ""), self._token(browser)):
            raise OldFormError
        return form

    def _token(self, browser: str) -> str:
        return hmac.new(self._key, browser.encode(), hashlib.sha256).hexdigest()


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


def _status(wrong: RelayError | None) -> int:
    return wrong.status if wrong else HTTPStatus.OK
