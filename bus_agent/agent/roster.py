"""The duty mode, and everything that changes it: the concierge, the timetable, movement, city hall, panic.

Leaving is level-triggered: outside the hours a timed mode is left at once and again each second, whatever anybody does. It is
true in memory first, so that no full disk and no client keeps the bus on duty. Entering is an edge: once a day by the timetable.
"""

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.hours import DutyHours
from bus_agent.agent.lookout import keep_looking
from bus_agent.agent.movement import Journey, Motion
from bus_agent.agent.seat import end_session
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import OutsideHoursError, RefusedError
from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import Reason
from cityhall_wire.lifecycle import BEFORE_RELEASE, By
from cityhall_wire.messages.link import DutyChanged
from cityhall_wire.modes import RULES, DutyCause, DutyMode, Seat

TICK_S: Final = 1.0
"""How late the end of the hours may be noticed. No print begins in between: `Duty` asks the hours itself."""

_ENTERED, _BEFORE = "duty_entered", "mode_before"

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


class _Change(NamedTuple):
    before: DutyMode
    after: DutyMode
    cause: DutyCause
    since: int
    sessions: tuple[str, ...]  # that end with it
    remember: dict[str, bytes]
    also: Callable[[], None]


class Roster:
    """Looks at every change and every second. `bars` are asked before a mode with a seat is entered, by whomever: each may raise
    the RefusedError that it knows (a bus that was reported stolen)."""

    def __init__(
        self,
        store: BusStore,
        duty: Duty,
        scribe: Scribe,
        syncer: Syncer,
        hours: DutyHours,
        clock: Clock,
        journey: Journey | None = None,
    ) -> None:
        self._store, self._duty, self._scribe, self._syncer = store, duty, scribe, syncer
        self._clock, self._journey = clock, journey
        self.hours = hours
        self._unwritten: list[_Change] = []
        self.bars: list[Callable[[], None]] = []
        duty.on_plan.append(hours.hear)
        duty.hours_hold = hours.hold

    async def run(self) -> None:
        """For ever."""
        await keep_looking(self.look, self._syncer.planned, log, TICK_S)

    def look(self) -> None:
        """Once, now. Raises what the disk raises (cityhall_base.store.TROUBLE), and has left the duty by then."""
        if RULES[self._duty.mode].timed and not self.hours.hold():
            self._become(DutyMode.ROUTE_BUS, DutyCause.TIMETABLE)
        self._write_down()
        self._enter_by_timetable()
        self._follow_movement()

    def change(self, mode: DutyMode, also: Callable[[], None] = _nothing) -> None:
        """The concierge's wish; raises OutsideHoursError where the mode needs hours that do not hold, what a bar raises, or
        StoreError. `also` becomes true in the same event."""
        if mode is self._duty.mode:
            return
        if RULES[mode].timed and not self.hours.hold():
            raise OutsideHoursError
        self._check_bars(mode)
        self._become(mode, DutyCause.CONCIERGE, also=also)

    def leave(self, cause: DutyCause) -> None:
        """Off duty at once, by city hall's or anybody's alarm."""
        self._become(DutyMode.ROUTE_BUS, cause)

    @property
    def noted(self) -> bool:
        """Whether city hall knows of the last change."""
        return not self._unwritten and not self._store.waits(DutyChanged)

    # --- who changes it by itself ---

    def _enter_by_timetable(self) -> None:
        hours = self.hours.now() if self.hours.enters else None
        if hours is None:
            return
        day = business_day(hours.start).encode()
        if self._store.get(_ENTERED) == day or self._barred(DutyMode.CITY_HALL):
            return
        if self._duty.mode is DutyMode.ROUTE_BUS:
            self._become(DutyMode.CITY_HALL, DutyCause.TIMETABLE, {_ENTERED: day})
        else:
            with self._store.event():
                self._store.put(_ENTERED, day)

    def _follow_movement(self) -> None:
        if self._journey is None:
            return
        mode = self._duty.mode
        if not RULES[mode].position:
            self._journey.forget()
            return
        turned = self._journey.turn(self._clock.boottime())
        before = self._store.get(_BEFORE).decode()
        if turned is Motion.DRIVING and RULES[mode].timed and mode is not DutyMode.ON_THE_WAY:
            self._become(DutyMode.ON_THE_WAY, DutyCause.MOVEMENT, {_BEFORE: mode.encode()})
        elif turned is Motion.STANDING and mode is DutyMode.ON_THE_WAY and before:
            self._go_back(DutyMode(before))

    def _go_back(self, mode: DutyMode) -> None:
        if self.hours.hold() and not self._barred(mode):
            self._become(mode, DutyCause.MOVEMENT)

    def _check_bars(self, mode: DutyMode) -> None:
        if RULES[mode].seat is not Seat.NONE:
            for bar in self.bars:
                bar()

    def _barred(self, mode: DutyMode) -> bool:
        try:
            self._check_bars(mode)
        except RefusedError:
            return True
        return False

    # --- the change itself ---

    def _become(
        self,
        mode: DutyMode,
        cause: DutyCause,
        remember: dict[str, bytes] | None = None,
        also: Callable[[], None] = _nothing,
    ) -> None:
        before = self._duty.mode
        if mode is before:
            return
        leaves = RULES[before].seat not in (Seat.NONE, RULES[mode].seat)
        ends = self._sessions() if leaves else ()
        facts = {_BEFORE: b""} | (remember or {})
        change = _Change(before, mode, cause, self._clock.utc_ms(), ends, facts, also)
        if RULES[mode].seat is not Seat.NONE:
            # What permits more is permitted when it is written down, and after all that came before it.
            self._write_down()
            self._write(change)
        self._duty.mode = mode
        for session in ends:
            self._duty.forget_session(session)
        log.info("duty: %s, was %s (%s)", mode, before, cause)
        if RULES[mode].seat is Seat.NONE:
            self._unwritten.append(change)
            # Whoever looks at every change cancels and locks now, also where the record has to wait for the disk.
            self._syncer.planned.beat()
            self._write_down()
        self._syncer.wake()

    def _sessions(self) -> tuple[str, ...]:
        # After a restart the session is not known before city hall has spoken; its documents are.
        live = self._duty.session
        waiting = (job.session for job in self._store.jobs() if job.state in BEFORE_RELEASE)
        return tuple(dict.fromkeys([*([live.session] if live else []), *waiting]))

    def _write_down(self) -> None:
        while self._unwritten:
            self._write(self._unwritten[0])
            del self._unwritten[0]

    def _write(self, change: _Change) -> None:
        store, after = self._store, change.after
        with store.event():
            for name, value in change.remember.items():
                store.put(name, value)
            store.put("mode", after.encode())
            store.record("mode", before=change.before, after=after, why=change.cause)
            for hear in self._duty.changes:
                hear(change.before, after)
            # City hall hears why before it hears that the session is over.
            self._scribe.queue(DutyChanged, mode=after, why=change.cause, since=change.since)
            for session in change.sessions:
                end_session(store, self._scribe, session, Reason.MODE_LEFT, By.LINK_KEY)
            change.also()
