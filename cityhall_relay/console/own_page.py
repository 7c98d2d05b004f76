"""Everybody's own page: language, password, the app anew, and where one is signed in."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cityhall_base.words import Language
from cityhall_relay.console import totp
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.door import ConsoleDoor, Guest, set_cookie
from cityhall_relay.console.errors import FormError, SignedOutError
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.reception import Reception
from cityhall_relay.console.roles import home
from cityhall_relay.console.sign_ins import SignIns
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.errors import RelayError
from cityhall_relay.store import RelayStore


class OwnPage:
    """Satisfies `Pages`."""

    def __init__(
        self,
        own: ConsoleDoor,
        accounts: Accounts,
        reception: Reception,
        sign_ins: SignIns,
        store: RelayStore,
        frame: Frame,
        city_name: str,
    ) -> None:
        self._own, self._accounts, self._reception = own, accounts, reception
        self._sign_ins, self._store, self._frame, self._city_name = sign_ins, store, frame, city_name

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""
        return (
            Route("/me", door.shows(None, self.page), methods=["GET"]),
            Route("/me/language", door.takes(None, self.language), methods=["POST"]),
            Route("/me/password", door.takes(None, self.password), methods=["POST"]),
            Route("/me/app", door.shows(None, self.app_page), methods=["GET"]),
            Route("/me/app", door.takes(None, self.app), methods=["POST"]),
            Route("/me/sign-ins/{name}/end", door.takes(None, self.end), methods=["POST"]),
            Route("/me/sign-out-everywhere", door.takes(None, self.end_all), methods=["POST"]),
        )

    async def page(self, request: Request, visitor: Visitor) -> Response:
        """All of it."""
        return self._page(request, visitor)

    async def language(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """Of the screens, from now on."""
        try:
            language = Language(form.get("language", ""))
        except ValueError:
            raise FormError from None
        self._accounts.speak(visitor.who, language)
        return RedirectResponse(home(visitor.rights), 303)

    async def password(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """A new one: this browser gets a new id, every other is signed out."""
        guest = self._guest(request)
        new, again = form.get("password", ""), form.get("again", "")
        try:
            name = await self._reception.change_password(guest.sign_in, form.get("present", ""), new, again)
        except RelayError as error:
            return self._page(request, visitor, error)
        return set_cookie(RedirectResponse("/me", 303), name)

    async def app_page(self, request: Request, visitor: Visitor) -> Response:
        """A new picture; the old app holds until its first code was typed."""
        return self._app_page(request, visitor)

    async def app(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """The new app's code is there."""
        guest = self._guest(request)
        try:
            name = await self._reception.change_app(guest.sign_in, form.get("present", ""), form.get("digits", ""))
        except RelayError as error:
            return self._app_page(request, visitor, error)
        return set_cookie(RedirectResponse("/me", 303), name)

    async def end(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """One other browser of one's own."""
        with self._store.event():
            for one in self._sign_ins.of(visitor.who):
                if one.name == request.path_params["name"]:
                    self._sign_ins.end(one, "signed_out")
        return RedirectResponse("/me", 303)

    async def end_all(self, _request: Request, visitor: Visitor, _form: Form) -> Response:
        """Every browser, this one too."""
        with self._store.event():
            self._sign_ins.end_all(visitor.who, "everywhere")
        return RedirectResponse("/sign-in", 303)

    def _page(self, request: Request, visitor: Visitor, wrong: RelayError | None = None) -> Response:
        here = self._guest(request).sign_in
        account = self._accounts.find(visitor.who)
        sign_ins = [
            {
                "name": one.name,
                "here": one.digest == here.digest,
                "address": one.address,
                "since": one.made_at,
                "seen": self._sign_ins.seen_at(one),
            }
            for one in self._sign_ins.of(visitor.who)
        ]
        values: dict[str, Any] = {"sign_ins": sign_ins, "local": bool(account.password), "wrong": wrong}
        return self._frame.page(visitor, visitor.language, "me.html", wrong.status if wrong else 200, **values)

    def _app_page(self, request: Request, visitor: Visitor, wrong: RelayError | None = None) -> Response:
        secret = self._reception.secret_to_show(self._guest(request).sign_in)
        values: dict[str, Any] = {"letters": totp.letters(secret), "wrong": wrong}
        values["picture"] = totp.picture(secret, visitor.who, self._city_name)
        return self._frame.page(visitor, visitor.language, "app.html", wrong.status if wrong else 200, **values)

    def _guest(self, request: Request) -> Guest:
        guest = self._own.guest(request)
        if guest is None:  # it ended while the form came in
            raise SignedOutError
        return guest
