"""Signing in with the city's own service (OpenID Connect), against a provider that is not ours, on a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import oidc_provider_mock
import pytest
from authlib.common.errors import AuthlibBaseError
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError
from cityhall_relay.console import oidc
from cityhall_relay.console.errors import OidcDownError, OidcError
from cityhall_relay.console.oidc import ANSWER_BYTES, OidcClient
from cityhall_relay.settings import Oidc
from tests.console_lab import Browser, account, application, cheap_hashes
from tests.relay_city import TestClock, Town, in_memory

CLIENT: Final = "cityhall-console"
BACK: Final = {"sec_fetch_site": "cross-site"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def configure(town: Town, issuer: str, **other: str) -> None:
    secret = town.top / "oidc.secret"
    secret.write_text("a secret of the client\n")
    secret.chmod(0o600)
    said = {"issuer": issuer, "client_id": CLIENT, "client_secret_file": "oidc.secret", "claim": "sub"} | other
    lines = ["", "[console]", 'origin = "https://hall.test"', "[console.oidc]"]
    before = (town.top / "relay.toml").read_text().split("\n[console]")[0]
    (town.top / "relay.toml").write_text(
        "\n".join([before, *lines, *(f'{key} = "{value}"' for key, value in said.items())])
    )
    town.restart()


@pytest.fixture
def town(provider: str) -> Iterator[Town]:
    with cheap_hashes(), in_memory("console-") as top:
        town = Town(top, paper=False)
        account(town, "c-7", "clerk")
        configure(town, provider)
        # The provider dates its tokens by the machine's clock.
        town.clock.now = SystemClock().utc_ms()
        yield town
        town.relay.close()


@pytest.fixture
def browser(town: Town) -> Browser:
    return Browser(application(town))


def begin(browser: Browser) -> str:
    """Where the sign-in page's second button leads."""
    answer = browser.submit("/sign-in", "/oidc/begin")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def consent(url: str, who: str, **other: str) -> str:
    """The person signs in there; the way back, as path and query. `other` is what an attacker changes on the way."""
    parts = urlsplit(url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | other
    answer = httpx.post(urlunsplit(parts._replace(query=urlencode(asked))), data={"sub": who}, trust_env=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert back.netloc == "hall.test"
    return f"{back.path}?{back.query}"


def refused(town: Town, browser: Browser, back: str) -> str:
    answer = browser.get(back, **BACK)
    assert answer.status_code in (403, 502)
    assert browser.id is None
    assert town.relay.store.sign_ins("c-7") == []
    return answer.text


def test_the_citys_service_says_who_it_is_and_the_account_what_that_one_may(town: Town, browser: Browser) -> None:
    url = begin(browser)
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["https://hall.test/oidc/callback"]
    assert len(asked["nonce"][0]) >= 32
    answer = browser.get(consent(url, "c-7"), **BACK)
    assert answer.status_code == 200
    assert 'content="0;url=/"' in answer.text, "our own page goes on: the browser brings the new cookie then"
    assert browser.get("/me").status_code == 200
    (row,) = town.relay.store.sign_ins("c-7")
    assert row.via == "oidc"


def test_its_origin_may_get_the_form_and_no_other(browser: Browser, provider: str) -> None:
    assert f"form-action 'self' {provider};" in browser.get("/sign-in").headers["content-security-policy"]


def test_what_was_begun_counts_once_and_for_its_browser_alone(town: Town, browser: Browser) -> None:
    back = consent(begin(browser), "c-7")
    stranger = Browser(browser.app)
    stranger.get("/sign-in")
    refused(town, stranger, back)
    assert browser.get(back, **BACK).status_code == 200
    again = Browser(browser.app)
    again.cookies = browser.cookies
    assert again.get(back, **BACK).status_code == 403


@pytest.mark.parametrize("changed", [{"state": "another"}, {"nonce": "another"}, {"client_id": "another-program"}])
def test_another_state_nonce_or_audience_is_nobody(town: Town, browser: Browser, changed: dict[str, str]) -> None:
    assert "終わりませんでした" in refused(town, browser, consent(begin(browser), "c-7", **changed))


KEY: Final = jwk.RSAKey.generate_key(2048)
GOOD: Final = {"iss": "https://id.test", "aud": CLIENT, "sub": "c-7", "nonce": "n", "iat": 1_795_219_200}
GOOD_UNTIL: Final[dict[str, Any]] = GOOD | {"exp": 1_795_219_200 + 300}  # the town's morning


@pytest.fixture
def client(tmp_path: Path) -> OidcClient:
    return of(tmp_path, "https://id.test")


def of(tmp_path: Path, issuer: str) -> OidcClient:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o600)
    settings = Oidc(issuer=issuer, client_id=CLIENT, client_secret_file=tmp_path / "secret")
    return OidcClient(settings, "https://hall.test", TestClock())


def who_is(client: OidcClient, claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", keys: Any = KEY) -> str:
    return client._who(jwt.encode({"alg": alg}, claims, key, algorithms=[alg]), jwk.KeySet([keys]), "n")


def test_a_token_that_is_whole_names_the_account(client: OidcClient) -> None:
    assert who_is(client, GOOD_UNTIL) == "c-7"
    assert who_is(client, GOOD_UNTIL | {"aud": [CLIENT, "another"], "azp": CLIENT}) == "c-7"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_795_219_200 - 61},
        {"exp": None},
        {"exp": "soon"},
        {"sub": "Yamada Hanako"},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_a_token_with_one_thing_wrong_is_nobodys(client: OidcClient, changed: dict[str, Any]) -> None:
    claims = {name: value for name, value in (GOOD_UNTIL | changed).items() if value is not None}
    with pytest.raises((OidcError, JoseError, AuthlibBaseError)):
        who_is(client, claims)


def test_a_token_that_its_service_did_not_sign_is_nobodys(client: OidcClient) -> None:
    with pytest.raises(JoseError):
        who_is(client, GOOD_UNTIL, key=jwk.RSAKey.generate_key(2048))
    shared = jwk.OctKey.import_key(b"the public key taken for a shared secret")
    with pytest.raises(JoseError):
        who_is(client, GOOD_UNTIL, key=shared, alg="HS256", keys=shared)
    unsigned = jwt.encode({"alg": "none"}, GOOD_UNTIL, None, algorithms=["none"])  # type: ignore[arg-type]
    with pytest.raises(JoseError):
        client._who(unsigned, jwk.KeySet([KEY]), "n")


class Odd(BaseHTTPRequestHandler):
    """A provider that says what a test wants it to say; the one that is not ours says nothing odd."""

    said: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.said.get(self.path, b"{}"))

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def odd() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b"not json",
        b"\xff",
        b'{"issuer": "ISSUER", "authorization_endpoint": 1, "token_endpoint": "x", "jwks_uri": "x"}',
        b'{"issuer": "https://evil.test", "authorization_endpoint": "http://x", "token_endpoint": "http://x", "jwks_uri": "http://x"}',
        b'{"issuer": "ISSUER", "authorization_endpoint": "javascript:x", "token_endpoint": "http://x", "jwks_uri": "http://x"}',
        b" " * (ANSWER_BYTES + 1),
        b"[" * 10_000,
    ],
)
def test_whatever_a_service_answers_costs_a_sentence(tmp_path: Path, odd: str, answer: bytes) -> None:
    Odd.said = {"/.well-known/openid-configuration": answer.replace(b"ISSUER", odd.encode())}
    with pytest.raises(OidcDownError, match="does not answer as it should"):
        asyncio.run(of(tmp_path, odd).begin("a browser"))


