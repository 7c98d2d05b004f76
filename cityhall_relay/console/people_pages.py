"""Who may use the console, for administrators: list, add, change, disable, reset. Only opaque ids stand here."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.words import Language
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.errors import FormError
from cityhall_relay.console.frame import Frame, moment
from cityhall_relay.console.roles import Role
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.console.words import W
from cityhall_relay.errors import RelayError
from cityhall_relay.settings import Right
from cityhall_relay.store.console import Account


class Choice(NamedTuple):
    """A box to tick."""

    name: str
    label: str
    ticked: bool


class Line(NamedTuple):
    """One account as the list shows it."""

    who: str
    roles: str
    sections: str
    state: str
    last: str
    enabled: bool


class PeoplePages:
    """Satisfies `Pages`."""

    def __init__(self, accounts: Accounts, frame: Frame, city: City, clock: Clock) -> None:
        self._accounts, self._frame, self._city, self._clock = accounts, frame, city, clock

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""
        here, one = Right.PEOPLE, "/people/{who}"
        return (
            Route("/people", door.shows(here, self.all), methods=["GET"]),
            Route("/people", door.takes(here, self.add), methods=["POST"]),
            Route(one, door.shows(here, self.one), methods=["GET"]),
            Route(one, door.takes(here, self.change), methods=["POST"]),
            Route(f"{one}/disable", door.takes(here, self.disable), methods=["POST"]),
            Route(f"{one}/enable", door.takes(here, self.enable), methods=["POST"]),
            Route(f"{one}/reset", door.takes(here, self.reset), methods=["POST"]),
        )

    async def all(self, _request: Request, visitor: Visitor) -> Response:
        """Everybody, and a form for one more."""
        return self._list(visitor)

    async def add(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """A new account; its first-time code, this once."""
        who = form.get("who", "").strip()
        try:
            code = self._accounts.add(who, _ticked(form, "role"), _ticked(form, "section"), visitor.who)
        except RelayError as error:
            return self._list(visitor, error, form)
        return self._code(visitor, who, code)

    async def one(self, request: Request, visitor: Visitor) -> Response:
        """One account."""
        return self._one(visitor, request.path_params["who"])

    async def change(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Other roles, other sections."""
        who = request.path_params["who"]
        try:
            self._accounts.change(who, _ticked(form, "role"), _ticked(form, "section"), visitor.who)
        except RelayError as error:
            return self._one(visitor, who, error)
        return RedirectResponse("/people", 303)

    async def disable(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Out at once."""
        who = request.path_params["who"]
        try:
            self._accounts.disable(who, visitor.who)
        except RelayError as error:
            return self._one(visitor, who, error)
        return RedirectResponse("/people", 303)

    async def enable(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """In again."""
        self._accounts.enable(request.path_params["who"], visitor.who)
        return RedirectResponse("/people", 303)

    async def reset(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """A new first-time code, this once."""
        who = request.path_params["who"]
        return self._code(visitor, who, self._accounts.reset(who, visitor.who))

    def _list(self, visitor: Visitor, wrong: RelayError | None = None, form: Form | None = None) -> Response:
        lines = [self._line(account, visitor.language) for account in self._accounts.all()]
        form = form or {}
        boxes = self._boxes(visitor.language, _ticked(form, "role"), _ticked(form, "section"))
        values = {"lines": lines, "who": form.get("who", ""), "wrong": wrong, **boxes}
        return self._frame.page(visitor, visitor.language, "people.html", wrong.status if wrong else 200, **values)

    def _one(self, visitor: Visitor, who: str, wrong: RelayError | None = None) -> Response:
        account = self._accounts.find(who)
        boxes = self._boxes(visitor.language, account.role_names, account.section_names)
        values = {"line": self._line(account, visitor.language), "wrong": wrong, **boxes}
        return self._frame.page(visitor, visitor.language, "person.html", wrong.status if wrong else 200, **values)

    def _code(self, visitor: Visitor, who: str, code: str) -> Response:
        return self._frame.page(visitor, visitor.language, "code.html", who=who, code=code)

    def _boxes(self, language: Language, roles: Sequence[str], sections: Sequence[str]) -> dict[str, list[Choice]]:
        return {
            "roles": [Choice(f"role.{role}", role.word.say(language), role in roles) for role in Role],
            "sections": [
                Choice(f"section.{name}", _section(self._city, name, language), name in sections)
                for name in self._city.sections
            ],
        }

    def _line(self, account: Account, language: Language) -> Line:
        roles = [role.word.say(language) for role in Role if role in account.role_names]
        sections = [_section(self._city, name, language) for name in account.section_names]
        return Line(
            who=account.who,
            roles="、".join(roles) if language is Language.JAPANESE else ", ".join(roles),
            sections="・".join(sections) or W.ALL_SECTIONS.say(language),
            state=self._state(account, language),
            last=moment(account.signed_in_at, language) if account.signed_in_at else W.NEVER.say(language),
            enabled=account.enabled,
        )

    def _state(self, account: Account, language: Language) -> str:
        if not account.enabled:
            return W.DISABLED.say(language)
        if not account.code:
            return W.ACTIVE.say(language)
        if account.code_until <= self._clock.utc_ms():
            return W.LAPSED.say(language)
        return W.INVITED.say(language, moment(account.code_until, language))


def _ticked(form: Form, kind: str) -> list[str]:
    names = [name.partition(".")[2] for name in form if name.startswith(f"{kind}.")]
    if len(names) > 50:
        raise FormError
    return names


def _section(city: City, name: str, language: Language) -> str:
    section = city.sections.get(name)
    if section is None:
        return name
    return section.name if language is Language.JAPANESE else section.name_en
