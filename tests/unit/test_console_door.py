"""Signing in to the console, and what holds afterwards: who is in, for how long, and what ends it."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cityhall_base import pin
from cityhall_base.errors import ConfigError, StoreError
from cityhall_relay import cli
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.console import passwords, streams, totp
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.errors import CrowdedError, WeakPasswordError
from cityhall_relay.console.locker import Locker
from cityhall_relay.console.roles import ROLES, Role
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.errors import NotAllowedError
from cityhall_relay.settings import Right, load_relay
from tests.console_lab import PASSWORD, SECRET, Browser, account, application, cheap_hashes, code_now
from tests.relay_city import Town, in_memory, token

MINUTE = 60.0


class Pieces:
    """Pages that a test needs: one for each right, a form, and an event stream that says what it is told to say."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[bytes] = asyncio.Queue()
        self.taken: list[dict[str, str]] = []

    def routes(self, door: Door) -> list[Route]:
        shows = [Route(f"/may/{right}", door.shows(right, self.page), methods=["GET"]) for right in Right]
        return [
            *shows,
            Route("/form", door.takes(Right.COUNTER, self.take), methods=["POST"]),
            Route("/body", door.receives(Right.COUNTER, self.body), methods=["POST"]),
            Route("/events", door.shows(None, self.stream), methods=["GET"]),
        ]

    async def page(self, _request: Request, visitor: Visitor) -> Response:
        return Response(f"{visitor.who} {','.join(visitor.sections)}")

    async def take(self, _request: Request, _visitor: Visitor, form: Form) -> Response:
        self.taken.append(dict(form))
        return Response("taken")

    async def body(self, request: Request, _visitor: Visitor) -> Response:
        return Response(str(len(await request.body())))

    async def stream(self, _request: Request, _visitor: Visitor) -> Response:
        async def said() -> AsyncIterator[bytes]:
            while True:
                yield await self.events.get()

        return StreamingResponse(said(), media_type="text/event-stream")


@pytest.fixture
def town() -> Iterator[Town]:
    with cheap_hashes(), in_memory("console-") as top:
        town = Town(top, paper=False)
        account(town, "boss", "administrator")
        account(town, "c-7", "clerk", sections=("citizen",))
        yield town
        town.relay.close()


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


@pytest.fixture
def browser(town: Town, pieces: Pieces) -> Browser:
    return Browser(with_pages(town, pieces))


def with_pages(town: Town, *pages: Any) -> Any:
    return town.relay.console.app(application(town), pages)


def journal(town: Town, kind: str) -> list[str]:
    rows = town.relay.store.db.execute("select body from journal where kind = ? order by n", [kind])  # type: ignore[attr-defined]
    return [body for (body,) in rows.fetchall()]


def csrf_of(browser: Browser) -> str:
    return browser.token("/me")


# --- in ---


def test_whoever_knows_password_and_app_is_in(town: Town, browser: Browser) -> None:
    answer = browser.sign_in(town, "c-7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = browser.get("/me")
    assert page.status_code == 200
    assert "c-7" in page.text
    assert '"via":"password","who":"c-7"' in journal(town, "console_signed_in")[-1]


def test_full_width_digits_of_an_input_method_are_digits(town: Town, browser: Browser) -> None:
    wide = code_now(town).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    assert browser.sign_in(town, "c-7", digits=wide).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [{"who": "c-8"}, {"password": "four quiet herons flying"}, {"digits": "000000"}, {"who": ""}, {"digits": "x"}],
)
def test_whatever_is_wrong_gets_the_same_words(town: Town, browser: Browser, wrong: dict[str, str]) -> None:
    answer = browser.sign_in(town, wrong.pop("who", "c-7"), **wrong)
    assert answer.status_code == 403
    assert "三つとも入れ直してください" in answer.text
    assert browser.id is None


