"""The day's tour on the bus: where it stands, its slots, who rings, how a visit ended, and what the visitor thought of it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent import cli, client
from bus_agent.agent.panic import Panic
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import LinkError, NobodySignedInError, NoStopHereError, NoVisitError, UnknownStopError
from bus_agent.shown import CallShown, VisitShown
from cityhall_base.errors import StoreError
from cityhall_base.timetable import Timetable
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages.relay import Refusal, SessionReceipt, SessionView
from cityhall_wire.messages.visit import DayPlan, Slot, day_digest
from cityhall_wire.modes import DutyCause, DutyMode
from tests.relay_city import in_memory
from tests.unit.local_api import ask
from tests.unit.on_board import CONCIERGES, OnBoard
from tests.unit.test_bus_store import SESSION, on_duty, ready
from tests.unit.test_timetable import at

M = DutyMode
MORE = b"""
[sections.welfare]
name = "welfare"
name_en = "Welfare"
phone = "0265-00-1103"
deputy = "citizen"
video_guest = "https://video.example/welfare"
[stops.school]
name = "school"
district = "south"
latitude = 35.6
longitude = 138.0
"""
SLOTS = (
    Slot(slot=4, start=660, end=690, stop="school", section="tax"),
    Slot(slot=3, start=630, end=660, stop="hall", section="citizen"),
)
NAMED = day_digest(SLOTS)


@pytest.fixture
def bus() -> Iterator[OnBoard]:
    with in_memory("tour-") as top:
        bus = OnBoard(top, MORE)
        on_duty(bus)
        yield bus


# --- where it stands ---


def test_arriving_opens_the_counter_that_was_on_the_way_in_one_event(bus: OnBoard) -> None:
    on_duty(bus, M.ON_THE_WAY)
    bus.tour.stops.arrive("school")
    assert (bus.tour.stops.now, bus.duty.mode) == ("school", M.CITY_HALL)
    assert [(kind, said.get("mode") or said.get("stop")) for kind, said in bus.said()] == [
        ("duty-changed", "city_hall"),
        ("at-stop", "school"),
    ]


def test_a_disk_that_does_not_take_the_stop_opens_no_counter(bus: OnBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    on_duty(bus, M.ON_THE_WAY)
    real = bus.store.put

    def full(name: str, value: bytes) -> None:
        if name == "stop":
            raise StoreError("full")
        real(name, value)

    monkeypatch.setattr(bus.store, "put", full)
    with pytest.raises(StoreError):
        bus.tour.stops.arrive("school")
    assert (bus.tour.stops.now, bus.duty.mode, bus.said()) == ("", M.ON_THE_WAY, [])
    bus.restart()
    assert (bus.tour.stops.now, bus.duty.mode) == ("", M.ON_THE_WAY)


def test_the_stop_is_kept_over_a_power_cut_and_said_once(bus: OnBoard) -> None:
    for _ in range(2):
        bus.tour.stops.arrive("hall")
    bus.reboot()
    assert bus.tour.stops.now == "hall"
    assert [said["stop"] for kind, said in bus.said() if kind == "at-stop"] == ["hall"]


def test_going_on_closes_a_counter_and_nothing_else(bus: OnBoard) -> None:
    bus.tour.stops.arrive("hall")
    bus.tour.stops.leave()
    assert (bus.tour.stops.now, bus.duty.mode) == ("", M.ON_THE_WAY)
    assert [said["stop"] for kind, said in bus.said() if kind == "at-stop"] == ["hall", None]
    on_duty(bus, M.DISASTER)
    bus.tour.stops.arrive("hall")
    bus.tour.stops.leave()
    assert (bus.tour.stops.now, bus.duty.mode) == ("", M.DISASTER)


@pytest.mark.parametrize("mode", [M.ROUTE_BUS, M.MAINTENANCE])
def test_where_nobody_looks_where_the_vehicle_is_there_is_no_stop(bus: OnBoard, mode: DutyMode) -> None:
    bus.tour.stops.arrive("hall")
    bus.roster.change(mode)
    assert bus.tour.stops.now == ""
    assert [said["stop"] for kind, said in bus.said() if kind == "at-stop"] == ["hall", None]
    with pytest.raises(NoStopHereError):
        bus.tour.stops.arrive("hall")


def test_the_timetables_end_forgets_the_stop_too(tmp_path: Path) -> None:
    by_hand = Timetable(duty_from="08:30", duty_until="15:30", weekdays=(6,), enters=False)
    bus = OnBoard(tmp_path, MORE, timetable=by_hand)
    bus.roster.change(M.CITY_HALL)
    bus.tour.stops.arrive("hall")
    bus.clock.now = at("2026-11-21T15:30:00")
    bus.roster.look()
    assert (bus.duty.mode, bus.tour.stops.now) == (M.ROUTE_BUS, "")


def test_a_bus_that_drives_stands_at_no_stop(bus: OnBoard) -> None:
    bus.tour.stops.arrive("hall")
    bus.roster._become(M.ON_THE_WAY, DutyCause.MOVEMENT)
    assert bus.tour.stops.now == ""


def test_a_stop_that_the_city_has_not_got_is_refused_and_one_that_it_gave_up_is_not_shown(bus: OnBoard) -> None:
    with pytest.raises(UnknownStopError):
        bus.tour.stops.arrive("moon")
    with bus.store.event():
        bus.store.put("stop", b"moon")
    assert bus.tour.stops.now == ""


def test_arriving_asks_who_is_on_board_and_leaving_does_not(tmp_path: Path) -> None:
    bus = OnBoard(tmp_path, MORE + CONCIERGES)
    on_duty(bus, M.ON_THE_WAY)
    with pytest.raises(NobodySignedInError):
        bus.tour.stops.arrive("hall")
    assert bus.duty.mode is M.ON_THE_WAY
    on_duty(bus)
    bus.tour.stops.leave()
    assert bus.duty.mode is M.ON_THE_WAY


# --- the slots of the day ---


def day_plan(bus: OnBoard, slots: tuple[Slot, ...] = SLOTS, day: str = "2026-11-21") -> DayPlan:
    return DayPlan(v=1, city="hase", bus="bus-1", re=bytes(32), at=bus.clock.now, day=day, slots=slots)


def look(bus: OnBoard) -> None:
    asyncio.run(bus.tour.slots.look())


def slots_of(bus: OnBoard) -> list[int]:
    return [one.slot for one in bus.tour.slots.shown("").slots]


def test_slots_that_the_plan_names_are_asked_for_once_and_shown_by_start(bus: OnBoard) -> None:
    bus.line.answer = day_plan(bus)
    for _ in range(2):
        bus.plan(day=NAMED)
        look(bus)
    assert (slots_of(bus), len(bus.line.asked)) == ([3, 4], 1)
    bus.restart()
    bus.plan(day=NAMED)
    look(bus)
    assert (slots_of(bus), len(bus.line.asked)) == ([3, 4], 1)


def test_a_plan_without_slots_and_the_next_day_leave_none(bus: OnBoard) -> None:
    bus.line.answer = day_plan(bus)
    bus.plan(day=NAMED)
    look(bus)
    bus.plan()
    assert (slots_of(bus), bus.tour.slots._kept.day) == ([], "")
    bus.plan(day=NAMED)
    look(bus)
    assert slots_of(bus) == [3, 4]
    bus.clock.forward(24 * 3600)
    assert slots_of(bus) == []
    bus.line.answer = day_plan(bus, day="2026-11-22")
    bus.plan(day=NAMED)  # the same numbers, and another day
    look(bus)
    assert (slots_of(bus), len(bus.line.asked)) == ([3, 4], 3)


def refusal(bus: OnBoard) -> Refusal:
    return Refusal(v=1, city="hase", bus="bus-1", re=bytes(32), at=1, reason="not_understood")


@pytest.mark.parametrize(
    "answer",
    [
        refusal,
        lambda bus: day_plan(bus, SLOTS[:1]),
        lambda bus: day_plan(bus, (SLOTS[0], SLOTS[0])),
        lambda bus: day_plan(bus, day="2026-11-22"),
    ],
    ids=["refused", "others than the plan named", "one twice", "of another day"],
)
def test_what_is_not_given_is_not_asked_for_in_a_loop(bus: OnBoard, answer: Callable[[OnBoard], Any]) -> None:
    bus.line.answer = answer(bus)
    for _ in range(5):
        bus.plan(day=NAMED)
        look(bus)
        look(bus)
    assert (slots_of(bus), len(bus.line.asked)) == ([], 1)
    bus.line.answer = day_plan(bus, SLOTS[:1])
    bus.plan(day=day_digest(SLOTS[:1]))
    look(bus)
    assert slots_of(bus) == [4], "others are asked for"


@pytest.mark.parametrize(
    "slots",
    [(SLOTS[0], SLOTS[0]), (Slot(slot=1, start=60, end=60, stop="hall", section="tax"),)],
    ids=["twice", "empty"],
)
def test_slots_that_cannot_be_are_not_taken(bus: OnBoard, slots: tuple[Slot, ...]) -> None:
    bus.line.answer = day_plan(bus, slots)
    bus.plan(day=day_digest(slots))
    look(bus)
    assert slots_of(bus) == []


def test_a_line_that_fails_is_asked_again_with_the_next_plan_only(bus: OnBoard) -> None:
    bus.plan(day=NAMED)
    with pytest.raises(LinkError):
        look(bus)
    look(bus)
    assert len(bus.line.asked) == 1
    bus.line.answer = day_plan(bus)
    bus.plan(day=NAMED)
    look(bus)
    assert slots_of(bus) == [3, 4]


def test_a_slot_at_a_stop_that_this_bus_does_not_know_is_not_shown(bus: OnBoard) -> None:
    slots = (*SLOTS, Slot(slot=5, start=700, end=710, stop="moon", section="tax"))
    bus.line.answer = day_plan(bus, slots)
    bus.plan(day=day_digest(slots))
    look(bus)
    assert slots_of(bus) == [3, 4]


# --- the call, and the visit ---


def session(clerk: str | None = None, **changed: Any) -> SessionView:
    fields: dict[str, Any] = {"session": SESSION, "section": "welfare", "stop": "hall", "slot": 3, "seconds_left": 120}
    return SessionView(clerk=clerk, **fields | changed)


def receipt() -> SessionReceipt:
    return SessionReceipt(v=1, city="hase", bus="bus-1", re=bytes(32), at=1, session=None)


def call(bus: OnBoard, section: str = "welfare") -> str:
    """She presses the section's key: the session that city hall heard of."""
    bus.line.answer = receipt()
    asyncio.run(bus.commands.call(section, "hall", 3))
    return str(bus.line.asked[-1]["session"])


