"""City hall's side of people and checklists: what blocks a certificate, what is missing, who may come, and the auditor's page."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from cityhall_base.words import Language
from cityhall_relay import day_words, trial_page
from cityhall_relay.client import people_text
from cityhall_relay.incidents import What
from cityhall_relay.intake.check import check
from cityhall_relay.intake.report import IntakeLimits
from cityhall_relay.store.rows import Incident
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, people, relay
from cityhall_wire.messages.people import How, Item, Which
from cityhall_wire.messages.relay import Noted, Refusal, Release
from cityhall_wire.modes import DutyCause, DutyMode
from cityhall_wire.seal import OpenerKey
from tests.relay_city import CITY, MORNING, HandMadeBus, OnBus, Town, desk_bus, token
from tests.relay_city import carried as carried_by
from tests.unit.on_board import CONCIERGES, LISTS, TEST_SERVICE

# The town's first day is a Saturday; these buses work on Saturdays too.
_ALWAYS = b'duty_from = "00:00"\nduty_until = "24:00"\nweekdays = [1, 2, 3, 4, 5, 6, 7]'
_HOURS = b'duty_from = "08:30"\nduty_until = "15:30"\nweekdays = [1, 2, 3, 4, 5, 6]'
WORKING = CITY.replace(_ALWAYS, _HOURS)
FULL = WORKING + LISTS + CONCIERGES + TEST_SERVICE
DAY, DAY_BEFORE, DAY_AFTER = "2026-11-21", "2026-11-20", "2026-11-22"
HOUR = 3600.0
WELL = (Item(item="lamp", ok=True), Item(item="line", ok=True, box=True))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, FULL)


def lists(bus: HandMadeBus, which: Which = Which.OPENING, **changed: Any) -> Any:
    return bus.fact(people.Checklist, **{"which": which, "day": DAY, "items": WELL, "by": "c-1"} | changed)


def config(town: Town) -> bytes:
    return town.relay.city.digest


def synced(town: Town, bus: HandMadeBus, mode: DutyMode = DutyMode.CITY_HALL) -> None:
    bus.sync(mode=mode, config=config(town))


def asks(on: OnBus) -> Any:
    on.bus.sync(config=config(on.town))
    return on.bus.asks(on.bus.request(on.job, OpenerKey(), config=config(on.town)))


def carried(town: Town) -> OnBus:
    return carried_by(town)


def incidents(town: Town) -> list[Incident]:
    return town.relay.store.incidents("bus-1")


def later(town: Town, seconds: float) -> list[tuple[str, bool]]:
    """The clock goes on and the housekeeping looks: which list is missing, and whether that stands open."""
    town.clock.forward(seconds)
    town.relay.housekeeping.tick()
    return [(one.detail.split()[0], one.open) for one in incidents(town) if one.what == What.CHECKLIST]


# --- certificates ---


def test_no_certificate_is_released_before_the_opening_list_of_the_day(town: Town) -> None:
    on = carried(town)
    refused = asks(on)
    assert isinstance(refused, Refusal)
    assert refused.reason == "opening_missing"
    assert on.job.why == "opening_missing", "the clerk reads it too"
    assert isinstance(lists(on.bus), Noted)
    assert isinstance(asks(on), Release)


def test_another_days_or_another_buss_list_does_not_count(town: Town) -> None:
    on = carried(town)
    lists(on.bus, day=DAY_BEFORE)
    lists(desk_bus(town, "bus-2"))
    assert asks(on).reason == "opening_missing"


def test_a_list_for_a_day_that_is_none_or_has_not_come_is_refused_and_kept_nowhere(town: Town) -> None:
    bus = desk_bus(town)
    for day in (DAY_AFTER, "2026-02-30", "0000-00-00", "2026-10-20", "9999-12-31"):
        answer = lists(bus, day=day)
        assert isinstance(answer, Refusal)
        assert answer.reason == "wrong_day"
        assert town.relay.store.checklists("bus-1", day) == []


def test_after_the_closing_list_no_certificate_is_released_that_day(town: Town) -> None:
    on = carried(town)
    lists(on.bus)
    lists(on.bus, Which.CLOSING)
    assert asks(on).reason == "closing_done"


def test_forms_go_on_without_any_list(town: Town) -> None:
    session = town.session()
    job = town.send(session, service="claim-form").job
    town.relay.clerk_desk.approve(session.clerk, job.job)
    bus = desk_bus(town)
    bus.hold(bus.sync(config=config(town)).offers[0])
    assert isinstance(asks(OnBus(town, bus, session, job.job)), Release)


def test_a_city_without_lists_needs_none(tmp_path: Path) -> None:
    assert isinstance(asks(carried(Town(tmp_path))), Release)


def test_a_list_is_kept_once_with_the_buss_own_signature(town: Town) -> None:
    bus = desk_bus(town)
    for _ in range(2):  # the answer was lost, and it is said again under another number
        assert isinstance(lists(bus), Noted)
    (kept,) = town.relay.store.checklists("bus-1", DAY)
    assert (kept.which, kept.by, kept.said) == ("opening", "c-1", WELL)
    assert b"checklist" in kept.envelope
    lists(bus, items=(Item(item="lamp", ok=False, note="dark"),))
    assert len(town.relay.store.checklists("bus-1", DAY)) == 2, "another content is another entry, never an edit"


# --- what is missing ---


def test_a_missing_opening_list_is_one_incident_an_hour_after_the_first_sync_on_duty(town: Town) -> None:
    bus = desk_bus(town)
    synced(town, bus, DutyMode.ROUTE_BUS)
    assert later(town, 2 * HOUR) == []
    synced(town, bus)
    assert later(town, HOUR - 1) == []
    assert later(town, 40) == [("opening", True)]
    assert later(town, HOUR) == [("opening", True)]


def test_an_incident_closes_itself_when_the_list_comes_late_and_says_so(town: Town) -> None:
    bus = desk_bus(town)
    synced(town, bus)
    assert later(town, HOUR) == [("opening", True)]
    lists(bus)
    (one,) = incidents(town)
    assert (one.open, one.closed_by, one.closed_why) == (False, "", "came_late")
    assert later(town, HOUR) == [("opening", False)]


def test_what_a_person_closed_is_not_opened_again(town: Town) -> None:
    synced(town, desk_bus(town))
    later(town, HOUR)
    with town.relay.store.event():
        town.relay.housekeeping.chores[-1].__self__._incidents.close(1, "clerk-1", "explained")  # type: ignore[attr-defined]
    assert later(town, HOUR) == [("opening", False)]


def test_a_missing_closing_list_is_missed_an_hour_after_the_hours(town: Town) -> None:
    bus = desk_bus(town)
    synced(town, bus)
    lists(bus)
    assert later(town, 7.5 * HOUR - 1) == []  # 16:29:59
    assert later(town, 40) == [("closing", True)]
    lists(bus, Which.CLOSING)
    assert later(town, HOUR) == [("closing", False)]


def test_or_ten_minutes_after_duty_was_left_for_good(town: Town) -> None:
    bus = desk_bus(town)
    synced(town, bus)
    lists(bus)
    town.clock.forward(2 * HOUR)
    synced(town, bus, DutyMode.ROUTE_BUS)  # 11:00: nobody knows yet whether she comes back
    assert later(town, HOUR) == []
    synced(town, bus)
    town.clock.forward(3.6 * HOUR)  # 15:36
    synced(town, bus, DutyMode.ROUTE_BUS)
    assert later(town, 540) == []
    assert later(town, 61) == [("closing", True)]


def test_on_a_day_without_hours_leaving_duty_is_leaving_it_for_good(tmp_path: Path) -> None:
    town = Town(tmp_path, CITY.replace(_ALWAYS, _HOURS.replace(b", 6]", b"]")) + LISTS)  # that day is a Saturday
    bus = desk_bus(town)
    synced(town, bus)
    lists(bus)
    town.clock.forward(HOUR)
    synced(town, bus, DutyMode.ROUTE_BUS)
    assert later(town, 601) == [("closing", True)]


def test_a_day_that_the_relay_slept_through_is_looked_at_the_next_morning(town: Town) -> None:
    bus = desk_bus(town)
    synced(town, bus)
    town.clock.forward(24 * HOUR)
    town.restart()
    expected = [(DAY, f"opening {DAY}"), (DAY, f"closing {DAY}")]
    assert [(one.day, one.detail) for one in incidents(town)] == expected


def test_each_days_missing_list_is_an_incident_of_its_own(town: Town) -> None:
    bus = desk_bus(town)
    for _ in range(2):
        synced(town, bus)
        later(town, HOUR)
        town.clock.forward(23 * HOUR)
    opening = [one.day for one in incidents(town) if one.open and one.detail.startswith("opening")]
    assert opening == [DAY, DAY_AFTER]


def test_neither_a_technicians_day_nor_a_bus_that_stayed_a_route_bus_misses_a_list(town: Town) -> None:
    bus = desk_bus(town)
    for mode in (DutyMode.MAINTENANCE, DutyMode.COURSE, DutyMode.ROUTE_BUS, DutyMode.ON_THE_WAY):
        synced(town, bus, mode)
        town.clock.forward(60)
    assert later(town, 10 * HOUR) == []


def test_one_row_tells_of_each_change_of_duty_and_one_of_each_morning(town: Town) -> None:
    bus = desk_bus(town)
    for mode in (DutyMode.ROUTE_BUS, DutyMode.CITY_HALL, DutyMode.CITY_HALL, DutyMode.ROUTE_BUS):
        synced(town, bus, mode)
    assert [one.mode for one in town.relay.store.modes_seen("bus-1", DAY)] == ["route_bus", "city_hall", "route_bus"]
    town.clock.forward(24 * HOUR)
    synced(town, bus, DutyMode.ROUTE_BUS)
    assert [one.mode for one in town.relay.store.modes_seen("bus-1", DAY_AFTER)] == ["route_bus"]


# --- who is on board ---


def code_for(town: Town, bus: str = "bus-1") -> tuple[str, str]:
    answer = clerk(town, "POST", f"/1/buses/{bus}/substitute")
    assert answer.status_code == 201
    return answer.json()["who"], answer.json()["code"]


def types(bus: HandMadeBus, code: str) -> Any:
    return bus.fact(people.Substitute, code=code)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def test_a_right_code_names_the_substitute_once(town: Town) -> None:
    who, code = code_for(town)
    bus = desk_bus(town)
    answer = types(bus, code)
    assert isinstance(answer, people.SubstituteReceipt)
    assert (answer.who, answer.until) == (who, MORNING + 15 * 3_600_000)  # midnight
    replayed = types(bus, code)
    assert isinstance(replayed, Refusal)
    assert replayed.reason == "no_code"


def test_the_very_same_message_gets_its_answer_again(town: Town) -> None:
    who, code = code_for(town)
    bus = desk_bus(town)
    said = people.Substitute(**bus.place(), code=code)
    answers = [bus.says("/1/evidence", said, town.keys.link["bus-1"]) for _ in range(2)]
    assert [one.who for one in answers] == [who, who]


def test_a_code_dies_of_five_wrong_tries(town: Town) -> None:
    _, code = code_for(town)
    bus = desk_bus(town)
    assert [types(bus, other(code)).reason for _ in range(5)] == ["wrong_code"] * 5
    assert types(bus, code).reason == "no_code"


def test_a_code_dies_after_half_an_hour_and_with_the_next_one(town: Town) -> None:
    bus = desk_bus(town)
    _, old = code_for(town)
    _, code = code_for(town)
    assert types(bus, old).reason == "wrong_code"
    town.clock.forward(1800)
    assert types(bus, code).reason == "no_code"


def test_a_code_is_for_one_bus(town: Town) -> None:
    _, code = code_for(town)
    assert types(desk_bus(town, "bus-2"), code).reason == "no_code"


def test_city_hall_keeps_no_code(town: Town) -> None:
    _, code = code_for(town)
    types(desk_bus(town), code)
    town.relay.close()
    kept = b"".join(path.read_bytes() for path in (town.top / "state").rglob("*") if path.is_file())
    assert code.encode() not in kept
    assert hashlib.sha256(code.encode()).digest() not in kept
    town.relay = town._build()


def test_who_came_and_went_is_kept_and_a_stranger_is_not_believed(town: Town) -> None:
    bus = desk_bus(town)
    for who, how, reason in (
        ("c-1", How.PIN, ""),
        ("c-1", How.PIN, ""),  # said again, because the answer was lost
        ("c-9", How.PIN, "unknown_person"),
        ("substitute-1a2b", How.CODE, "unknown_person"),
        ("c-1", How.CODE, "unknown_person"),
    ):
        answer = bus.fact(people.SignedIn, who=who, how=how, on=True)
        assert getattr(answer, "reason", "") == reason
    assert isinstance(bus.fact(people.SignedIn, who="c-9", how=How.PIN, on=False), relay.Noted)
    assert [(one.who, one.present) for one in town.relay.store.signed_in("bus-1", MORNING, MORNING + 1)] == [
        ("c-1", True),
        ("c-9", False),
    ]


# --- what clerks ask ---


def clerk(town: Town, method: str, path: str, *, who: str = "clerk-1", **request: Any) -> httpx.Response:
    app = town.relay.clerk_app(lambda bus: None)

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
            headers = {"Authorization": f"Bearer {token(who)}", **request.pop("headers", {})}
            return await client.request(method, path, headers=headers, **request)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/1/buses/bus-1/checklists"),
        ("GET", "/1/buses/bus-1/day"),
        ("POST", "/1/buses/bus-1/substitute"),
        ("GET", "/1/incidents"),
        ("POST", "/1/incidents/1/close"),
    ],
)
def test_a_clerk_without_the_right_is_told_so(tmp_path: Path, method: str, path: str) -> None:
    town = Town(tmp_path, FULL)
    settings = (tmp_path / "relay.toml").read_text().replace('may = ["books", "duty", "revoke"]', "may = []")
    (tmp_path / "relay.toml").write_text(settings)
    town.restart()
    assert clerk(town, method, path).json()["key"] == "relay.not_allowed"


def test_the_day_of_a_bus_is_one_page(town: Town) -> None:
    on = carried(town)
    on.bus.fact(link.DutyChanged, mode=DutyMode.CITY_HALL, why=DutyCause.TIMETABLE, since=MORNING)
    lists(on.bus)
    on.bus.fact(people.SignedIn, who="c-1", how=How.PIN, on=True, at=MORNING)
    town.relay.clerk_desk.cancel("clerk-1", on.name)
    later(town, 8 * HOUR)
    seen = clerk(town, "GET", "/1/buses/bus-1/day").json()
    (session,) = seen["sessions"]
    assert (session["stop"], session["slot"], session["why_ended"]) == ("hall", 3, "idle")
    assert [(one["check_word"], one["state"]) for one in session["documents"]] == [(str(on.job.check_word), "canceled")]
    assert [(one["mode"], one["why"]) for one in seen["duty"]] == [("city_hall", "timetable")]
    assert [(line["received"], line["left"]) for line in seen["sheets"]] == [(5000, 5000)]
    assert [(one["who"], one["present"]) for one in seen["on_board"]] == [("c-1", True)]
    assert [(one["which"], one["completed_at"] is None) for one in seen["checklists"]] == [
        ("opening", False),
        ("closing", True),
    ]
    assert [one["detail"] for one in seen["incidents"]] == [f"closing {DAY}"]
    for language, words in (
        (Language.JAPANESE, ("窓口対応", "終業点検", "届いていません")),
        (Language.ENGLISH, ("missing",)),
    ):
        page = people_text.day(seen, language)
        assert str(on.job.check_word) in page
        assert all(word in page for word in words)


@pytest.mark.parametrize(
    "day", ["2026-11-31", "20261121", "2026-W47-6", "", "x" * 5000, "0001-01-01", "９９９９-01-01"]
)
def test_a_day_that_is_none_is_said_so(town: Town, day: str) -> None:
    for path in ("day", "checklists"):
        answer = clerk(town, "GET", f"/1/buses/bus-1/{path}", params={"day": day})
        assert (answer.status_code, answer.json()["key"]) == (400, "relay.request")
    assert clerk(town, "GET", "/1/buses/nowhere/day").json()["key"] == "relay.unknown_place"


def test_an_incident_is_listed_and_closed_by_a_person_with_a_word(town: Town) -> None:
    synced(town, desk_bus(town))
    later(town, HOUR)
    (one,) = clerk(town, "GET", "/1/incidents", params={"bus": "bus-1"}).json()["incidents"]
    assert f"届いていません (opening {DAY})  未解決" in people_text.incidents([one], Language.JAPANESE)
    closed = clerk(town, "POST", f"/1/incidents/{one['n']}/close", json={"why": "explained"}).json()
    assert (closed["closed_by"], closed["closed_why"]) == ("clerk-1", "explained")
    assert clerk(town, "GET", "/1/incidents").json()["incidents"] == []
    assert len(clerk(town, "GET", "/1/incidents", params={"all": "true"}).json()["incidents"]) == 1
    for number in ("99", "0", "-1", "9" * 30, "x", "9" * 5000):
        answer = clerk(town, "POST", f"/1/incidents/{number}/close", json={"why": "explained"})
        assert (answer.status_code, answer.json()["key"]) == (404, "relay.not_found")


def test_every_kind_of_incident_has_its_words() -> None:
    assert day_words.INCIDENTS.keys() == set(What)


# --- the test page ---


def test_page(town: Town, session: str, **request: Any) -> httpx.Response:
    headers = {"Submission": request.pop("submission", "0" * 32)}
    return clerk(town, "POST", f"/1/sessions/{session}/test-page", headers=headers, **request)


test_page.__test__ = False  # type: ignore[attr-defined]


def test_the_test_page_is_a_document_like_any_other(town: Town) -> None:
    session = town.session()
    answer = test_page(town, session.session)
    job = answer.json()
    assert (answer.status_code, job["service"], job["approved"]) == (201, "test-page", False)
    assert job["check_word"]
    assert test_page(town, session.session).json()["job"] == job["job"], "the same submission is the same page"
    second = test_page(town, session.session, submission="1" * 32, params={"approve": "true"}).json()
    assert (second["approved"], second["resend_of"]) == (True, job["job"])
    assert town.state(job["job"]) is JobState.SEALED


def test_the_test_page_needs_the_clerks_own_live_session_and_a_service(town: Town, tmp_path: Path) -> None:
    session = town.session()
    headers = {"Submission": "0" * 32}
    path = f"/1/sessions/{session.session}/test-page"
    assert clerk(town, "POST", path, who="clerk-2", headers=headers).json()["key"] == "relay.no_session"
    assert clerk(town, "POST", path, headers={"Submission": "x"}).json()["key"] == "relay.request"
    (tmp_path / "without").mkdir()
    plain = Town(tmp_path / "without")
    assert test_page(plain, plain.session().session).json()["key"] == "relay.no_test_service"


def test_of_several_test_services_the_one_called_test_page_is_taken(town: Town) -> None:
    city = town.relay.city.city
    service = city.services["test-page"]
    both = msgspec.structs.replace(city, services={"another": service, "test-page": service})
    assert trial_page.service_of(both) == "test-page"
    only = msgspec.structs.replace(city, services={"another": service})
    assert trial_page.service_of(only) == "another"


def test_the_page_passes_our_own_intake() -> None:
    report = asyncio.run(check(trial_page.document(), IntakeLimits(), None))
    assert (report.pages, report.document_format) == (1, "application/pdf")
    assert (round(report.sizes[0].width_mm), round(report.sizes[0].height_mm)) == (210, 297)
