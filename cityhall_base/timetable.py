"""When a city's vehicles are on duty: `timetable` in city.toml, and the arithmetic of its hours. No clock: whoever asks says when.

Instants are UTC milliseconds; hours and days are the city's own (JST). No duty crosses midnight, so that each belongs to one day.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from cityhall_base.clock import JST, jst
from cityhall_base.settings import Table
from cityhall_wire.limits import Limits

TimeOfDay = Annotated[str, Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?\Z")]
EndOfDuty = Annotated[str, Meta(pattern=r"\A(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00)\Z")]
Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")]

MINUTE_MS: Final = 60_000


class SpecialDay(Table, frozen=True, kw_only=True):
    """A day with hours of its own, whatever weekday or holiday it is; a time that is not named is as on any day."""

    duty_from: TimeOfDay | None = None
    duty_until: EndOfDuty | None = None
    closed: bool = False


class Timetable(Table, frozen=True, kw_only=True):
    """When the vehicle is a city hall; outside it is a route bus."""

    duty_from: TimeOfDay
    duty_until: EndOfDuty
    weekdays: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)  # ISO 8601: 1 is Monday
    holidays: tuple[Date, ...] = ()
    special: Mapping[Date, SpecialDay] = MappingProxyType({})
    enters: bool = True  # whether the bus becomes a city hall by itself when the hours begin


class Hours(NamedTuple):
    """From `start` on, and no more at `end`."""

    start: int
    end: int

    def hold(self, utc_ms: int) -> bool:
        """Whether this instant is one of them."""
        return self.start <= utc_ms < self.end


def hours_of(timetable: Timetable, day: date) -> Hours | None:
    """This day's hours of duty; None where it has none."""
    special = timetable.special.get(day.isoformat())
    if special is None:
        works = day.isoweekday() in timetable.weekdays and day.isoformat() not in timetable.holidays
        return _hours(day, timetable.duty_from, timetable.duty_until) if works else None
    if special.closed:
        return None
    return _hours(day, special.duty_from or timetable.duty_from, special.duty_until or timetable.duty_until)


def hours_at(timetable: Timetable, utc_ms: int, extended_until: int = 0, most: int = 0) -> Hours | None:
    """The hours of the day that this instant is in, begun or not or over; None where it has none.

    `extended_until` (UTC ms) makes them later where it means this very day: by `most` minutes, and never beyond midnight.
    """
    day = jst(utc_ms).date()
    hours = hours_of(timetable, day)
    if hours is None:
        return None
    midnight = _instant(day, "24:00")
    if not hours.end < extended_until <= midnight:
        return hours
    return Hours(hours.start, min(extended_until, hours.end + most * MINUTE_MS, midnight))


def problems_of(timetable: Timetable) -> Iterator[str]:
    """What of it cannot be, each as `key: what is allowed`."""
    if _time(timetable.duty_from) >= _time(timetable.duty_until):
        yield "timetable.duty_until: must be later than duty_from"
    for name in timetable.holidays:
        if not _is_day(name):
            yield f"timetable.holidays: {name} is no day of the calendar"
    for name, special in timetable.special.items():
        key = f"timetable.special.{name}"
        if not _is_day(name):
            yield f"{key}: is no day of the calendar"
        if special.closed and (special.duty_from or special.duty_until):
            yield f"{key}.closed: a closed day has no hours"
        if _time(special.duty_from or timetable.duty_from) >= _time(special.duty_until or timetable.duty_until):
            yield f"{key}.duty_until: must be later than duty_from"


def most_minutes(limits: Limits, hours: Hours) -> int:
    """How many minutes later this day's duty may end, all extensions together."""
    midnight = _instant(jst(hours.start).date(), "24:00")
    return min(limits.extension_min, (midnight - hours.end) // MINUTE_MS)


def _hours(day: date, start: str, end: str) -> Hours:
    return Hours(_instant(day, start), _instant(day, end))


def _instant(day: date, text: str) -> int:
    return int((datetime.combine(day, time(), JST) + _time(text)).timestamp()) * 1000


def _time(text: str) -> timedelta:
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
