"""What belongs to a visit beside its documents: where the bus stands, whom a call reaches, what is checked, what people thought."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from cityhall_base.city import parse_city
from cityhall_base.errors import ConfigError
from cityhall_base.words import Language
from cityhall_relay import cli
from cityhall_relay.calls import Calls
from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.client import commands, people_text
from cityhall_relay.errors import (
    CallGoneError,
    CheckMissingError,
    IdentityError,
    NoSessionError,
    NotAllowedError,
    WrongSectionError,
)
from cityhall_relay.settings import Clerk
from cityhall_relay.store.rows import Session
from cityhall_relay.views import job_view
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.relay import Noted, Refusal, Stale
from cityhall_wire.messages.visit import AtStop, Feedback
from provisioning import small_city
from provisioning.city_folder import Addresses
from tests.relay_city import CITY, HandMadeBus, Town, desk_bus, token

TODAY = "2026-11-21"
CALL = "s" + "a" * 24
DEPUTY = CITY.replace(b'phone = "0265-00-1101"', b'phone = "0265-00-1101"\ndeputy = "tax"')
CHECKS = CITY.replace(
    b'[services.resident-record]\nname = "record"',
    b'[services.resident-record]\nchecks = true\nidentity_documents = ["licence", "card"]\nname = "record"',
)
DOCUMENTS = ("licence", "card")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, DEPUTY)


@pytest.fixture
def checking(tmp_path: Path) -> Town:
    return Town(tmp_path, CHECKS)


def journal(town: Town, kind: str) -> list[dict[str, Any]]:
    store: Any = town.relay.store
    return [
        msgspec.json.decode(body)
        for (body,) in store.db.execute("select body from journal where kind = ? order by n", [kind])
    ]


def clerk(town: Town, method: str, path: str, who: str = "clerk-1", **request: Any) -> httpx.Response:
    app = town.relay.clerk_app(lambda bus: None)

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
            return await client.request(method, path, headers={"Authorization": f"Bearer {token(who)}"}, **request)

    return asyncio.run(once())


# --- where the bus stands ---


def stop(town: Town, bus: str = "bus-1") -> str:
    return town.relay.store.bus(bus).stop


def test_where_a_bus_stands_is_kept_written_down_and_shown(town: Town) -> None:
    bus = desk_bus(town)
    assert isinstance(bus.fact(AtStop, stop="hall"), Noted)
    town.restart()
    assert (stop(town), stop(town, "bus-2")) == ("hall", "")
    shown = clerk(town, "GET", "/1/buses").json()["buses"]
    assert {one["bus"]: one["stop"] for one in shown}["bus-1"] == "hall"
    assert isinstance(bus.fact(AtStop, stop=None), Noted)
    assert stop(town) == ""
    assert [said["stop"] for said in journal(town, "at_stop")] == ["hall", ""]


def test_a_stop_that_is_told_again_is_told_once(town: Town) -> None:
    bus = desk_bus(town)
    arrived = AtStop(**bus.place(), stop="hall")
    for _ in range(2):  # its answer was lost
        assert isinstance(bus.says("/1/evidence", arrived, town.keys.link["bus-1"]), Noted)
        town.restart()  # city hall's process died between commit and answer
    assert isinstance(bus.fact(AtStop, stop="hall"), Noted)  # signed anew, under a higher number
    assert len(journal(town, "at_stop")) == 1


def test_an_arrival_that_comes_after_the_departure_is_stale_and_moves_no_bus_back(town: Town) -> None:
    bus = desk_bus(town)
    arrived = AtStop(**bus.place(), stop="hall")
    left = AtStop(**bus.place(), stop=None)
    key = town.keys.link["bus-1"]
    assert isinstance(bus.says("/1/evidence", arrived, key), Noted)
    assert isinstance(bus.says("/1/evidence", left, key), Noted)
    assert isinstance(bus.says("/1/evidence", arrived, key), Stale)
    assert stop(town) == ""


def test_a_stop_that_the_city_does_not_name_is_refused_and_kept_nowhere(town: Town) -> None:
    refused = desk_bus(town).fact(AtStop, stop="elsewhere")
    assert isinstance(refused, Refusal)
    assert refused.reason == "unknown_place"
    assert (stop(town), journal(town, "at_stop")) == ("", [])


def test_a_sync_leaves_the_stop_as_it_was_told(town: Town) -> None:
    bus = desk_bus(town)
    bus.fact(AtStop, stop="hall")
    bus.sync()
    assert stop(town) == "hall"


# --- what visitors thought ---


def faces(town: Town, bus: str = "bus-1") -> dict[str, int]:
    return dict(clerk(town, "GET", f"/1/buses/{bus}/day").json()["feedback"])


def test_the_first_face_of_a_session_counts_whatever_is_told_again(town: Town) -> None:
    bus, session = desk_bus(town), town.session()
    for face in (3, 1, 3):
        assert isinstance(bus.fact(Feedback, session=session.session, face=face), Noted)
    town.restart()
    assert isinstance(bus.fact(Feedback, session=session.session, face=2), Noted)
    assert faces(town) == {"good": 1, "so_so": 0, "not_good": 0}
    assert journal(town, "feedback") == [{"session": session.session, "face": 3}]


def test_a_day_counts_its_own_sessions_whenever_their_faces_come(town: Town) -> None:
    bus, sessions = desk_bus(town), []
    for face in (3, 3, 1):
        sessions.append(town.session().session)
        town.relay.sessions.close("clerk-1", sessions[-1])
        if face == 3:
            bus.fact(Feedback, session=sessions[-1], face=face)
    town.clock.forward(24 * 3600)  # it was kept in a dead zone
    bus.fact(Feedback, session=sessions[-1], face=1)
    assert faces(town) == {"good": 0, "so_so": 0, "not_good": 0}
    day = clerk(town, "GET", f"/1/buses/bus-1/day?day={TODAY}").json()
    assert day["feedback"] == {"good": 2, "so_so": 0, "not_good": 1}
    assert "■ 利用者の声\n  よかった 2\n  ふつう 0\n  よくなかった 1" in people_text.day(day, Language.JAPANESE)


@pytest.mark.parametrize("whose", ["nobody", "bus-2"])
def test_a_face_of_no_session_of_this_bus_is_refused(town: Town, whose: str) -> None:
    name = town.session(bus=whose).session if whose != "nobody" else CALL
    refused = desk_bus(town).fact(Feedback, session=name, face=3)
    assert isinstance(refused, Refusal)
    assert refused.reason == "unknown_session"
    assert (faces(town), journal(town, "feedback")) == ({"good": 0, "so_so": 0, "not_good": 0}, [])


# --- whom a call reaches ---


def rings(town: Town, section: str = "citizen") -> tuple[HandMadeBus, Session]:
    bus = desk_bus(town)
    answer = bus.fact(link.Call, session="s" + secrets.token_hex(12), section=section, stop="hall", slot=0)
    assert isinstance(answer, relay.SessionReceipt)
    return bus, town.relay.sessions.calls()[-1]


def calls(town: Town) -> Calls:
    """clerk-1 answers for citizen, clerk-2 for tax alone."""
    clerks = {
        name: Clerk(token_sha256="0" * 64, sections=(section,))
        for name, section in (("clerk-1", "citizen"), ("clerk-2", "tax"))
    }
    return Calls(town.relay.store, town.relay.sessions, Clerks(clerks))


def test_a_call_that_nobody_takes_rings_at_the_deputy_too(town: Town) -> None:
    _, call = rings(town)
    seen = calls(town)
    town.clock.forward(39.9)
    assert town.relay.sessions.rings(call) == ("citizen",)
    assert (seen.of("clerk-1"), seen.of("clerk-2")) == ([call], [])
    with pytest.raises(NotAllowedError):
        seen.accept("clerk-2", call.session)
    town.clock.forward(0.1)
    assert town.relay.sessions.rings(call) == ("citizen", "tax")
    assert (seen.of("clerk-1"), seen.of("clerk-2")) == ([call], [call])


def test_a_section_without_a_deputy_rings_alone_to_the_end(town: Town) -> None:
    _, call = rings(town, "tax")
    town.clock.forward(119)
    assert town.relay.sessions.rings(call) == ("tax",)
    assert calls(town).of("clerk-1") == []


def test_the_deputys_clerk_has_the_session_of_the_section_with_its_services_alone(town: Town) -> None:
    bus, call = rings(town)
    town.clock.forward(60)
    session = calls(town).accept("clerk-2", call.session)
    assert (session.clerk, session.section) == ("clerk-2", "citizen")
    assert calls(town).accept("clerk-2", call.session) == session  # again is once
    with pytest.raises(CallGoneError):
        calls(town).accept("clerk-1", call.session)
    view = bus.sync().session
    assert view is not None
    assert (view.section, view.clerk) == ("citizen", "clerk-2")
    assert town.send(session).new
    with pytest.raises(WrongSectionError):
        town.send(session, service="tax-certificate")


def test_the_screens_hear_once_when_a_call_begins_to_ring_elsewhere_and_no_bus_is_hinted_at(town: Town) -> None:
    rings(town)
    hinted: list[str] = []
    changes = town.relay.changes
    changes.hint = hinted.append
    heard = []
    for _ in range(4):
        before = changes.next()
        town.clock.forward(20)
        town.relay.housekeeping.tick()
        heard.append(before.is_set())
    assert (heard, hinted) == ([False, True, False, False], [])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (b'deputy = "citizen"', "sections.citizen.deputy: another section"),
        (b'deputy = "nobody"', "sections.citizen.deputy: there is no sections.nobody; allowed: citizen, tax"),
    ],
)
def test_a_deputy_that_cannot_be_is_named(changed: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_city(DEPUTY.replace(b'deputy = "tax"', changed), "city.toml")


def test_a_deputy_who_would_never_hear_a_call_is_named() -> None:
    with pytest.raises(ConfigError, match=r"limits\.call_next_s: less than call_s"):
        parse_city(DEPUTY + b"[limits]\ncall_s = 40\n", "city.toml")
    parse_city(CITY + b"[limits]\ncall_s = 40\n", "city.toml")


# --- what the clerk checks ---


def test_a_test_page_waits_for_nobodys_identity() -> None:
    service = b"""[services.test-page]
