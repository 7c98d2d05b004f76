"""Counter sessions (窓口対応): one for each clerk, one for each bus. What is not at the printer dies with its session.

A concierge calls a section (呼出中) and a clerk of it accepts (対応中); or a clerk opens one. It ends (終了) when either says
so, when nobody answers or does anything for too long, or when the bus was without power for longer than its lease.
"""

import secrets
from typing import NamedTuple

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.changes import Changes
from cityhall_relay.errors import (
    BusBusyError,
    BusSuspendedError,
    CallGoneError,
    ClerkBusyError,
    NoBookingsError,
    NoDutyError,
    NotFoundError,
    UnknownPlaceError,
)
from cityhall_relay.jobs import Jobs
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Session
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event
from cityhall_wire.messages.relay import SessionView
from cityhall_wire.modes import RULES, DutyMode, may_meet


class Place(NamedTuple):
    """Where a session is: names of city.toml, and the slot of the day (0: no booking)."""

    bus: str
    section: str
    stop: str
    slot: int


class Sessions:
    """Opens and ends them. Times are counted by the relay's clock alone."""

    def __init__(self, store: RelayStore, jobs: Jobs, city: City, clock: Clock, changes: Changes) -> None:
        self._store, self._jobs, self._city = store, jobs, city
        self._clock, self._changes = clock, changes
        self._passed_on: frozenset[str] = frozenset()

    # --- how one begins ---

    def open(self, clerk: str, bus: str, section: str, stop: str, slot: int) -> Session:
        """A clerk opens it. Raises UnknownPlaceError, ClerkBusyError, BusBusyError, BusSuspendedError, NoDutyError or
        NoBookingsError."""
        with self._store.event():
            self._check_free(clerk)
            return self._begin("s" + secrets.token_hex(12), Place(bus, section, stop, slot), clerk)

    def call(self, name: str, place: Place) -> Session:
        """The concierge calls a section; inside the running event. The same call again is the same session.

        A call that nobody has accepted yet gives way to the next one. Raises UnknownPlaceError, BusBusyError, BusSuspendedError,
        NoDutyError or NoBookingsError.
        """
        known = self._store.session(name)
        if known is not None:
            if known.bus != place.bus:
                raise BusBusyError
            return known
        self._check_places(place)
        self._check_mode(place.bus, place.slot)
        for other in self._store.live_sessions():
            if other.bus == place.bus and other.calling:
                self._end(other, Reason.CALLED_AGAIN)
        return self._begin(name, place, "")

    def accept(self, clerk: str, name: str) -> Session:
        """The clerk takes the call. Accepting one's own again changes nothing.

        Raises ClerkBusyError, CallGoneError, NoDutyError or NoBookingsError.
        """
        with self._store.event():
            session = self._store.session(name)
            if session is not None and session.live and session.clerk == clerk:
                return session
            if session is None or not session.calling or self._over(session):
                raise CallGoneError
            self._check_free(clerk)
            self._check_mode(session.bus, session.slot)
            now = self._clock.utc_ms()
            session = msgspec.structs.replace(session, clerk=clerk, active_at=now, accepted_at=now)
            self._store.save_session(session)
            self._store.record("session_accepted", session=name, clerk=clerk)
            self._changes.concerns(session.bus)
        return session

    # --- how one ends ---

    def close(self, clerk: str, name: str) -> Session:
        """The clerk ends it; ending it twice is ending it once. Raises NotFoundError."""
        with self._store.event():
            session = self.of_clerk(clerk, name)
            return self._end(session, Reason.CLOSED) if session.live else session

    def end_on_bus(self, bus: str, name: str) -> None:
        """The concierge ends it, or takes her call back; inside the running event. Raises NotFoundError."""
        session = self._store.session(name)
        if session is None or session.bus != bus:
            raise NotFoundError
        if session.live:
            self._end(session, Reason.ENDED_ON_BUS)

    def end_of_bus(self, bus: str, why: Reason) -> None:
        """The bus was taken out of service, or is in a mode without sessions; inside the running event."""
        for session in self._store.live_sessions():
            if session.bus == bus:
                self._end(session, why)

    def after_reboot(self, bus: str, last_heard_at: int) -> None:
        """A new boot of the bus has called; inside the running event. Its session lives on where its lease does."""
        lease_over = self._clock.utc_ms() >= last_heard_at + self._city.limits.lease_s * 1000
        for session in self._store.live_sessions():
            if session.bus == bus and lease_over and session.opened_at <= last_heard_at:
                self._end(session, Reason.REBOOTED)

    def end_idle(self) -> None:
        """End every session in which nobody did anything, and every call that nobody answered, for too long."""
        if not any(map(self._over, self._store.live_sessions())):
            return
        with self._store.event():
            for session in filter(self._over, self._store.live_sessions()):
                self._end(session, Reason.UNANSWERED if session.calling else Reason.IDLE)

    # --- which there are ---

    def of_clerk(self, clerk: str, name: str) -> Session:
        """The clerk's own session, live or not; raises NotFoundError for anybody else's."""
        session = self._store.session(name)
        if session is None or session.clerk != clerk:
            raise NotFoundError
        return session

    def on_bus(self, bus: str) -> Session | None:
        """The session that is live on this bus, ringing or accepted, where it has not been idle for too long."""
        live = (session for session in self._store.live_sessions() if session.bus == bus)
        return next((session for session in live if not self._over(session)), None)

    def live(self, name: str) -> Session | None:
        """This session, where a clerk has accepted it and it has not ended."""
        session = self._store.session(name)
        if session is None or not session.live or session.calling or self._over(session):
            return None
        return session

    def calls(self) -> list[Session]:
        """What rings now, the longest first."""
        return [one for one in self._store.live_sessions() if one.calling and not self._over(one)]

    def rings(self, session: Session) -> tuple[str, ...]:
        """The sections in which a call rings now: its own, and after `limits.call_next_s` that section's deputy too.

        The session stays its own section's, with that one's services, whoever accepts.
        """
        own = self._city.sections.get(session.section)
        late = self._clock.utc_ms() >= session.opened_at + self._city.limits.call_next_s * 1000
        return (session.section, own.deputy) if own and own.deputy and late else (session.section,)

    def pass_on(self) -> None:
        """Wake the screens at the moment when a call begins to ring at a deputy, once for each call. No bus is hinted at."""
        now = frozenset(one.session for one in self.calls() if len(self.rings(one)) > 1)
        if now - self._passed_on:
            self._changes.fire()
        self._passed_on = now

    def touch(self, name: str) -> None:
        """Somebody did something in it; inside the running event. One that was idle for too long is not revived by it."""
        if session := self.live(name):
            self._store.save_session(msgspec.structs.replace(session, active_at=self._clock.utc_ms()))

    def view(self, session: Session) -> SessionView:
        """What the bus sees of it."""
        checks = self._store.checks(session.session)
        left = max(0, self._over_at(session) - self._clock.utc_ms()) // 1000
        return SessionView(
            session=session.session,
            section=session.section,
            clerk=session.clerk or None,
            stop=session.stop,
            slot=session.slot,
            seconds_left=left,
            checked=checks is not None and checks.complete,
        )

    def _begin(self, name: str, place: Place, clerk: str) -> Session:
        self._check_places(place)
        self._check_mode(place.bus, place.slot)
        if self._store.bus(place.bus).suspended:
            raise BusSuspendedError
        if any(live.bus == place.bus for live in self._store.live_sessions()):
            raise BusBusyError
        now = self._clock.utc_ms()
        accepted = now if clerk else None
        session = Session(
            session=name, clerk=clerk, **place._asdict(), opened_at=now, active_at=now, accepted_at=accepted
        )
        self._store.save_session(session)
        kind = "session_opened" if clerk else "session_called"
        self._store.record(kind, session=name, clerk=clerk, bus=place.bus, section=place.section, stop=place.stop)
        self._changes.concerns(place.bus)
        return session

    def _end(self, session: Session, why: Reason) -> Session:
        ended = msgspec.structs.replace(session, ended_at=self._clock.utc_ms(), why_ended=why.bare)
        self._store.save_session(ended)
        self._store.record("session_ended", session=session.session, why=ended.why_ended)
        self._changes.concerns(session.bus)
        # The whole job dies, never its print order alone: a later resident's request must find nothing.
        for job in self._store.jobs_of_session(session.session):
            if job.state in BEFORE_RELEASE:
                self._jobs.step(job, Event.SESSION_END, By.RELAY, why=ended.why_ended)
        return ended

    def _over(self, session: Session) -> bool:
        return self._over_at(session) <= self._clock.utc_ms()

    def _over_at(self, session: Session) -> int:
        limits = self._city.limits
        return session.active_at + (limits.call_s if session.calling else limits.session_idle_s) * 1000

    def _check_free(self, clerk: str) -> None:
        for live in self._store.live_sessions():
            if live.clerk == clerk:
                raise ClerkBusyError(live.session)

    def _check_mode(self, bus: str, slot: int) -> None:
        said = self._store.bus(bus).mode
        if not said:
            return  # it has never called
        mode = DutyMode(said)
        if not may_meet(mode):
            raise NoDutyError
        if slot and not RULES[mode].bookings:
            raise NoBookingsError

    def _check_places(self, place: Place) -> None:
        city = self._city
        for name, known in (
            (place.bus, city.vehicles),
            (place.section, city.sections),
            (place.stop, city.stops),
        ):
            if name not in known:
                raise UnknownPlaceError(f"allowed: {', '.join(known)}")
