"""The whole console of a Town behind HTTP without sockets, a browser that behaves like one, and somebody's app for codes."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol
from unittest import mock

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from starlette.types import ASGIApp

from cityhall_base import pin
from cityhall_base.clock import Clock
from cityhall_relay.console import totp
from cityhall_relay.console.accounts import Accounts
from tests.relay_city import Town

ORIGIN: Final = "https://hall.test"
PASSWORD: Final = "four quiet herons wading"
SECRET: Final = b"twenty bytes of test"

_FIELD: Final = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Argon2id as cheap as it goes: what it costs is not what these tests are about."""
    with mock.patch.multiple(pin, MEMORY_KIB=8, PASSES=1):
        yield


class Clocked(Protocol):
    """A Town, or a relay on its sockets."""

    @property
    def clock(self) -> Clock: ...


def code_now(town: Clocked, secret: bytes = SECRET, steps: int = 0) -> str:
    """What the app shows; `steps` of 30 seconds later or earlier."""
    return TOTP(secret, 6, SHA1(), 30).generate(town.clock.utc_ms() // 1000 + 30 * steps).decode()  # noqa: S303 - RFC 6238's own


def account(town: Town, who: str, *roles: str, sections: tuple[str, ...] = ()) -> None:
    """Somebody with PASSWORD and SECRET, as though the first sign-in were long over."""
    accounts: Accounts = town.relay.console.accounts
    accounts.add(who, roles, sections, "test")
    with town.relay.store.event():
        accounts.set_password(who, pin.derive(PASSWORD))
        accounts.set_app(who, SECRET, town.clock.utc_ms() // 1000 // totp.STEP_S - 10)


def application(town: Town) -> ASGIApp:
    return town.relay.clerk_app(lambda _bus: None)


class Browser:
    """Keeps cookies, says where a request comes from, follows nothing by itself."""

    def __init__(self, app: ASGIApp, address: str = "10.0.0.1", origin: str = ORIGIN) -> None:
        self.app, self.address, self.origin = app, address, origin
        self.cookies = httpx.Cookies()

    def get(self, path: str, **headers: str) -> httpx.Response:
        said = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        return self._ask("GET", path, headers=said | _named(headers))

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        said = {"sec-fetch-site": "same-origin", "origin": "null"}
        return self._ask("POST", path, data=form or {}, headers=said | _named(headers))

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._ask(method, path, **more)

    def token(self, path: str) -> str:
        """Of the form on this page."""
        found = _FIELD.search(self.get(path).text)
        assert found, path
        return found[1]

    def submit(self, page: str, path: str, **form: str) -> httpx.Response:
        """Fills in the form of a page."""
        return self.post(path, form | {"csrf": self.token(page)})

    def sign_in(self, town: Town, who: str, **other: str) -> httpx.Response:
        form = {"who": who, "password": PASSWORD, "digits": code_now(town), "to": ""}
        return self.submit("/sign-in", "/sign-in", **(form | other))

    @property
    def id(self) -> str | None:
        return self.cookies.get("__Host-console")

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(self.address, 40000), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.origin, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(asking())


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