@pytest.mark.parametrize(
    "said", [{}, {"keys": 1}, {"keys": [1]}, {"keys": [{}]}, {"keys": [{"kty": "RSA", "n": "x"}]}, {"keys": []}]
)
def test_keys_that_are_none_open_nothing(client: OidcClient, said: dict[str, Any]) -> None:
    token = jwt.encode({"alg": "RS256"}, GOOD_UNTIL, KEY)
    with pytest.raises((OidcDownError, OidcError, JoseError)):
        client._who(token, oidc._keys(said), "n")


@pytest.mark.parametrize("who", ["c-8", "Yamada Hanako", ""])
def test_somebody_without_an_account_stays_outside(town: Town, browser: Browser, who: str) -> None:
    refused(town, browser, consent(begin(browser), who or "-"))


def test_a_disabled_account_stays_outside(town: Town, browser: Browser) -> None:
    account(town, "boss", "administrator")
    town.relay.console.accounts.disable("c-7", "boss")
    assert "利用者に加えられていません" in refused(town, browser, consent(begin(browser), "c-7"))


def test_a_sign_in_that_took_too_long_begins_again(town: Town, browser: Browser) -> None:
    back = consent(begin(browser), "c-7")
    town.clock.forward(601)
    refused(town, browser, back)


def test_a_token_of_yesterday_is_nobodys(town: Town, browser: Browser) -> None:
    url = begin(browser)
    town.clock.forward(590)  # still in time here; the provider's tokens last an hour, so its clock is behind
    back = consent(url, "c-7")
    town.clock.now += 2 * 3600 * 1000 - 590_000
    refused(town, browser, back)


@pytest.mark.parametrize(
    "back", ["/oidc/callback", "/oidc/callback?error=access_denied&state=x", "/oidc/callback?code=x&state=x"]
)
def test_a_way_back_that_nobody_began_is_a_sentence(town: Town, browser: Browser, back: str) -> None:
    refused(town, browser, back)
    browser.get("/sign-in")
    refused(town, browser, back)


def test_a_service_that_is_down_is_said_and_passwords_go_on(town: Town) -> None:
    configure(town, "http://127.0.0.1:9")
    browser = Browser(application(town))
    answer = browser.submit("/sign-in", "/oidc/begin")
    assert answer.status_code == 502
    assert "共通アカウントの返事がありません" in answer.text
    assert browser.sign_in(town, "c-7").status_code == 303


def test_a_service_that_says_it_is_another_is_not_believed(town: Town, provider: str) -> None:
    configure(town, provider + "/.")
    assert Browser(application(town)).submit("/sign-in", "/oidc/begin").status_code == 502


def test_settings_that_cannot_work_are_named_at_the_start(town: Town, provider: str) -> None:
    (town.top / "oidc.secret").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        application(town)
    (town.top / "oidc.secret").chmod(0o600)
    text = (town.top / "relay.toml").read_text()
    (town.top / "relay.toml").write_text(text.replace('origin = "https://hall.test"\n', ""))
    town.restart()
    with pytest.raises(ConfigError, match=r"needs console\.origin"):
        application(town)
