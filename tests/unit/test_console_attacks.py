"""An attacker's tour of the console, without sockets: forged forms, fixed sessions, guessed codes, foreign pages.

What needs real TLS and real connections is in tests/integration/test_console_over_tls.py.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from cityhall_relay.console import throttle
from cityhall_relay.console.origin import local
from cityhall_relay.settings import ConsoleSettings
from tests.console_lab import PASSWORD, Browser, account, application, cheap_hashes, code_now
from tests.relay_city import Town, in_memory, token

FORM = {"language": "en"}


@pytest.fixture
def town() -> Iterator[Town]:
    with cheap_hashes(), in_memory("console-") as top:
        town = Town(top, paper=False)
        account(town, "boss", "administrator")
        account(town, "c-7", "clerk")
        yield town
        town.relay.close()


@pytest.fixture
def browser(town: Town) -> Browser:
    return Browser(application(town))


def language(town: Town, who: str = "c-7") -> str:
    found = town.relay.store.account(who)
    assert found
    return found.language


# --- CSRF ---


def test_a_form_without_the_token_with_another_ones_or_with_another_sign_ins_is_refused(
    town: Town, browser: Browser
) -> None:
    browser.sign_in(town, "c-7")
    stranger = Browser(browser.app)
    stranger.sign_in(town, "boss")
    town.clock.forward(30)
    second = Browser(browser.app)
    second.sign_in(town, "c-7")
    for csrf in ("", "0" * 64, stranger.token("/me"), second.token("/me"), "日本"):
        answer = browser.post("/me/language", FORM | {"csrf": csrf})
        assert answer.status_code == 403, csrf
        assert "画面が古いため" in answer.text
    assert browser.post("/me/language", FORM).status_code == 403
    assert language(town) == "ja"
    assert browser.submit("/me", "/me/language", **FORM).status_code == 303
    assert language(town) == "en"


@pytest.mark.parametrize(
    "said",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://evil.test"},
        {"sec_fetch_site": "same-site", "origin": "https://other.hall.test"},
        {"sec_fetch_site": "none", "origin": "null"},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.test"},
        {"sec_fetch_site": "cross-site", "origin": "https://hall.test"},
    ],
)
def test_a_form_from_a_foreign_page_is_refused_though_it_has_the_token(
    town: Town, browser: Browser, said: dict[str, str]
) -> None:
    browser.sign_in(town, "c-7")
    csrf = browser.token("/me")
    for path in ("/me/language", "/sign-in", "/first", "/sign-out", "/people"):
        assert browser.post(path, FORM | {"csrf": csrf}, **said).status_code == 403, path
    assert language(town) == "ja"
    assert browser.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"), [("https://hall.test", 303), ("https://evil.test", 403), ("null", 403), (None, 403)]
)
def test_an_old_browser_is_judged_by_its_origin_alone(
    town: Town, browser: Browser, origin: str | None, status: int
) -> None:
    browser.sign_in(town, "c-7")
    form = FORM | {"csrf": browser.token("/me")}
    headers = {"origin": origin} if origin else {}
    assert browser.raw("POST", "/me/language", data=form, headers=headers).status_code == status


def test_nobody_is_signed_in_as_somebody_else_by_a_foreign_form(town: Town, browser: Browser) -> None:
    """Login CSRF: the form of the sign-in page belongs to the browser that asked for it."""
    attacker = Browser(browser.app)
    form = {"who": "c-7", "password": PASSWORD, "digits": code_now(town), "csrf": attacker.token("/sign-in")}
    assert browser.post("/sign-in", form).status_code == 403
    browser.get("/sign-in")
    assert browser.post("/sign-in", form).status_code == 403
    assert browser.id is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"language=en&csrf="),
        ("application/json", b'{"language":"en"}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"language=en&language=ja&csrf="),
        ("application/x-www-form-urlencoded", b"\xff\xfe"),
        ("application/x-www-form-urlencoded", b"csrf"),
        ("application/x-www-form-urlencoded", b"a=%ff&csrf="),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(300))),
    ],
)
def test_what_is_no_form_of_ours_is_refused(town: Town, browser: Browser, kind: str, body: bytes) -> None:
    browser.sign_in(town, "c-7")
    body = body.replace(b"csrf=", b"csrf=" + browser.token("/me").encode())
    headers = {"content-type": kind, "sec-fetch-site": "same-origin"}
    assert browser.raw("POST", "/me/language", content=body, headers=headers).status_code == 400
    assert language(town) == "ja"


# --- fixation, cookies, frames ---


def test_an_id_that_was_planted_before_is_nobody_after_the_sign_in(town: Town, browser: Browser) -> None:
    attacker = Browser(browser.app)
    attacker.sign_in(town, "boss")
    town.clock.forward(30)
    planted = str(attacker.id)
    form = {"who": "c-7", "password": PASSWORD, "digits": code_now(town)}
    csrf = browser.token("/sign-in")
    browser.cookies.set("__Host-console", planted, domain="hall.test")
    answer = browser.post("/sign-in", form | {"csrf": csrf})
    assert answer.status_code == 303
    assert f"__Host-console={planted}" not in answer.headers["set-cookie"]
    assert attacker.get("/me").status_code == 303, "the planted id ended with the sign-in"


def test_an_id_that_nobody_handed_out_is_nobody(town: Town, browser: Browser) -> None:
    for made_up in ("x", "A" * 43, "0" * 4000):
        browser.cookies.set("__Host-console", made_up, domain="hall.test")
        assert browser.get("/me").status_code == 303


def test_the_cookie_is_for_this_host_and_no_script(town: Town, browser: Browser) -> None:
    answer = browser.sign_in(town, "c-7")
    cookies = [value for name, value in answer.headers.multi_items() if name == "set-cookie"]
    (ours,) = [one for one in cookies if one.startswith("__Host-console=")]
    flags = {part.strip().lower() for part in ours.split(";")[1:]}
    assert {"path=/", "secure", "httponly", "samesite=strict"} <= flags
    assert not any(flag.startswith(("domain", "max-age", "expires")) for flag in flags)
    assert len(ours.split(";")[0].partition("=")[2]) == 43, "256 bits"


def test_the_store_and_the_journal_know_no_id_of_a_cookie(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    raw = b"".join(path.read_bytes() for path in (town.top / "state").glob("relay.db*"))
    assert str(browser.id).encode() not in raw
    assert browser.token("/me").encode() not in raw


@pytest.mark.parametrize("path", ["/sign-in", "/first", "/me", "/nothing-here", "/1/jobs", "/people"])
def test_every_answer_arms_the_browser(town: Town, browser: Browser, path: str) -> None:
    browser.sign_in(town, "c-7")
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "max-age=31536000" in headers["strict-transport-security"]


def test_no_page_holds_a_script_or_a_style_of_its_own(town: Town, browser: Browser) -> None:
    pages = [browser.get("/sign-in").text, browser.get("/first").text]
    browser.sign_in(town, "boss")
    pages += [browser.get(path).text for path in ("/me", "/me/app", "/people", "/people/c-7")]
    for page in pages:
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script>|javascript:", page)


# --- brute force ---


def wrong(town: Town, browser: Browser, who: str = "c-7") -> int:
    return browser.sign_in(town, who, password="not this one at all").status_code


def test_after_five_wrong_tries_an_account_waits_twice_as_long_each_time(town: Town, browser: Browser) -> None:
    assert [wrong(town, browser) for _ in range(6)] == [403] * 6
    waits = []
    for _ in range(9):
        answer = browser.sign_in(town, "c-7")
        assert answer.status_code == 429, "even the right password waits"
        waits.append(int(answer.headers["retry-after"]))
        assert f"{waits[-1]}秒待って" in answer.text
        town.clock.forward(waits[-1])
        assert wrong(town, browser) == 403
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    town.clock.forward(900)
    assert browser.sign_in(town, "c-7").status_code == 303
    assert wrong(town, Browser(browser.app)) == 403, "the count begins anew"


def test_a_restart_forgets_no_wait(town: Town, browser: Browser) -> None:
    for _ in range(6):
        wrong(town, browser)
    town.restart()
    assert Browser(application(town)).sign_in(town, "c-7").status_code == 429


def test_an_unknown_id_waits_as_a_known_one_does(town: Town, browser: Browser) -> None:
    assert [wrong(town, browser, "nobody") for _ in range(7)] == [403] * 6 + [429]


def test_one_address_that_tries_many_ids_waits_and_others_do_not(town: Town, browser: Browser) -> None:
    answers = [wrong(town, browser, f"c-{n}") for n in range(100, 100 + throttle.ADDRESS.free + 2)]
    assert answers == [403] * (throttle.ADDRESS.free + 1) + [429]
    assert browser.sign_in(town, "c-7").status_code == 429
    assert Browser(browser.app, "10.0.0.2").sign_in(town, "c-7").status_code == 303


def test_a_right_password_does_not_wash_an_address_clean(town: Town, browser: Browser) -> None:
    for n in range(throttle.ADDRESS.free):
        wrong(town, browser, f"c-{n + 100}")
    assert browser.sign_in(town, "c-7").status_code == 303
    assert [wrong(town, Browser(browser.app), f"c-{n + 200}") for n in range(2)] == [403, 429]


def test_codes_of_the_app_cannot_be_guessed_one_after_the_other(town: Town, browser: Browser) -> None:
    tries = [browser.sign_in(town, "c-7", digits=f"{n:06}").status_code for n in range(7)]
    assert tries == [403] * 6 + [429]


def test_first_time_codes_cannot_be_guessed_either(town: Town, browser: Browser) -> None:
    town.relay.console.accounts.reset("c-7", "boss")
    tries = [
        browser.submit("/first", "/first", who="c-7", code="AAAAA-AAAAA-AAAAA-AAAAA").status_code for _ in range(7)
    ]
    assert tries == [403] * 6 + [429]


def test_a_code_of_the_app_opens_once(town: Town, browser: Browser) -> None:
    code = code_now(town)
    assert browser.sign_in(town, "c-7", digits=code).status_code == 303
    assert Browser(browser.app).sign_in(town, "c-7", digits=code).status_code == 403
    assert Browser(browser.app).sign_in(town, "c-7", digits=code_now(town, steps=-1)).status_code == 403, (
        "an earlier one"
    )
    town.clock.forward(30)
    assert Browser(browser.app).sign_in(town, "c-7").status_code == 303


@pytest.mark.parametrize(("steps", "status"), [(-2, 403), (-1, 303), (1, 303), (2, 403)])
def test_a_phone_may_be_half_a_minute_off(town: Town, browser: Browser, steps: int, status: int) -> None:
    assert browser.sign_in(town, "c-7", digits=code_now(town, steps=steps)).status_code == status


def test_what_is_remembered_of_wrong_tries_is_bounded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_ROWS", 5)
    for n in range(20):
        town.relay.console.throttle.begin(f"c-{n}", f"10.0.0.{n}")
        town.clock.forward(1)
    town.relay.housekeeping.tick()
    count = town.relay.store.db.execute("select count(*) from tries").fetchone()[0]  # type: ignore[attr-defined]
    assert count <= 5
    town.clock.forward(25 * 3600)
    town.relay.housekeeping.tick()
    assert town.relay.store.db.execute("select count(*) from tries").fetchone()[0] == 0  # type: ignore[attr-defined]


# --- foreign pages, hosts, ways out ---


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
        "evil",
        "/日",
    ],
)
def test_a_sign_in_leads_to_no_other_host(town: Town, browser: Browser, to: str) -> None:
    assert local(to) == ""
    assert browser.sign_in(town, "c-7", to=to).headers["location"] == "/"


def test_a_sign_in_leads_back_to_the_page_that_was_asked_for(town: Town, browser: Browser) -> None:
    sent = browser.get("/me/app?x=1").headers["location"]
    assert sent == "/sign-in?to=%2Fme%2Fapp%3Fx%3D1"
    assert 'value="/me/app?x=1"' in browser.get(sent).text
    assert browser.sign_in(town, "c-7", to="/me/app?x=1").headers["location"] == "/me/app?x=1"


def test_a_link_on_another_site_is_followed_by_our_own_page(town: Town, browser: Browser) -> None:
    """The browser holds a SameSite=Strict cookie back; the second step brings it."""
    answer = browser.get("/me", sec_fetch_site="cross-site")
    assert (answer.status_code, 'content="0;url=/me"' in answer.text) == (200, True)


@pytest.mark.parametrize(
    "said",
    [
        {
            "sec_fetch_site": "cross-site",
            "sec_fetch_mode": "cors",
            "sec_fetch_dest": "empty",
            "origin": "https://evil.test",
        },
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"},
    ],
)
def test_a_foreign_page_gets_nothing_to_look_at(town: Town, browser: Browser, said: dict[str, str]) -> None:
    browser.sign_in(town, "c-7")
    answer = browser.get("/me", **said)
    assert answer.status_code == 403
    assert "c-7" not in answer.text
    assert "access-control-allow-origin" not in answer.headers


def test_only_the_configured_host_is_the_console(town: Town) -> None:
    settings = town.top / "relay.toml"
    settings.write_text(settings.read_text() + '\n[console]\norigin = "https://hall.test"\n')
    town.restart()
    app = application(town)
    assert Browser(app).get("/sign-in").status_code == 200
    for host in ("https://evil.test", "https://hall.test:8444", "https://hall.test.evil.test"):
        answer = Browser(app, origin=host).get("/sign-in")
        assert (answer.status_code, "アドレスがちがいます" in answer.text) == (421, True)
        assert "evil" not in answer.text
    said = {"Authorization": f"Bearer {token('clerk-1')}"}
    assert Browser(app, origin="https://10.0.0.5:8444").raw("GET", "/1/jobs", headers=said).status_code == 200


def test_a_form_of_another_origin_is_foreign_to_the_configured_one(town: Town) -> None:
    settings = town.top / "relay.toml"
    settings.write_text(settings.read_text() + '\n[console]\norigin = "https://hall.test"\n')
    town.restart()
    browser = Browser(application(town))
    form = {"csrf": browser.token("/sign-in"), "who": "c-7", "password": PASSWORD, "digits": code_now(town)}
    answer = browser.raw("POST", "/sign-in", data=form, headers={"origin": "https://evil.test", "host": "hall.test"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/people", "/people/c-7"])
def test_a_clerk_makes_nobody_anything(town: Town, browser: Browser, path: str) -> None:
    browser.sign_in(town, "c-7")
    assert browser.get(path).status_code == 403
    form = {"who": "c-9", "role.administrator": "on", "csrf": browser.token("/me")}
    for to in (path, "/people/c-7/enable", "/people/boss/reset", "/people/boss/disable"):
        assert browser.post(to, form).status_code == 403
    assert town.relay.store.account("c-9") is None
    assert town.relay.console.accounts.find("boss").enabled


def test_a_static_file_is_one_of_ours_or_nothing(town: Town, browser: Browser) -> None:
    page = browser.get("/sign-in").text
    (css,) = re.findall(r'href="(/static/[0-9a-f]{16}/console\.css)"', page)
    answer = browser.get(css)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    digest = css.split("/")[2]
    for path in (
        f"/static/{digest}/../../door.py",
        f"/static/{digest}/..%2f..%2fdoor.py",
        f"/static/{digest}/%2e%2e/%2e%2e/door.py",
        f"/static/{digest}/README.md",
        f"/static/{digest}//etc/passwd",
        "/static/0000000000000000/console.css",
        "/static/console.css",
    ):
        assert browser.raw("GET", path).status_code == 404, path


def test_settings_that_make_the_door_wider_than_it_may_be_are_refused() -> None:
    def settings(**said: Any) -> Any:
        return msgspec.convert(said, ConsoleSettings)

    settings(origin="https://hall.test:8444", idle_min=60, hours=12)
    for said in ({"origin": "http://hall.test"}, {"origin": "https://hall.test/x"}, {"idle_min": 0}, {"hours": 25}):
        with pytest.raises(msgspec.ValidationError):
            settings(**said)
