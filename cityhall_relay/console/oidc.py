"""OpenID Connect Core 1.0: the city's own service says who somebody is. Code flow with PKCE (RFC 7636), state and nonce.

Authlib speaks OAuth and checks the token; here are the bounds: what is asked, for how long, and how much is read. What the
service says is one opaque id. What that person may do stays with the console's accounts.
"""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from cityhall_base import tls
from cityhall_base.clock import Clock
from cityhall_base.errors import ConfigError
from cityhall_base.files import UnfitFileError, read_small
from cityhall_relay.console.errors import OidcDownError, OidcError
from cityhall_relay.settings import Oidc
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.headers import OpaqueId

ANSWER_BYTES: Final = 256 * 1024
"""Discovery takes 2 to 10 kB, a set of keys 2 to 20."""

STEP_S: Final = 5.0
WHOLE_S: Final = 15.0
"""For discovery, token and keys together; somebody waits before a white page."""

PENDING_MS: Final = 10 * 60_000
MOST_PENDING: Final = 500
LEEWAY_S: Final = 60

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures alone: with `none` or a shared secret anybody could be anybody (RFC 8725 section 3.1)."""

SECRET_BYTES: Final = 4096
PATH: Final = "/oidc/callback"


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of OpenID Connect Discovery 1.0 section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Pending(NamedTuple):
    """A sign-in that was begun."""

    state: str
    nonce: str
    verifier: str
    until: int


class OidcClient:
    """Begins and completes sign-ins. Raises ConfigError where its secret cannot be read or there is no `origin`."""

    def __init__(self, settings: Oidc, origin: str, clock: Clock) -> None:
        if not origin:
            raise ConfigError("relay.toml: console.oidc needs console.origin: the service sends people back to it")
        self._settings, self._redirect, self._clock = settings, origin + PATH, clock
        try:
            secret = read_small(settings.client_secret_file, SECRET_BYTES, private=True)
        except UnfitFileError as error:
            raise ConfigError(str(error)) from None
        self._secret = secret.decode("utf-8", "replace").strip()
        self._tls = tls.client_context(settings.ca) if settings.ca else httpx.create_ssl_context(trust_env=False)
        self._pending: dict[bytes, Pending] = {}

    async def begin(self, browser: str) -> str:
        """The address to which this browser (its sign-in cookie) goes. Raises OidcDownError."""
        async with self._client() as client, _bounded():
            metadata = await self._discover(client)
            verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
            url, state = client.create_authorization_url(
                metadata.authorization_endpoint, code_verifier=verifier, nonce=nonce
            )
        now = self._clock.utc_ms()
        for key in [key for key, one in self._pending.items() if one.until <= now]:
            del self._pending[key]
        while len(self._pending) >= MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[_key(browser)] = Pending(state, nonce, verifier, now + PENDING_MS)
        return str(url)

    async def complete(self, browser: str, state: str, code: str) -> str:
        """The opaque id that the service vouches for. Each beginning counts once. Raises OidcError or OidcDownError."""
        begun = self._pending.pop(_key(browser), None)
        if begun is None or self._clock.utc_ms() >= begun.until or not secrets.compare_digest(begun.state, state):
            raise OidcError
        async with self._client() as client, _bounded():
            metadata = await self._discover(client)
            token = await client.fetch_token(
                metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=begun.verifier
            )
            keys = _keys(await _read(client, metadata.jwks_uri))
            return self._who(_text(token, "id_token"), keys, begun.nonce)

    def _who(self, id_token: str, keys: KeySet, nonce: str) -> str:
        issuer, client = self._settings.issuer, self._settings.client_id
        signed = jwt.decode(id_token, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))
        wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}}
        params = {"nonce": nonce, "client_id": client}
        claims = CodeIDToken(signed.claims, signed.header, wanted, params)
        claims.validate(now=self._clock.utc_ms() // 1000, leeway=LEEWAY_S)
        try:
            return msgspec.convert(claims.get(self._settings.claim), OpaqueId)
        except msgspec.ValidationError:
            raise OidcError("the claim holds no opaque id") from None

    async def _discover(self, client: AsyncOAuth2Client) -> Metadata:
        address = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = msgspec.convert(await _read(client, address), Metadata)
        if found.issuer != self._settings.issuer:
            raise OidcDownError("it says that it is another issuer")
        scheme = urlsplit(self._settings.issuer).scheme
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if urlsplit(url).scheme != scheme:
                raise OidcDownError("it names an address without protection")
        return found

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._settings.client_id,
            self._secret,
            scope="openid profile",
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            transport=_Bounded(verify=self._tls, trust_env=False),
            timeout=httpx.Timeout(STEP_S),
            follow_redirects=False,
            trust_env=False,
        )


@contextlib.asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """All of it within WHOLE_S, and what goes wrong as one of two sentences, without a byte of what came."""
    try:
        async with asyncio.timeout(WHOLE_S):
            yield
    except (AuthlibBaseError, JoseError) as error:
        raise OidcError(type(error).__name__) from None
    except (
        httpx.HTTPError,
        TimeoutError,
        WireError,
        ValueError,
        TypeError,
        KeyError,
    ) as error:  # msgspec's are ValueErrors
        raise OidcDownError(type(error).__name__) from None


class _Bounded(httpx.AsyncHTTPTransport):
    """Counts what it reads, and ends at the limit."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.stream = _Counted(cast(httpx.AsyncByteStream, response.stream))
        return response


class _Counted(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ANSWER_BYTES
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx.ReadError("too much")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _read(client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
    response = await client.request("GET", url, withhold_token=True)
    if response.status_code != HTTPStatus.OK:
        raise OidcDownError(f"it answered {response.status_code}")
    return strict_json.decode(response.content, dict[str, Any], ANSWER_BYTES)


def _keys(said: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set(cast(Any, said))
    except (JoseError, AttributeError, KeyError, TypeError, ValueError):  # joserfc takes a key's fields on trust
        raise OidcDownError("its keys are none") from None


def _text(token: Any, name: str) -> str:
    value = token.get(name)
    if not isinstance(value, str):
        raise OidcDownError(f"it gave no {name}")
    return value


def _key(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()