def test_a_call_rings_at_once_and_after_a_while_at_the_deputy_too(bus: OnBoard) -> None:
    assert bus.tour.ringing.shown() is None
    name = call(bus)
    assert bus.tour.ringing.shown() == CallShown(section="welfare", then="", waited_s=0, left_s=120)
    bus.plan(session=session(session=name))
    bus.clock.forward(39)
    assert bus.tour.ringing.shown() == CallShown(section="welfare", then="", waited_s=39, left_s=81)
    bus.clock.forward(1)
    assert bus.tour.ringing.shown() == CallShown(section="welfare", then="citizen", waited_s=40, left_s=80)
    bus.reboot()
    assert bus.tour.ringing.shown() is None, "nobody knows before city hall has spoken"
    bus.plan(session=session(session=name, seconds_left=60))
    assert bus.tour.ringing.shown() == CallShown(section="welfare", then="citizen", waited_s=60, left_s=60)
    bus.plan(session=session("clerk-1", session=name, seconds_left=900))
    assert bus.tour.ringing.shown() is None


def test_a_section_without_a_deputy_rings_alone(bus: OnBoard) -> None:
    bus.plan(session=session(section="tax", seconds_left=1))
    assert bus.tour.ringing.shown() == CallShown(section="tax", then="", waited_s=119, left_s=1)


