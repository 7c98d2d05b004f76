"""The timetable as a table of instants: every edge of a day, and what a city may write."""

import re
from datetime import datetime

import pytest

from cityhall_base.city import parse_city
from cityhall_base.clock import JST
from cityhall_base.errors import ConfigError
from cityhall_base.timetable import SpecialDay, Timetable, hours_at, most_minutes
from cityhall_wire.limits import Limits
from cityhall_wire.modes import PRINTS, RULES, DutyMode, Seat, may_meet
from tests.relay_city import CITY

WEEK = Timetable(
    duty_from="08:30",
    duty_until="15:30",
    holidays=("2026-11-23",),
    special={
        "2026-11-28": SpecialDay(duty_from="10:00", duty_until="14:00"),
        "2026-11-26": SpecialDay(duty_until="12:00"),
        "2026-11-27": SpecialDay(closed=True),
        "2026-11-23": SpecialDay(),
        "2026-11-29": SpecialDay(duty_from="22:00", duty_until="24:00"),
    },
)


def at(text: str) -> int:
    """UTC milliseconds of a JST time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=JST).timestamp() * 1000)


@pytest.mark.parametrize(
    ("instant", "on_duty"),
    [
        ("2026-11-24T08:29:59.999", False),
        ("2026-11-24T08:30:00", True),
        ("2026-11-24T15:29:59.999", True),
        ("2026-11-24T15:30:00", False),
        ("2026-11-24T00:00:00", False),
        ("2026-11-24T23:59:59", False),
        ("2026-11-21T10:00:00", False),  # a Saturday
        ("2026-11-22T10:00:00", False),  # a Sunday
        ("2026-11-23T10:00:00", True),  # a holiday that the city serves, by its own line
        ("2026-11-26T11:59:59", True),
        ("2026-11-26T12:00:00", False),  # an early end
        ("2026-11-27T10:00:00", False),  # closed
        ("2026-11-28T09:59:59", False),
        ("2026-11-28T10:00:00", True),  # a Saturday's event
        ("2026-11-28T14:00:00", False),
        ("2026-11-29T23:59:59.999", True),
        ("2026-11-30T00:00:00", False),  # midnight ends it, whatever the next day is
    ],
)
def test_duty_has_edges(instant: str, on_duty: bool) -> None:
    hours = hours_at(WEEK, at(instant))
    assert (hours is not None and hours.hold(at(instant))) is on_duty


def test_a_holiday_has_no_hours() -> None:
    plain = Timetable(duty_from="08:30", duty_until="15:30", holidays=("2026-11-24",))
    assert hours_at(plain, at("2026-11-24T10:00:00")) is None


@pytest.mark.parametrize(
    ("until", "most", "end"),
    [
        ("2026-11-24T15:45:00", 30, "2026-11-24T15:45:00"),
        ("2026-11-24T16:30:00", 30, "2026-11-24T16:00:00"),  # bounded
        ("2026-11-24T15:45:00", 0, "2026-11-24T15:30:00"),
        ("2026-11-24T15:00:00", 30, "2026-11-24T15:30:00"),  # never earlier than the timetable
        ("2026-11-23T15:45:00", 30, "2026-11-24T15:30:00"),  # another day's
        ("2026-11-25T15:45:00", 30, "2026-11-24T15:30:00"),
    ],
)
def test_an_extension_is_of_its_own_day_and_bounded(until: str, most: int, end: str) -> None:
    hours = hours_at(WEEK, at("2026-11-24T15:35:00"), at(until), most)
    assert hours is not None
    assert hours.end == at(end)


def test_no_extension_crosses_midnight() -> None:
    late = Timetable(duty_from="08:30", duty_until="23:50", weekdays=(2,))
    hours = hours_at(late, at("2026-11-24T23:55:00"), at("2026-11-25T00:20:00"), 30)
    assert hours is not None
    assert hours.end == at("2026-11-24T23:50:00"), "one that would is none"
    assert most_minutes(Limits(), hours) == 10


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('holidays = ["2026-02-30"]', "timetable.holidays: 2026-02-30"),
        ("special.2026-02-30 = { closed = true }", "timetable.special.2026-02-30"),
        ("special.tomorrow = { closed = true }", "timetable.special"),
        ('special.2026-11-28 = { closed = true, duty_until = "12:00" }', "a closed day has no hours"),
        ('special.2026-11-28 = { duty_from = "12:00", duty_until = "11:00" }', "must be later than duty_from"),
        ('special.2026-11-28 = { until = "12:00" }', "unknown field"),
        ('special.2026-11-28 = { duty_from = "24:00" }', "duty_from"),
    ],
)
def test_a_timetable_that_cannot_be_is_named(lines: str, said: str) -> None:
    raw = CITY.replace(b"enters = false", lines.encode())
    with pytest.raises(ConfigError, match=re.escape(said)):
        parse_city(raw, "city.toml")


def test_the_modes_that_need_hours_are_those_that_nobody_may_forget() -> None:
    timed = {mode for mode, rule in RULES.items() if rule.timed}
    assert timed == {DutyMode.CITY_HALL, DutyMode.EVENT, DutyMode.ON_THE_WAY}
    certificates = {mode for mode, classes in PRINTS.items() if "certificate" in classes}
    assert certificates < timed


def test_every_mode_has_its_line_and_nothing_prints_where_nobody_may_meet() -> None:
    assert set(RULES) == set(DutyMode)
    assert {mode for mode in DutyMode if PRINTS[mode]} == {mode for mode in DutyMode if may_meet(mode)}
    assert {mode for mode, rule in RULES.items() if rule.seat is Seat.COUNTER} == {DutyMode.CITY_HALL, DutyMode.EVENT}


def test_no_position_is_looked_at_outside_duty() -> None:
    assert not RULES[DutyMode.ROUTE_BUS].position
    assert not RULES[DutyMode.MAINTENANCE].position
    assert RULES[DutyMode.ON_THE_WAY].timed, "a way that nobody ends is followed no longer than the hours"
