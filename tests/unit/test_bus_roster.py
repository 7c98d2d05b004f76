"""The duty by the clock, on the bus: what enters it, what ends it whatever anybody does, and what city hall is told."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bus_agent.agent.advice import advise, printer_empty
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import (
    BusyError,
    ExtensionRefusedError,
    ModeForbidsError,
    NoBookingsError,
    NoSessionHereError,
    OutsideHoursError,
)
from cityhall_base.errors import StoreError
from cityhall_base.timetable import MINUTE_MS, SpecialDay, Timetable
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages.relay import Lease, Noted, Refusal
from cityhall_wire.modes import DutyCause, DutyMode
from tests.unit.test_bus_commands import commands, said
from tests.unit.test_bus_store import SESSION, Bus, on_duty, ready, session_view
from tests.unit.test_timetable import at

M = DutyMode
UP = LinkState(up=True, since_ms=0)
BY_HAND = Timetable(duty_from="08:30", duty_until="15:30", enters=False)
BY_ITSELF = Timetable(
    duty_from="08:30",
    duty_until="15:30",
    holidays=("2026-11-23",),
    special={"2026-11-28": SpecialDay(duty_from="10:00")},
)
TUESDAY = "2026-11-24T"


class Day(Bus):
    """A bus on its own clock, which also counts boottime by hand: a wall clock may be set, that one goes on."""

    def __init__(self, top: Path, timetable: Timetable, now: str, **more: Any) -> None:
        self._start = now
        super().__init__(top, timetable, **more)

    def _open(self) -> None:
        if self._start:
            self.clock.now, self._start = at(self._start), ""
        super()._open()

    def goes_to(self, text: str) -> None:
        """Time passes until then, and the machine looks."""
        self.clock.now = at(text)
        self.roster.look()

    def mode(self) -> DutyMode:
        return self.duty.mode

    @property
    def told(self) -> list[tuple[str, str]]:
        """Mode and cause of everything that city hall is told of the duty."""
        return [(payload["mode"], payload["why"]) for kind, payload in said(self) if kind == "duty-changed"]


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path, BY_HAND, TUESDAY + "09:00:00")


# --- leaving ---


@pytest.mark.parametrize("mode", [M.CITY_HALL, M.EVENT, M.ON_THE_WAY])
def test_at_the_end_of_the_hours_a_timed_mode_is_left_to_the_second(day: Day, mode: DutyMode) -> None:
    day.roster.change(mode)
    day.goes_to(TUESDAY + "15:29:59.999")
    assert day.mode() is mode
    day.goes_to(TUESDAY + "15:30:00")
    assert (day.mode(), day.told) == (M.ROUTE_BUS, [(mode, "concierge"), (M.ROUTE_BUS, "timetable")])


@pytest.mark.parametrize("mode", [M.DISASTER, M.MAINTENANCE, M.COURSE, M.EARLY_VOTING])
def test_a_mode_without_hours_stays(day: Day, mode: DutyMode) -> None:
    day.roster.change(mode)
    day.goes_to(TUESDAY + "23:59:59")
    assert day.mode() is mode


def test_no_print_begins_between_the_end_of_the_hours_and_the_look_at_them(day: Day) -> None:
    name = ready(day)
    day.clock.now = at(TUESDAY + "15:30:00")
    day.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    with pytest.raises(ModeForbidsError):
        day.duty.check(day.store.job(name))
    assert day.duty.why_end(day.store.job(name)) == "mode_left"


def test_leaving_ends_the_session_and_its_documents_at_once_and_says_so_in_order(day: Day) -> None:
    waiting = ready(day)
    printing = day.on_bus()
    for event in (Event.RELEASE, Event.SENDING):
        with day.store.event():
            day.store.step(printing, event, By.PRINT_KEY)
    day.goes_to(TUESDAY + "15:30:00")
    assert day.duty.session is None
    assert (day.store.job(waiting).state, day.store.job(waiting).why) == (JobState.CANCELED, "mode_left")
    assert day.duty.why_end(day.store.job(printing)) == "mode_left", "the guard cancels it at the printer"
    assert [kind for kind, _ in said(day)] == ["duty-changed", "session-end"]
    day.plan(session=session_view())
    assert day.duty.session is None, "a plan of before does not bring it back"


def test_the_documents_of_a_session_that_is_not_known_again_yet_die_too(day: Day) -> None:
    waiting = ready(day)
    day.restart()
    assert day.duty.session is None
    day.roster.leave(DutyCause.PANIC)
    assert day.store.job(waiting).state is JobState.CANCELED
    assert [kind for kind, _ in said(day)] == ["duty-changed", "session-end"]
    assert said(day)[1][1]["session"] == SESSION


def test_going_from_one_counter_to_another_keeps_the_session(day: Day) -> None:
    waiting = ready(day)
    day.roster.change(M.EVENT)
    assert day.duty.session is not None
    day.roster.change(M.DISASTER)
    assert day.duty.session is None
    assert day.store.job(waiting).state is JobState.CANCELED


def test_a_full_disk_keeps_nobody_on_duty(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, real = ready(day), day.store.put

    def full(name: str, value: bytes) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(day.store, "put", full)
    day.clock.now = at(TUESDAY + "15:30:00")
    with pytest.raises(StoreError):
        day.roster.look()
    assert (day.mode(), day.duty.session) == (M.ROUTE_BUS, None)
    assert not day.roster.noted
    with pytest.raises(StoreError):
        day.roster.look()
    with pytest.raises(StoreError):
        day.roster.change(M.DISASTER)
    assert day.mode() is M.ROUTE_BUS, "what permits more is written down first"
    monkeypatch.setattr(day.store, "put", real)
    day.roster.look()
    assert day.told == [(M.ROUTE_BUS, "timetable")]
    assert day.store.job(waiting).state is JobState.CANCELED


def test_what_the_printer_still_holds_keeps_the_status_from_reading_safe(day: Day) -> None:
    name = ready(day)
    assert printer_empty(day.store.jobs())
    for event in (Event.RELEASE, Event.SENDING):
        with day.store.event():
            day.store.step(name, event, By.PRINT_KEY, request=b"r")
    day.goes_to(TUESDAY + "15:30:00")
    assert not printer_empty(day.store.jobs())
    assert advise(day.store.jobs(), day.duty, UP).key == "do.leave_printer"
    for why in ("cancel_unconfirmed", "printer_silent", "spooler_gone", "relay_doubts"):
        with day.store.event():
            day.store._write(day.store.job(name), {"state": JobState.UNCERTAIN, "why": why})
        assert not printer_empty(day.store.jobs())
        assert advise(day.store.jobs(), day.duty, UP).key == "do.switch_off", why
    with day.store.event():
        day.store.step(name, Event.NOTHING_CAME_OUT, By.CONCIERGE)
    assert printer_empty(day.store.jobs())


# --- entering ---


def test_the_concierge_enters_within_the_hours_only_and_hears_what_to_do(day: Day) -> None:
    for instant in ("08:29:59", "15:30:00", "23:00:00"):
        day.goes_to(TUESDAY + instant)
        with pytest.raises(OutsideHoursError, match="have city hall extend them"):
            day.roster.change(M.CITY_HALL)
        assert day.mode() is M.ROUTE_BUS
    day.goes_to(TUESDAY + "08:30:00")
    day.roster.change(M.CITY_HALL)
    assert (day.mode(), day.told) == (M.CITY_HALL, [(M.CITY_HALL, "concierge")])


def test_the_timetable_begins_the_duty_once_a_day(tmp_path: Path) -> None:
    day = Day(tmp_path, BY_ITSELF, TUESDAY + "06:30:00")
    day.goes_to(TUESDAY + "08:29:59")
    assert day.mode() is M.ROUTE_BUS
    day.goes_to(TUESDAY + "08:30:00")
    assert day.mode() is M.CITY_HALL
    day.goes_to(TUESDAY + "14:00:00")
    day.roster.change(M.ROUTE_BUS)  # an early end
    for instant in ("14:00:01", "15:00:00"):
        day.goes_to(TUESDAY + instant)
        assert day.mode() is M.ROUTE_BUS, "it does not begin again"
    day.restart()
    day.goes_to(TUESDAY + "15:29:59")
    assert day.mode() is M.ROUTE_BUS, "nor after a restart"
    day.goes_to("2026-11-25T08:30:00")
    assert day.mode() is M.CITY_HALL
    assert [why for _, why in day.told] == ["timetable", "concierge", "timetable"]


@pytest.mark.parametrize(
    ("instant", "mode"),
    [
        ("2026-11-23T09:00:00", M.ROUTE_BUS),  # a holiday
        ("2026-11-22T09:00:00", M.ROUTE_BUS),  # a Sunday
        ("2026-11-28T09:59:59", M.ROUTE_BUS),
        ("2026-11-28T10:00:00", M.CITY_HALL),  # a Saturday's event
        (TUESDAY + "11:00:00", M.CITY_HALL),  # the box was started late
    ],
)
def test_the_timetable_knows_its_days(tmp_path: Path, instant: str, mode: DutyMode) -> None:
    day = Day(tmp_path, BY_ITSELF, instant)
    day.roster.look()
    assert day.mode() is mode


def test_the_timetable_takes_no_other_mode_away(tmp_path: Path) -> None:
    day = Day(tmp_path, BY_ITSELF, TUESDAY + "08:00:00")
    day.roster.change(M.MAINTENANCE)
    day.goes_to(TUESDAY + "08:30:00")
    assert day.mode() is M.MAINTENANCE
    day.roster.change(M.ROUTE_BUS)
    day.goes_to(TUESDAY + "08:30:01")
    assert day.mode() is M.ROUTE_BUS, "that day's beginning is over"


# --- restarts and wrong clocks ---


@pytest.mark.parametrize(
    ("instant", "mode"),
    [(TUESDAY + "15:29:59", M.CITY_HALL), (TUESDAY + "15:30:00", M.ROUTE_BUS), ("2026-11-25T03:00:00", M.ROUTE_BUS)],
)
def test_after_a_restart_the_mode_holds_where_the_hours_do(day: Day, instant: str, mode: DutyMode) -> None:
    day.roster.change(M.CITY_HALL)
    day.clock.now = at(instant)
    day.restart()
    assert not day.duty.lease_left_s
    day.roster.look()
    assert day.mode() is mode


class Set(Day):
    """A wall clock that somebody sets, while the seconds since boot go on."""

    def _open(self) -> None:
        super()._open()
        clock, self.up = self.clock, 1000.0
        clock.boottime = lambda: self.up  # type: ignore[method-assign]
        self.restarted()

    def restarted(self) -> None:
        self.roster.hours._known_at = self.up

    def passes(self, seconds: float, set_by_s: float = 0) -> None:
        """Time goes on; the wall clock is set as well."""
        self.up += seconds
        self.clock.now += int((seconds + set_by_s) * 1000)
        self.roster.look()


def test_a_clock_that_is_set_back_by_an_hour_does_not_lengthen_the_duty(tmp_path: Path) -> None:
    day = Set(tmp_path, BY_HAND, TUESDAY + "15:00:00")
    day.roster.change(M.CITY_HALL)
    day.passes(60, set_by_s=-3600)
    assert day.mode() is M.CITY_HALL
    day.passes(29 * 60 - 1)
    assert day.mode() is M.CITY_HALL
    day.passes(1)
    assert day.mode() is M.ROUTE_BUS
    with pytest.raises(OutsideHoursError):
        day.roster.change(M.CITY_HALL)


@pytest.mark.parametrize("heard", [True, False], ids=["city hall was heard", "it was not"])
def test_a_clock_in_1970_has_no_hours(tmp_path: Path, heard: bool) -> None:
    # 1970-01-01 09:00 JST was a Thursday: by its own clock alone it would be a city hall.
    day = Set(tmp_path, BY_ITSELF, TUESDAY + "10:00:00")
    day.roster.look()
    day.plan()
    assert day.mode() is M.CITY_HALL
    if not heard:
        day.restart()
    day.clock.now = 0
    day.roster.look()
    assert day.mode() is M.ROUTE_BUS
    with pytest.raises(OutsideHoursError):
        day.roster.change(M.EVENT)


def test_a_box_that_starts_in_1970_has_no_hours_before_it_knows_better(tmp_path: Path) -> None:
    day = Set(tmp_path, BY_ITSELF, TUESDAY + "10:00:00")
    day.roster.look()
    day.plan()
    day.clock.now = 0
    day.restart()
    day.roster.look()
    assert day.mode() is M.ROUTE_BUS
    day.clock.now = at(TUESDAY + "10:30:00")
    day.roster.look()
    day.roster.change(M.CITY_HALL)
    assert day.mode() is M.CITY_HALL


def test_a_clock_that_city_hall_contradicts_is_not_believed(tmp_path: Path) -> None:
    day = Set(tmp_path, BY_HAND, TUESDAY + "10:00:00")
    day.roster.change(M.CITY_HALL)
    real, day.clock.now = day.clock.now, at(TUESDAY + "16:00:00")
    day.plan()
    day.clock.now = real
    day.roster.look()
    assert day.mode() is M.ROUTE_BUS


# --- extension ---


class Says:
    """Stands in for the line of the syncer: city hall's answer to what is asked now."""

    def __init__(self, bus: Bus, answer: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = answer
        bus.line.ask = self._ask  # type: ignore[attr-defined]

    async def _ask(self, kind: type[Any], **fields: Any) -> Any:
        self.asked.append(fields)
        return self._answer


OWN: dict[str, Any] = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": 1}


def test_more_time_is_asked_for_and_the_end_moves_with_the_plan_alone(day: Day) -> None:
    line = Says(day, Noted(**OWN))
    day.roster.change(M.CITY_HALL)
    asyncio.run(commands(day).extend(20))
    assert line.asked == [{"minutes": 20}]
    assert day.roster.hours.asked_min == 20
    day.goes_to(TUESDAY + "15:30:00")
    assert day.mode() is M.ROUTE_BUS, "the concierge alone extends nothing"
    day.plan(duty_until=at(TUESDAY + "15:50:00"))
    assert day.roster.hours.asked_min == 0
    day.roster.change(M.CITY_HALL)
    day.goes_to(TUESDAY + "15:49:59")
    assert day.mode() is M.CITY_HALL
    day.goes_to(TUESDAY + "15:50:00")
    assert day.mode() is M.ROUTE_BUS


def test_city_halls_no_is_its_own_sentence(day: Day) -> None:
    Says(day, Refusal(**OWN, reason="extended_enough"))
    with pytest.raises(ExtensionRefusedError, match="cannot end that much later") as refused:
        asyncio.run(commands(day).extend(90))
    assert refused.value.said_key == "reason.extended_enough"
    assert day.roster.hours.asked_min == 0


def test_the_bus_bounds_an_extension_again_and_keeps_it_over_a_restart(day: Day) -> None:
    day.roster.change(M.CITY_HALL)
    day.plan(duty_until=at(TUESDAY + "23:00:00"))
    day.restart()
    day.goes_to(TUESDAY + "15:59:59")
    assert day.mode() is M.CITY_HALL
    day.goes_to(TUESDAY + "16:00:00")
    assert day.mode() is M.ROUTE_BUS
    day.goes_to("2026-11-25T15:29:59")
    day.roster.change(M.CITY_HALL)
    day.goes_to("2026-11-25T15:30:00")
    assert day.mode() is M.ROUTE_BUS, "it was that day's alone"


def test_an_extension_that_city_hall_takes_back_is_over(day: Day) -> None:
    day.plan(duty_until=at(TUESDAY + "15:50:00"))
    assert day.roster.hours.extended
    day.plan()
    assert not day.roster.hours.extended
    today = day.roster.hours.today
    assert today is not None
    assert (today.end - today.start) // MINUTE_MS == 420


# --- sessions ---


@pytest.mark.parametrize("mode", [M.ROUTE_BUS, M.ON_THE_WAY, M.COURSE, M.EARLY_VOTING])
def test_nobody_is_called_in_a_mode_without_a_seat(day: Day, mode: DutyMode) -> None:
    line = Says(day, Noted(**OWN))
    on_duty(day, mode)
    with pytest.raises(NoSessionHereError):
        asyncio.run(commands(day).call("citizen", "hall", 0))
    assert line.asked == []


def test_an_event_takes_no_bookings(day: Day) -> None:
    line = Says(day, Noted(**OWN))
    on_duty(day, M.EVENT)
    with pytest.raises(NoBookingsError):
        asyncio.run(commands(day).call("citizen", "hall", 3))
    asyncio.run(commands(day).call("citizen", "hall", 0))
    assert len(line.asked) == 1


def test_a_bar_keeps_everybody_out_of_the_modes_with_a_seat(tmp_path: Path) -> None:
    day = Day(tmp_path, BY_ITSELF, TUESDAY + "08:29:00")

    def barred() -> None:
        raise BusyError

    day.roster.bars.append(barred)
    day.goes_to(TUESDAY + "08:30:00")
    assert day.mode() is M.ROUTE_BUS
    for mode in (M.CITY_HALL, M.EVENT, M.DISASTER, M.MAINTENANCE):
        with pytest.raises(BusyError):
            day.roster.change(mode)
    day.roster.change(M.ON_THE_WAY)
    day.roster.change(M.ROUTE_BUS)
    day.roster.bars.clear()
    day.goes_to(TUESDAY + "08:31:00")
    assert day.mode() is M.CITY_HALL, "when it is lifted, the day begins"