def test_time_alone_makes_a_call_news_and_its_end_is_asked_for_once(bus: OnBoard) -> None:
    bus.plan(session=session(seconds_left=81))
    ringing, woken, edges = bus.tour.ringing, bus.line.woken, []
    while (edge := ringing._edge()) is not None:
        edges.append(edge)
        bus.clock.forward(edge)
        ringing._ask_whether_over()
    assert (edges, bus.line.woken) == ([1, 80], woken + 1)


async def eventually(holds: Callable[[], bool]) -> None:
    """A few turns of the loop are enough: nothing here waits for anybody."""
    for _ in range(100):
        await asyncio.sleep(0)
        if holds():
            return
    raise AssertionError("it did not come")


def test_the_machine_asks_for_slots_and_for_the_end_of_a_call_by_itself(bus: OnBoard) -> None:
    async def day() -> None:
        running = asyncio.create_task(bus.tour.run())
        bus.plan(day=NAMED)
        bus.line.planned.beat()
        await eventually(lambda: len(bus.line.asked) == 1)  # and the line fails
        bus.line.answer = day_plan(bus)
        bus.plan(day=NAMED, session=session(seconds_left=0))
        woken = bus.line.woken
        bus.line.planned.beat()
        await eventually(lambda: slots_of(bus) == [3, 4] and bus.line.woken > woken)
        assert not running.done()
        running.cancel()

    asyncio.run(day())


def visit(**changed: Any) -> VisitShown:
    fields: dict[str, Any] = {"session": SESSION, "section": "welfare", "stop": "hall", "slot": 3}
    return VisitShown(**fields | {"unanswered": False, "ended_here": False, "feedback": True} | changed)


