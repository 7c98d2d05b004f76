"""An attacker's tour of the console, over real TLS: bytes that no browser sends, slowly, endlessly, under another name."""

import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from cityhall_base import pin, tls
from cityhall_base.web import listener
from cityhall_relay.console import door as console_door
from cityhall_relay.console import throttle
from tests.console_lab import PASSWORD, SECRET, cheap_hashes, code_now
from tests.integration.test_relay_over_tls import LiveRelay
from tests.raw_http import Answer, exchange, head, read_answer, received, tcp
from tests.relay_city import token


@pytest.fixture(scope="module")
def live() -> Iterator[LiveRelay]:
    with tempfile.TemporaryDirectory(prefix="console-") as top, cheap_hashes():
        live = LiveRelay(Path(top))
        live.ask(_people)
        yield live
        live.stop()


def _people(relay: Any) -> None:
    accounts = relay.console.accounts
    for who, role in (("boss", "administrator"), ("c-7", "clerk")):
        accounts.add(who, [role], [], "test")
        with relay.store.event():
            accounts.set_password(who, pin.derive(PASSWORD))
            accounts.set_app(who, SECRET, 0)


@pytest.fixture
def browser(live: LiveRelay) -> Iterator[httpx.Client]:
    context = tls.client_context(live.top / "tls" / "ca.crt")
    url = f"https://localhost:{live.running.clerk_port}"
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=url, verify=context, headers=headers, timeout=20, trust_env=False) as client:
        yield client


def connect(live: LiveRelay) -> socket.socket:
    return tcp(live.running.clerk_port, tls.client_context(live.top / "tls" / "ca.crt"))()


def sends(live: LiveRelay, raw: bytes) -> Answer:
    return exchange(lambda: connect(live), raw)


def sign_in(live: LiveRelay, browser: httpx.Client, **other: str) -> httpx.Response:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', browser.get("/sign-in").text)
    assert found
    form = {"csrf": found[1], "who": "c-7", "password": PASSWORD, "digits": code_now(live), "to": ""}
    return browser.post("/sign-in", data=form | other)


def test_a_browser_signs_in_over_tls_and_its_id_is_bound_to_this_host(live: LiveRelay, browser: httpx.Client) -> None:
    answer = sign_in(live, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "strict-transport-security" in answer.headers
    (cookie,) = [one for one in browser.cookies.jar if one.name == "__Host-console"]
    assert cookie.secure
    assert not cookie.domain_specified
    assert browser.get("/me").status_code == 200
    assert browser.get("/people").status_code == 403


def test_the_api_stays_where_it_was_and_speaks_json(live: LiveRelay, browser: httpx.Client) -> None:
    assert browser.get("/1/jobs").json()["key"] == "relay.token"
    assert browser.get("/1/jobs", headers={"Authorization": f"Bearer {token('clerk-1')}"}).json() == {"jobs": []}
    sign_in(live, browser)
    assert browser.get("/1/jobs").status_code == 401, "a cookie is no token"


@pytest.mark.parametrize(
    "path",
    [
        "/static/0123456789abcdef/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/errors.py",
        "/static/..%5c..%5cerrors.py/console.css",
        "/static/x/%00",
        "/static//",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_static_files(live: LiveRelay, path: str) -> None:
    answer = sends(live, head("GET", path, Connection="close"))
    assert answer.status == 404
    assert b"root:" not in answer.body


def test_a_form_that_is_too_large_gets_a_sentence_and_one_that_never_ends_gets_its_end(
    live: LiveRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LINGER_S", 0.2)
    about = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    large = b"who=" + b"a" * 17_000
    answer = sends(live, head("POST", "/sign-in", **about, Content_Length=str(len(large))) + large)
    assert answer.status == 413
    assert b"<h1>" in answer.body
    with closing(connect(live)) as sock:
        sock.sendall(head("POST", "/sign-in", **about, Transfer_Encoding="chunked"))
        assert any(not _goes_through(sock) for _ in range(100_000))


def _goes_through(sock: socket.socket) -> bool:
    try:
        sock.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")
    except OSError:
        return False
    return True


def test_a_form_that_comes_slowly_is_not_waited_for(live: LiveRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_door, "FORM_S", 0.3)
    about = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    with closing(connect(live)) as sock:
        sock.sendall(head("POST", "/sign-in", **about, Content_Length="100") + b"who=")
        assert read_answer(sock).status == 408


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_opens_no_event_stream(live: LiveRelay, browser: httpx.Client, site: str) -> None:
    sign_in(live, browser)
    headers = {
        "accept": "text/event-stream",
        "origin": "https://evil.test",
        "sec-fetch-site": site,
        "sec-fetch-mode": "cors",
    }
    answer = browser.get("/me", headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_nobody_chooses_the_address_from_which_he_guesses(live: LiveRelay, browser: httpx.Client) -> None:
    answers = []
    for n in range(throttle.ADDRESS.free + 3):
        browser.headers["x-forwarded-for"] = browser.headers["forwarded"] = f"10.0.0.{n}"
        answers.append(sign_in(live, browser, who=f"c-{n + 100}", digits="000000").status_code)
    assert answers[-1] == 429
    live.clock.forward(throttle.FORGOTTEN_MS / 1000)


def test_requests_that_are_none_end_as_everywhere(live: LiveRelay) -> None:
    for raw in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        assert sends(live, raw).status in (0, 400)
    with closing(socket.create_connection(("127.0.0.1", live.running.clerk_port), 10)) as plain:
        plain.sendall(head("GET", "/sign-in"))
        assert not received(plain).startswith(b"HTTP"), "nothing is said without TLS"
