"""Who is at the console, and the one way in: every page is behind a `Door`, which knows the visitor and checks the right."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.words import Language
from cityhall_relay.settings import Right


class Visitor(NamedTuple):
    """Somebody who is signed in."""

    who: str  # an opaque id, as in the audit
    rights: frozenset[Right]
    sections: tuple[str, ...]  # whose calls are for them; empty: of every section
    language: Language
    csrf: str  # the hidden field `csrf` of every form, and the header X-CSRF of what scripts send


Form = Mapping[str, str]
"""The fields of a form that a page sent, the token already checked and gone; each name once."""

Endpoint = Callable[[Request], Awaitable[Response]]
Show = Callable[[Request, Visitor], Awaitable[Response]]
Take = Callable[[Request, Visitor, Form], Awaitable[Response]]


class Door(Protocol):
    """Makes endpoints. `right` None: everybody who is signed in. Nobody signed in is sent to the sign-in page."""

    def shows(self, right: Right | None, show: Show) -> Endpoint:
        """GET: a page, a picture, an event stream. Refused from a foreign origin."""

    def takes(self, right: Right | None, take: Take) -> Endpoint:
        """POST of a form (application/x-www-form-urlencoded, at most 16 KiB) with the visitor's token."""

    def receives(self, right: Right | None, receive: Show) -> Endpoint:
        """POST of a body that the handler reads itself; the token travels in the header X-CSRF or as `?csrf=`."""


class Pages(Protocol):
    """Pages about one matter, in a module of their own."""

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""