def test_a_visit_that_city_hall_ended_is_shown_until_she_has_seen_it(bus: OnBoard) -> None:
    for clerk in (None, "clerk-1"):
        bus.plan(session=session(clerk))
    assert bus.tour.visits.shown() is None
    bus.plan()
    assert bus.tour.visits.shown() == visit()
    bus.reboot()
    assert bus.tour.visits.shown() == visit()
    for _ in range(2):
        bus.tour.visits.seen()
    assert bus.tour.visits.shown() is None


def test_an_end_that_came_while_the_box_was_off_is_shown(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.reboot()
    bus.plan()
    assert bus.tour.visits.shown() == visit()


def test_a_call_that_nobody_took_is_no_visit_to_be_judged(bus: OnBoard) -> None:
    bus.plan(session=session())
    bus.plan()
    assert bus.tour.visits.shown() == visit(unanswered=True, feedback=False)
    assert bus.tour.slots.shown("").done == ()
    with pytest.raises(NoVisitError):
        bus.tour.visits.feedback(3)


def test_the_concierges_own_end_is_said_to_be_hers(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.commands.end_session()
    assert bus.tour.visits.shown() == visit(ended_here=True)
    bus.plan(session=session("clerk-1"))  # it was on its way
    bus.plan()
    assert bus.tour.visits.shown() == visit(ended_here=True)


def test_a_call_that_she_gave_up_is_one_that_nobody_took(bus: OnBoard) -> None:
    bus.plan(session=session())
    bus.commands.end_session()
    assert bus.tour.visits.shown() == visit(unanswered=True, ended_here=True, feedback=False)


def test_a_call_that_gives_way_to_the_next_leaves_nothing_to_be_shown(bus: OnBoard) -> None:
    bus.plan(session=session())
    name = call(bus, "tax")
    assert bus.tour.visits.shown() is None
    bus.plan(session=session(session=name, section="tax"))
    assert bus.tour.visits.shown() is None
    bus.plan()
    assert bus.tour.visits.shown() == visit(session=name, section="tax", unanswered=True, feedback=False)


def test_a_call_that_ended_before_any_plan_showed_it_is_the_one_that_nobody_took(bus: OnBoard) -> None:
    bus.plan(session=session())
    name = call(bus, "tax")
    bus.plan()
    assert bus.tour.visits.shown() == visit(session=name, section="tax", unanswered=True, feedback=False)


def test_the_next_call_ends_what_was_still_shown(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.plan()
    call(bus)
    assert bus.tour.visits.shown() is None
    bus.plan(session=session("clerk-1", session="s" + "2" * 24))
    assert bus.tour.visits.shown() is None


def leave_duty(bus: OnBoard) -> None:
    bus.roster.change(M.ROUTE_BUS)
    on_duty(bus)  # as if it came back at once


def press_panic(bus: OnBoard) -> None:
    Panic(bus.store, bus.bodies, bus.duty, bus.roster, bus.scribe, cast(Syncer, bus.line)).press()


def lock(bus: OnBoard) -> None:
    bus.plan(locked="clock_wrong")


@pytest.mark.parametrize("vanish", [leave_duty, press_panic, lock])
def test_a_session_that_goes_with_the_duty_or_a_lock_leaves_nothing_to_be_shown(
    bus: OnBoard, vanish: Callable[[OnBoard], None]
) -> None:
    bus.plan(session=session("clerk-1"))
    vanish(bus)
    bus.plan()
    bus.reboot()
    bus.plan()
    assert bus.tour.visits.shown() is None
    with pytest.raises(NoVisitError):
        bus.tour.visits.feedback(3)


def test_leaving_duty_makes_the_screen_neutral_at_once(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.plan()
    bus.roster.change(M.ROUTE_BUS)
    assert bus.tour.visits.shown() is None


def test_a_visit_of_yesterday_is_shown_to_nobody(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.plan()
    bus.clock.forward(24 * 3600)
    assert bus.tour.visits.shown() is None
    bus.plan(session=session("clerk-1", session="s" + "3" * 24))
    bus.clock.forward(24 * 3600)
    bus.plan()
    assert bus.tour.visits.shown() is None


def test_a_slot_is_done_when_a_clerk_has_taken_its_call(bus: OnBoard) -> None:
    bus.plan(session=session())
    assert bus.tour.slots.shown("").done == ()
    for clerk in ("clerk-1", "clerk-1", "clerk-2"):
        bus.plan(session=session(clerk))
    bus.plan(session=session("clerk-1", session="s" + "2" * 24, slot=0))
    assert bus.tour.slots.shown("").done == (3,)
    bus.reboot()
    assert bus.tour.slots.shown("").done == (3,)
    bus.clock.forward(24 * 3600)
    assert bus.tour.slots.shown("").done == ()


def test_the_visitors_voice_is_heard_once(bus: OnBoard) -> None:
    bus.plan(session=session("clerk-1"))
    bus.plan()
    bus.tour.visits.feedback(2)
    assert bus.tour.visits.shown() == visit(feedback=False)
    bus.reboot()
    with pytest.raises(NoVisitError):
        bus.tour.visits.feedback(3)
    ((kind, said),) = bus.said()
    assert (kind, said["session"], said["face"]) == ("feedback", SESSION, 2)


# --- a check word that differs ---


def test_a_check_word_that_differs_is_kept_beside_the_document_and_said(bus: OnBoard) -> None:
    name = ready(bus)
    bus.commands.refuse(name, "check_word")
    job = bus.store.job(name)
    assert (job.state, job.why) == (JobState.REFUSED, "check_word")
    assert [(kind, said["why"]) for kind, said in bus.said()] == [("refused", "check_word")]


# --- the local API and its commands ---


def test_the_local_api_does_all_of_it(bus: OnBoard) -> None:
    assert ask(bus.tour, "POST", "/v1/arrive", b'{"stop": "school"}').status_code == 200
    assert bus.tour.stops.now == "school"
    assert ask(bus.tour, "POST", "/v1/leave").status_code == 200
    on_duty(bus)
    bus.plan(session=session("clerk-1"))
    bus.plan()
    assert ask(bus.tour, "POST", "/v1/feedback", b'{"face": 3}').status_code == 200
    again = ask(bus.tour, "POST", "/v1/feedback", b'{"face": 3}')
    assert (again.status_code, again.json()["key"]) == (409, "refused.no_visit")
    assert ask(bus.tour, "POST", "/v1/visit/seen").status_code == 200
    assert bus.tour.visits.shown() is None


def test_the_local_api_says_of_the_city_what_a_screen_shows(bus: OnBoard) -> None:
    city = ask(bus.tour, "GET", "/v1/city").json()
    assert city["config"] == bus.file.digest.hex()
    assert [one["section"] for one in city["sections"]] == ["citizen", "tax", "welfare"]
    assert city["sections"][2]["video"] == "https://video.example/welfare"
    assert city["papers"] == [{"paper": "controlled", "name": "controlled", "numbered": True}]
    assert (city["bus"], city["extension_min"]) == ("bus 1", 30)
    assert city["stops"] == [{"stop": "hall", "name": "hall"}, {"stop": "school", "name": "school"}]
    assert "latitude" not in str(city)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("arrive", b'{"stop": "hall", "also": "' + b"x" * 1_000_000 + b'"}', 413),
        ("arrive", b'{"stop": "moon"}', 409),
        ("arrive", b'{"stop": "../hall"}', 400),
        ("arrive", b'{"stop": null}', 400),
        ("arrive", b'{"stop": "hall", "slot": 1}', 400),
        ("arrive", b"[" * 10_000, 400),
        ("arrive", b"", 400),
        ("feedback", b'{"face": 0}', 400),
        ("feedback", b'{"face": 4}', 400),
        ("feedback", b'{"face": "3"}', 400),
        ("feedback", b'{"face": 3, "why": "name of a resident"}', 400),
        ("feedback", b'{"face": 1e99}', 400),
    ],
)
def test_whatever_is_typed_of_stop_and_visit_costs_a_sentence(
    bus: OnBoard, path: str, body: bytes, status: int
) -> None:
    bus.plan(session=session("clerk-1"))
    bus.plan()
    answer = ask(bus.tour, "POST", f"/v1/{path}", body)
    assert (answer.status_code, answer.json().keys() >= {"key", "sentence"}) == (status, True)
    assert (bus.tour.stops.now, bus.tour.visits.shown(), bus.said()) == ("", visit(), [])


@pytest.mark.parametrize(
    ("line", "url", "body"),
    [
        ("arrive hall", "arrive", {"stop": "hall"}),
        ("leave", "leave", None),
        ("feedback 2", "feedback", {"face": 2}),
        ("seen", "visit/seen", None),
    ],
)
def test_each_command_is_one_request(line: str, url: str, body: dict[str, Any] | None) -> None:
    assert client.request(cli.parser().parse_args(line.split())) == ("POST", f"/v1/{url}", body)
