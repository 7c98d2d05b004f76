"""Whether it is within the hours of duty, by every clock that the bus can ask: a wrong one fails safe.

The box's own clock may have stood still without power or have been set. City hall's signed time, counted on by CLOCK_BOOTTIME,
is what it is held against; of an earlier start only its lower bound is left. Hours hold where all of these say so.
"""

from typing import Final

from bus_agent.agent.store import BusStore
from cityhall_base.clock import Clock
from cityhall_base.timetable import Hours, Timetable, hours_at
from cityhall_wire.limits import Limits
from cityhall_wire.messages.relay import Plan

_SAVED_MS: Final = 600_000
"""City hall's time is written down so often: after a restart it is known that it cannot be much earlier."""

ASKED_S: Final = 600
"""So long a clerk can grant what the concierge asked for (cityhall_relay/duty.py counts for itself)."""

_TIME, _UNTIL = "city_time", "duty_until"


class DutyHours:
    """The timetable, today's extension, and the clocks. The extension and the last known time survive a restart."""

    def __init__(self, store: BusStore, timetable: Timetable, limits: Limits, clock: Clock) -> None:
        self._store, self._timetable, self._limits, self._clock = store, timetable, limits, clock
        self._saved = int(store.get(_TIME) or b"0")
        self._until = int(store.get(_UNTIL) or b"0")
        self._told = False
        self._asked_min, self._asked_at = 0, 0.0
        self._known, self._known_at = max(self._saved, clock.utc_ms()), clock.boottime()

    @property
    def enters(self) -> bool:
        """Whether the timetable itself makes the bus a city hall."""
        return self._timetable.enters

    @property
    def today(self) -> Hours | None:
        """The hours of the day that the box's clock shows, with their extension; begun, not begun or over."""
        return self._at(self._clock.utc_ms())

    @property
    def extended(self) -> bool:
        """Whether today's end later than the timetable says."""
        today = self.today
        return today is not None and today != hours_at(self._timetable, today.start)

    @property
    def asked_min(self) -> int:
        """Minutes that city hall was asked for, while a clerk may still grant them; 0."""
        return self._asked_min if self._clock.boottime() - self._asked_at < ASKED_S else 0

    def ask(self, minutes: int) -> None:
        """City hall has taken the question."""
        self._asked_min, self._asked_at = minutes, self._clock.boottime()

    def now(self) -> Hours | None:
        """Today's hours while they hold."""
        moments = self._moments()
        hours = self._at(moments[0])
        if hours is None or not all(hours.hold(moment) for moment in moments):
            return None
        return hours

    def hold(self) -> bool:
        """Whether it is within the hours of duty."""
        return self.now() is not None

    def hear(self, plan: Plan, sent_at: float) -> None:
        """City hall's time, and whether today ends later; `sent_at` (CLOCK_BOOTTIME) is when it was asked."""
        self._told, self._known, self._known_at = True, plan.at, sent_at
        until = plan.duty_until or 0
        if until == self._until and abs(plan.at - self._saved) < _SAVED_MS:
            return
        if until != self._until:
            self._asked_min = 0
        self._until = until
        with self._store.event():
            self._store.put(_TIME, str(plan.at).encode())
            self._store.put(_UNTIL, str(until).encode())
        self._saved = plan.at

    def _moments(self) -> tuple[int, int]:
        box = self._clock.utc_ms()
        known = self._known + int((self._clock.boottime() - self._known_at) * 1000)
        return box, known if self._told else max(box, known)

    def _at(self, utc_ms: int) -> Hours | None:
        return hours_at(self._timetable, utc_ms, self._until, self._limits.extension_min)
