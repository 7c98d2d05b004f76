"""The console as one application: its door, its pages, and beside them the clerks' API under `/1/`."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.web.app import application
from cityhall_base.words import say
from cityhall_relay.console import static_files, trouble
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.armour import Armour
from cityhall_relay.console.door import ConsoleDoor
from cityhall_relay.console.entrance import Entrance
from cityhall_relay.console.errors import HostError
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.locker import Locker
from cityhall_relay.console.own_page import OwnPage
from cityhall_relay.console.people_pages import PeoplePages
from cityhall_relay.console.reception import Reception
from cityhall_relay.console.sign_ins import SignIns
from cityhall_relay.console.streams import Streams
from cityhall_relay.console.throttle import Throttle
from cityhall_relay.console.visitor import Pages
from cityhall_relay.settings import RelaySettings
from cityhall_relay.store import RelayStore

API = "/1/"


class Console:
    """The door's own parts. Raises ConfigError or StoreError where they cannot be used."""

    def __init__(self, settings: RelaySettings, store: RelayStore, city: City, clock: Clock) -> None:
        self._settings, self._store, self._city, self._clock = settings.console, store, city, clock
        self.sign_ins = SignIns(store, settings.console, clock)
        locker = Locker(settings.state_dir)
        self.accounts = Accounts(store, self.sign_ins, locker, clock, settings.clerks, city.sections)
        self.throttle = Throttle(store, clock)
        self.frame = Frame(city)

    def tick(self) -> None:
        """A chore of the housekeeping."""
        self.sign_ins.sweep()
        self.throttle.sweep()

    def app(self, api: ASGIApp, pages: Sequence[Pages]) -> ASGIApp:
        """`api` answers under `/1/`, and these pages everything else."""
        settings, frame = self._settings, self.frame
        door = ConsoleDoor(self.accounts, self.sign_ins, frame, Streams(self.sign_ins), settings.origin)
        reception = Reception(self._store, self.accounts, self.sign_ins, self.throttle)
        entrance = Entrance(door, reception, self.sign_ins, self._store, frame, self._city.name)
        if settings.oidc:
            from cityhall_relay.console.oidc import OidcClient  # Authlib is loaded where it is used alone

            entrance.oidc = OidcClient(settings.oidc, settings.origin, self._clock)
        own = OwnPage(door, self.accounts, reception, self.sign_ins, self._store, frame, self._city.name)
        people = PeoplePages(self.accounts, frame, self._city, self._clock)
        routes: list[BaseRoute] = [static_files.ROUTE, *entrance.routes()]
        for one in (*pages, own, people):
            routes += one.routes(door)
        return Armour(_Both(api, application(routes, trouble.handlers(frame)), settings.origin, frame), settings)


class _Both:
    """Programs beside people, on one listener."""

    def __init__(self, api: ASGIApp, console: ASGIApp, origin: str, frame: Frame) -> None:
        self._api, self._console, self._frame = api, console, frame
        self._host = urlsplit(origin).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["path"].startswith(API):
            await self._api(scope, receive, send)
        elif self._host and Request(scope).headers.get("host", "").lower() != self._host.lower():
            await self._elsewhere(Request(scope))(scope, receive, send)
        else:
            await self._console(scope, receive, send)

    def _elsewhere(self, request: Request) -> Response:
        language = trouble.language_of(request)
        values = {"sentence": say(HostError.key, HostError().sentence, language), "home": "/sign-in"}
        return self._frame.page(None, language, "trouble.html", HostError.status, **values)