def test_an_unknown_id_costs_a_hash_too(town: Town, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = pin.matches

    def matches(typed: str, phc: str) -> bool:
        asked.append(phc)
        return real(typed, phc)

    monkeypatch.setattr(pin, "matches", matches)
    browser.sign_in(town, "nobody-here")
    browser.sign_in(town, "c-7", password="something else")
    assert len(asked) == 2
    assert all(phc.startswith("$argon2id$") for phc in asked)


def test_what_was_typed_in_the_wrong_field_is_written_nowhere(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "my secret password")
    assert '"who":""' in journal(town, "console_refused")[-1]
    raw = b"".join(path.read_bytes() for path in (town.top / "state").glob("relay.db*"))
    assert b"my secret password" not in raw


def test_an_account_that_is_disabled_is_out_at_once_and_stays_out(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.relay.console.accounts.disable("c-7", "boss")
    assert browser.get("/me").headers["location"].startswith("/sign-in")
    town.clock.forward(30)
    assert browser.sign_in(town, "c-7").status_code == 403
    town.relay.console.accounts.enable("c-7", "boss")
    town.clock.forward(30)
    assert browser.sign_in(town, "c-7").status_code == 303


def test_the_flood_of_hashes_is_bounded(town: Town) -> None:
    async def flood() -> list[Any]:
        hashes = passwords.Hashes()
        return await asyncio.gather(*(hashes.make("x") for _ in range(passwords.WAITING + 5)), return_exceptions=True)

    assert sum(isinstance(one, CrowdedError) for one in asyncio.run(flood())) == 5


@pytest.mark.parametrize(
    "poor",
    [
        "short",
        "a" * 20,
        "password1234",
        "c-7c-7c-7c-7",
        "abcabcabcabc",
        "qwertyuiopas",
        "123456789012",
        "cityhall2026!",
    ],
)
def test_a_password_that_anybody_would_try_first_is_refused(poor: str) -> None:
    with pytest.raises(WeakPasswordError):
        passwords.check(poor, "c-7")


@pytest.mark.parametrize("good", [PASSWORD, "四羽のしずかな鷺が歩く川", "Tr0ub4dor&3xyz"])
def test_a_long_password_needs_no_rules(good: str) -> None:
    passwords.check(good, "c-7")


# --- the first time ---


def test_the_first_time_needs_the_code_of_an_administrator_and_makes_password_and_app(
    town: Town, browser: Browser
) -> None:
    code = town.relay.console.accounts.add("c-9", ["auditor"], [], "boss")
    answer = browser.submit("/first", "/first", who="c-9", code=code.lower().replace("-", " "))
    assert answer.headers["location"] == "/first/set-up?lang=ja"
    newcomer = browser.id
    assert browser.get("/me").headers["location"] == "/first/set-up", "nothing else is open yet"
    page = browser.get("/first/set-up").text
    assert 'src="data:image/svg+xml' in page
    letters = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert letters
    secret = base64.b32decode(letters[1].replace(" ", ""))
    form = {"password": PASSWORD, "again": PASSWORD, "digits": "000000", "csrf": browser.token("/first/set-up")}
    wrong = browser.post("/first/set-up", form)
    assert wrong.status_code == 400
    assert letters[1] in wrong.text, "the same picture: it is in the app already"
    answer = browser.post("/first/set-up", form | {"digits": code_now(town, secret)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/books")
    assert browser.id != newcomer
    assert browser.get("/may/read").status_code == 200
    again = Browser(browser.app)
    assert again.submit("/first", "/first", who="c-9", code=code).status_code == 403, "it works once"


def test_a_first_time_code_ends_after_a_day_and_with_the_next_one(town: Town, browser: Browser) -> None:
    accounts = town.relay.console.accounts
    code = accounts.add("c-9", ["clerk"], [], "boss")
    other = accounts.reset("c-9", "boss")
    assert browser.submit("/first", "/first", who="c-9", code=code).status_code == 403
    town.clock.forward(24 * 3600)
    assert browser.submit("/first", "/first", who="c-9", code=other).status_code == 403


def test_a_reset_voids_password_and_app_and_ends_what_was_open(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.relay.console.accounts.reset("c-7", "boss")
    assert browser.get("/me").status_code == 303
    town.clock.forward(30)
    assert browser.sign_in(town, "c-7").status_code == 403


def test_the_secret_of_the_app_is_nowhere_in_the_clear(town: Town) -> None:
    raw = b"".join(path.read_bytes() for path in (town.top / "state").glob("relay.db*"))
    assert SECRET not in raw
    assert totp.letters(SECRET).replace(" ", "").encode() not in raw
    key = town.top / "state" / "accounts.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_may_read_or_that_is_none_is_named(town: Town) -> None:
    key = town.top / "state" / "accounts.key"
    key.chmod(0o644)
    with pytest.raises(StoreError, match="can be read by others"):
        Locker(key.parent)
    key.chmod(0o600)
    key.write_bytes(b"no key\n")
    with pytest.raises(StoreError, match=r"accounts\.key"):
        Locker(key.parent)


def test_a_new_line_on_top_of_the_key_file_is_a_new_key_and_the_old_still_opens(tmp_path: Path) -> None:
    old = Locker(tmp_path).wrap(SECRET)
    key = tmp_path / "accounts.key"
    lines = key.read_bytes()
    key.write_bytes(Fernet.generate_key() + b"\n" + lines)
    both = Locker(tmp_path)
    assert both.open(old) == SECRET
    fresh = both.wrap(SECRET)
    key.write_bytes(lines)
    assert Locker(tmp_path).open(fresh) is None


# --- for how long ---


def test_two_hours_without_a_press_end_it_and_a_press_begins_them_anew(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    for _ in range(3):
        town.clock.forward(119 * MINUTE)
        assert browser.get("/me").status_code == 200
    town.clock.forward(120 * MINUTE)
    assert browser.get("/me").status_code == 303


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    for _ in range(3):
        town.clock.forward(40 * MINUTE - 1)
        browser.get("/may/counter", hx_request="true")
    town.clock.forward(3)
    assert browser.get("/me").status_code == 303


def test_ten_hours_end_it_whatever_is_pressed(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    for _ in range(24):
        town.clock.forward(25 * MINUTE - 1)
        assert browser.get("/me").status_code == 200
    town.clock.forward(MINUTE)
    assert browser.get("/me").status_code == 303


def test_a_restart_forgets_nobody_and_the_housekeeping_forgets_who_is_over(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.restart()
    again = Browser(with_pages(town, Pieces()))
    again.cookies = browser.cookies
    assert again.get("/me").status_code == 200
    town.clock.forward(121 * MINUTE)
    town.relay.housekeeping.tick()
    assert town.relay.store.sign_ins("c-7") == []
    assert '"why":"time"' in journal(town, "console_signed_out")[-1]


def test_signing_out_ends_it_at_city_hall_too(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    kept = str(browser.id)
    assert browser.post("/sign-out", {"csrf": csrf_of(browser)}).headers["location"] == "/sign-in"
    assert browser.id is None
    browser.cookies.set("__Host-console", kept, domain="hall.test")
    assert browser.get("/me").status_code == 303


def test_signing_out_everywhere_means_everywhere(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.clock.forward(30)
    other = Browser(browser.app)
    other.sign_in(town, "c-7")
    other.post("/me/sign-out-everywhere", {"csrf": csrf_of(other)})
    assert {one.get("/me").status_code for one in (browser, other)} == {303}


def test_one_other_browser_can_be_signed_out_and_only_ones_own(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    boss = Browser(browser.app)
    boss.sign_in(town, "boss")
    (mine,) = town.relay.console.sign_ins.of("c-7")
    boss.post(f"/me/sign-ins/{mine.name}/end", {"csrf": csrf_of(boss)})
    assert browser.get("/me").status_code == 200, "another's is not there at all"
    town.clock.forward(30)
    other = Browser(browser.app)
    other.sign_in(town, "c-7")
    other.post(f"/me/sign-ins/{mine.name}/end", {"csrf": csrf_of(other)})
    assert browser.get("/me").status_code == 303
    assert other.get("/me").status_code == 200


def test_other_rights_end_what_was_open_so_that_no_old_id_carries_them(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.relay.console.accounts.change("c-7", ["auditor"], [], "boss")
    assert browser.get("/me").status_code == 303
    assert '"why":"rights"' in journal(town, "console_signed_out")[-1]


def test_a_new_password_gives_this_browser_a_new_id_and_ends_the_others(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    town.clock.forward(30)
    other = Browser(browser.app)
    other.sign_in(town, "c-7")
    before, new = browser.id, "five loud herons wading"
    form = {"present": PASSWORD, "password": new, "again": new, "csrf": csrf_of(browser)}
    assert browser.post("/me/password", form | {"present": "wrong"}).status_code == 403
    assert browser.post("/me/password", form | {"again": "another"}).status_code == 400
    assert browser.post("/me/password", form).status_code == 303
    assert browser.id != before
    assert browser.get("/me").status_code == 200
    assert other.get("/me").status_code == 303
    town.clock.forward(30)
    assert other.sign_in(town, "c-7").status_code == 403
    assert other.sign_in(town, "c-7", password=new).status_code == 303


def test_a_new_app_takes_the_place_of_the_old_one_when_its_first_code_was_typed(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "c-7")
    letters = re.search(r"<code>([A-Z2-7 ]+)</code>", browser.get("/me/app").text)
    assert letters
    secret = base64.b32decode(letters[1].replace(" ", ""))
    form = {"present": PASSWORD, "digits": code_now(town, secret), "csrf": browser.token("/me/app")}
    assert browser.post("/me/app", form | {"digits": "000000"}).status_code == 400
    assert browser.post("/me/app", form).status_code == 303
    town.clock.forward(30)
    other = Browser(browser.app)
    assert other.sign_in(town, "c-7").status_code == 403, "the old app's code"
    assert other.sign_in(town, "c-7", digits=code_now(town, secret)).status_code == 303


def test_the_screens_speak_as_each_person_wishes(town: Town, browser: Browser) -> None:
    assert "サインイン" in browser.get("/sign-in").text
    assert "Sign in" in browser.get("/sign-in?lang=en").text
    browser.sign_in(town, "c-7")
    assert "わたしの設定" in browser.get("/me").text
    browser.post("/me/language", {"language": "en", "csrf": csrf_of(browser)})
    assert "My page" in browser.get("/me").text


# --- what each may do ---


@pytest.mark.parametrize("role", Role)
def test_each_role_has_its_rights_and_no_other(town: Town, browser: Browser, role: Role) -> None:
    account(town, "one", str(role))
    browser.sign_in(town, "one")
    open_ = {right for right in Right if browser.get(f"/may/{right}").status_code == 200}
    assert open_ == ROLES[role]
    shut = next(right for right in Right if right not in ROLES[role])
    answer = browser.get(f"/may/{shut}")
    assert answer.status_code == 403
    assert "<h1>できませんでした</h1>" in answer.text


def test_accounts_are_clerks_to_every_desk(town: Town) -> None:
    settings = load_relay(town.top / "relay.toml")
    clerks = Clerks(settings.clerks, town.relay.console.accounts)
    assert clerks.answers_for("c-7", "citizen")
    assert not clerks.answers_for("c-7", "tax")
    clerks.check("c-7", Right.COUNTER)
    clerks.check("clerk-1", Right.COUNTER)
    clerks.check("clerk-1", Right.READ)
    for who, right in (
        ("c-7", Right.BOOKS),
        ("boss", Right.COUNTER),
        ("nobody", Right.COUNTER),
        ("clerk-1", Right.PEOPLE),
    ):
        with pytest.raises(NotAllowedError):
            clerks.check(who, right)


def test_an_id_is_a_clerks_or_an_accounts_and_never_both(town: Town) -> None:
    console, clerks = town.relay.console, {"c-7": None}
    with pytest.raises(ConfigError, match="c-7"):
        Accounts(town.relay.store, console.sign_ins, Locker(town.top / "state"), town.clock, clerks, ())


def test_without_counter_a_clerk_of_relay_toml_is_at_no_counter(town: Town) -> None:
    settings = town.top / "relay.toml"
    settings.write_text(settings.read_text() + "\ncounter = false\n")  # the last table is clerk-2's
    town.restart()
    clerk = Browser(application(town))
    said = {"Authorization": f"Bearer {token('clerk-2')}"}
    assert clerk.raw("GET", "/1/jobs", headers=said).status_code == 200
    form = {"bus": "bus-1", "section": "citizen", "stop": "hall", "slot": 3}
    assert clerk.raw("POST", "/1/sessions", headers=said, json=form).status_code == 403
    for path in (
        "/1/sessions/s/accept",
        "/1/sessions/s/jobs",
        "/1/jobs/j/approve",
        "/1/jobs/j/cancel",
        "/1/jobs/j/void",
    ):
        answer = clerk.raw("POST", path, headers=said, json={})
        assert (answer.status_code, answer.json()["key"]) == (403, "relay.not_allowed"), path


def test_an_auditor_who_approves_is_refused_with_every_token_right(
    town: Town, browser: Browser, pieces: Pieces
) -> None:
    account(town, "eye", "auditor")
    browser.sign_in(town, "eye")
    csrf = csrf_of(browser)
    assert browser.post("/form", {"job": "j1", "csrf": csrf}).status_code == 403
    assert browser.post(f"/body?csrf={csrf}").status_code == 403
    assert pieces.taken == []
    clerk = Browser(browser.app)
    clerk.sign_in(town, "c-7")
    csrf = csrf_of(clerk)
    assert clerk.post("/form", {"job": "j1", "csrf": csrf}).status_code == 200
    assert pieces.taken == [{"job": "j1"}], "the token is checked and gone"
    assert (
        clerk.raw("POST", "/body", content=b"12", headers={"sec-fetch-site": "same-origin", "x-csrf": csrf}).text == "2"
    )
    assert clerk.raw("POST", "/body", content=b"12", headers={"sec-fetch-site": "same-origin"}).status_code == 403


# --- people ---


def test_an_administrator_adds_changes_disables_and_resets(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "boss")
    assert browser.get("/people").status_code == 200
    form = {"who": "c-9", "role.clerk": "on", "section.citizen": "on", "csrf": browser.token("/people")}
    made = browser.post("/people", form)
    code = re.search(r"<code>([A-Z2-9-]{23})</code>", made.text)
    assert code
    assert Browser(browser.app).submit("/first", "/first", who="c-9", code=code[1]).status_code == 303
    assert browser.post("/people", form).status_code == 409, "the id is taken"
    page = "/people/c-9"
    change = {"role.auditor": "on", "role.custodian": "on"}
    assert browser.submit(page, page, **change).status_code == 303
    assert town.relay.console.accounts.rights("c-9") == {Right.READ, Right.BOOKS}
    assert browser.submit(page, page).status_code == 400, "no role at all"
    assert browser.submit(page, f"{page}/disable").status_code == 303
    assert town.relay.console.accounts.rights("c-9") == frozenset()
    assert browser.submit(page, f"{page}/enable").status_code == 303
    assert "<code>" in browser.submit(page, f"{page}/reset").text
    assert browser.get("/people/nobody").status_code == 404
    assert town.relay.store.verify_journal()
    kinds = {f"account_{what}" for what in ("added", "changed", "disabled", "enabled", "reset")}
    assert all('"by":"boss"' in journal(town, kind)[-1] for kind in kinds)


@pytest.mark.parametrize("who", ["Yamada", "山田", "a b", "", "clerk-1", "-x", "x" * 64, "../etc"])
def test_an_id_is_opaque_and_free(town: Town, browser: Browser, who: str) -> None:
    browser.sign_in(town, "boss")
    answer = browser.submit("/people", "/people", who=who, **{"role.clerk": "on"})
    assert answer.status_code in (400, 409)
    assert town.relay.store.account(who) is None


def test_the_last_administrator_stays(town: Town, browser: Browser) -> None:
    browser.sign_in(town, "boss")
    assert browser.submit("/people/boss", "/people/boss/disable").status_code == 409
    assert browser.submit("/people/boss", "/people/boss", **{"role.clerk": "on"}).status_code == 409
    account(town, "other", "administrator")
    assert browser.submit("/people/boss", "/people/boss/disable").status_code == 303


def test_the_first_administrator_comes_from_the_command_on_a_stopped_relay(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(town.top / "relay.toml")]
    assert cli.main(["account", "add", "chief", "--role", "administrator", *config]) == cli.SETUP_WRONG
    assert "Another process already works with this database" in capsys.readouterr().err
    town.relay.close()
    assert cli.main(["account", "add", "chief", "--role", "administrator", *config]) == 0
    assert re.match(r"[A-Z2-9-]{23}\n", capsys.readouterr().out)
    assert cli.main(["account", "reset", "chief", "--json", *config]) == 0
    code = re.search(r'"code": "([A-Z2-9-]{23})"', capsys.readouterr().out)
    assert cli.main(["account", "add", "chief", "--role", "clerk", *config]) == cli.SETUP_WRONG
    town.relay = town._build()
    assert code
    browser = Browser(application(town))
    assert browser.submit("/first", "/first", who="chief", code=code[1]).status_code == 303


# --- streams ---


def opened(browser: Browser, pieces: Pieces, do: Any) -> list[bytes]:
    """What an event stream says while `do` happens, until it ends."""

    async def reading() -> list[bytes]:
        pieces.events = asyncio.Queue()
        pieces.events.put_nowait(b"data: 1\n\n")
        got: list[bytes] = []

        async def first() -> None:
            if len(got) == 1:
                await do()
                pieces.events.put_nowait(b"data: 2\n\n")

        await asyncio.wait_for(stream(browser, got, first), 10)
        return got

    return asyncio.run(reading())


async def stream(browser: Browser, got: list[bytes], then: Any = None) -> int:
    """Opens one in the running loop; its status when it has ended."""
    cookie = f"__Host-console={browser.id}".encode()
    headers = [(b"host", b"hall.test"), (b"cookie", cookie), (b"accept", b"text/event-stream")]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": "/events",
        "headers": headers,
    }
    scope |= {"query_string": b"", "scheme": "https", "client": ("10.0.0.1", 1), "raw_path": b"/events"}
    status: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
        if message.get("body"):
            got.append(message["body"])
            if then:
                await then()

    async def receive() -> Any:
        await asyncio.Event().wait()

    await browser.app(scope, receive, send)
    return status[0]


def test_a_stream_says_nothing_more_when_its_sign_in_has_ended(town: Town, browser: Browser, pieces: Pieces) -> None:
    browser.sign_in(town, "c-7")

    async def do() -> None:
        town.relay.console.accounts.disable("c-7", "boss")

    assert opened(browser, pieces, do) == [b"data: 1\n\n", streams.GOODBYE]


def test_a_stream_ends_by_itself_when_the_two_hours_are_over(
    town: Town, browser: Browser, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_S", 0.01)
    browser.sign_in(town, "c-7")

    async def do() -> None:
        town.clock.forward(121 * MINUTE)

    assert opened(browser, pieces, do)[-1] == streams.GOODBYE


def test_an_account_has_a_bounded_number_of_streams_and_gets_their_places_back(
    town: Town, browser: Browser, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 1)
    second: list[int] = []

    async def do() -> None:
        second.append(await stream(browser, []))
        town.relay.console.accounts.disable("c-7", "boss")

    for _ in range(2):
        browser.sign_in(town, "c-7")
        assert opened(browser, pieces, do)[0] == b"data: 1\n\n"
        town.relay.console.accounts.enable("c-7", "boss")
        town.clock.forward(30)
    assert second == [429, 429]