name = "test"
name_en = "Test"
section = "citizen"
class = "test"
paper = "controlled"
checks = true
"""
    with pytest.raises(ConfigError, match=r"services\.test-page\.checks: false"):
        parse_city(CITY + service, "city.toml")


def test_what_may_be_said_of_an_identity_are_the_sections_own_documents(checking: Town) -> None:
    visits = checking.relay.visits
    assert visits.identities("citizen") == DOCUMENTS
    assert visits.identities("tax") == ("known", "none_needed")


def test_a_document_of_a_service_with_checks_is_allowed_after_both_are_made(checking: Town) -> None:
    relay_, session = checking.relay, checking.session()
    job = checking.send(session).job
    approve = relay_.clerk_desk.approve

    def do() -> str:
        now = job_view(relay_.store, relay_.city.city, checking.job(job.job)).do
        return now.key if now else ""

    assert do() == "clerk.do.check"
    with pytest.raises(CheckMissingError):
        approve("clerk-1", job.job)
    relay_.visits.check("clerk-1", session.session, "licence", support=False)
    with pytest.raises(CheckMissingError):
        approve("clerk-1", job.job)
    assert relay_.store.approvals(job.job) == []
    relay_.visits.check("clerk-1", session.session, "licence", support=True)
    assert do() == "clerk.do.allow"
    assert approve("clerk-1", job.job).approved_at is not None


def test_a_service_without_checks_asks_for_none(checking: Town) -> None:
    job = checking.send(checking.session(), service="claim-form").job
    assert checking.relay.clerk_desk.approve("clerk-1", job.job).state is JobState.SEALED


def test_the_checks_of_one_session_are_worth_nothing_in_the_next(checking: Town) -> None:
    first = checking.session()
    checking.relay.visits.check("clerk-1", first.session, "card", support=True)
    checking.relay.sessions.close("clerk-1", first.session)
    job = checking.send(checking.session()).job
    with pytest.raises(CheckMissingError):
        checking.relay.clerk_desk.approve("clerk-1", job.job)


def test_the_bus_hears_when_both_are_made_and_is_hinted_at_only_then(checking: Town) -> None:
    bus, session, hinted = desk_bus(checking), checking.session(), list[str]()
    checking.relay.changes.hint = hinted.append

    def checked() -> bool:
        view = bus.sync().session
        assert view is not None
        return view.checked

    def check(identity: str, support: bool) -> None:
        checking.relay.visits.check("clerk-1", session.session, identity, support)

    assert not checked()
    check("licence", False)
    assert (checked(), hinted) == (False, [])
    check("licence", True)
    assert (checked(), hinted) == (True, ["bus-1"])
    check("card", True)
    assert (checked(), hinted) == (True, ["bus-1"])
    check("card", False)  # a slip is taken back
    assert (checked(), hinted) == (False, ["bus-1", "bus-1"])


def test_checks_are_kept_and_written_down_once_each_by_opaque_id(checking: Town) -> None:
    session, visits = checking.session(), checking.relay.visits
    for _ in range(2):
        made = visits.check("clerk-1", session.session, "licence", support=True)
        checking.clock.forward(60)
    assert (made.identity, made.support, made.by, made.at) == ("licence", True, "clerk-1", session.opened_at)
    checking.restart()
    assert checking.relay.visits.checks(session.session) == made
    said = {"session": session.session, "identity": "licence", "support": True, "by": "clerk-1"}
    assert journal(checking, "checked") == [said]
    day = clerk(checking, "GET", "/1/buses/bus-1/day").json()
    assert day["sessions"][0]["checks"]["identity"] == "licence"
    assert "09:00  identity: licence  protection (支援措置) checked" in people_text.day(day, Language.ENGLISH)


@pytest.mark.parametrize("identity", ["known", "none_needed", "012345678901", "山田太郎", "", "licence "])
def test_a_number_or_a_name_is_no_kind_of_document_and_is_not_said_again(checking: Town, identity: str) -> None:
    session = checking.session()
    with pytest.raises(IdentityError) as refused:
        checking.relay.visits.check("clerk-1", session.session, identity, support=True)
    assert str(refused.value).endswith("(allowed: licence, card)")
    assert (checking.relay.visits.checks(session.session), journal(checking, "checked")) == (None, [])


def test_only_the_clerk_of_the_live_session_checks(checking: Town) -> None:
    check, session = checking.relay.visits.check, checking.session()
    _, call = rings_on_bus_2(checking)
    for who, name in (("clerk-2", session.session), ("clerk-1", call), ("clerk-1", CALL)):
        with pytest.raises(NoSessionError):
            check(who, name, "licence", support=True)
    checking.clock.forward(901)
    with pytest.raises(NoSessionError):
        check("clerk-1", session.session, "licence", support=True)


def rings_on_bus_2(town: Town) -> tuple[HandMadeBus, str]:
    bus = desk_bus(town, "bus-2")
    bus.fact(link.Call, session="s" + "b" * 24, section="citizen", stop="hall", slot=0)
    return bus, "s" + "b" * 24


def test_a_check_keeps_its_session_alive(checking: Town) -> None:
    session = checking.session()
    checking.clock.forward(800)
    checking.relay.visits.check("clerk-1", session.session, "licence", support=True)
    checking.clock.forward(800)
    assert checking.relay.sessions.live(session.session) is not None


def test_clerks_check_over_http_and_by_command(
    checking: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = checking.session().session
    path = f"/1/sessions/{session}/checks"
    made = clerk(checking, "POST", path, json={"identity": "card"}).json()
    assert made == {"session": session, "identity": "card", "support": False, "by": "clerk-1", "at": checking.clock.now}
    assert clerk(checking, "POST", path, who="clerk-2", json={"identity": "card"}).json()["key"] == "relay.no_session"
    assert clerk(checking, "POST", path, json={"identity": "card", "support": "yes"}).status_code == 400
    assert clerk(checking, "POST", path, json={"identity": "x" * 81}).json()["key"] == "wire.malformed"

    class Hall:
        def ask(self, method: str, path: str, **request: Any) -> Any:
            return clerk(checking, method, path, **request).json()

    monkeypatch.setattr(commands, "city_hall", lambda args: Hall())
    assert cli.main(["session", "check", session, "--identity", "card"]) == 0
    assert cli.main(["session", "check", session, "--identity", "card", "--support"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "本人確認（card）はすみました。支援措置がまだです。",
        "本人確認（card）と支援措置を確かめました。",
    ]


@pytest.mark.parametrize("checks", [False, True])
def test_the_small_city_demands_checks_where_it_is_told_to(checks: bool) -> None:
    printer = small_city.PrinterPlan("ipp://localhost:1/ipp/print")
    plan = small_city.Plan(Addresses("127.0.0.1", 1, 2, 3), printer, checks=checks)
    services = parse_city(small_city.city_toml(plan), "city.toml").city.services
    assert {name for name, one in services.items() if one.checks} == (
        {"resident-record", "tax-certificate"} if checks else set()
    )
    assert small_city.IDENTITY in services[small_city.SERVICE].identity_documents
