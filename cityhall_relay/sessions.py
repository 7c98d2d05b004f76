"""Counter sessions (窓口対応): one for each clerk, one for each bus. What is not at the printer dies with its session."""

import secrets

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_relay.changes import Changes
from cityhall_relay.errors import BusBusyError, ClerkBusyError, NotFoundError, UnknownPlaceError
from cityhall_relay.jobs import Jobs
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Session
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event
from cityhall_wire.messages.relay import SessionView


class Sessions:
    """Opens and ends them. Times are counted by the relay's clock alone."""

    def __init__(self, store: RelayStore, jobs: Jobs, city: City, clock: Clock, changes: Changes) -> None:
        self._store, self._jobs, self._city = store, jobs, city
        self._clock, self._changes = clock, changes

    def open(self, clerk: str, bus: str, section: str, stop: str, slot: int) -> Session:
        """Bind clerk, section, bus, stop and slot. Raises UnknownPlaceError, ClerkBusyError or BusBusyError."""
        self._check_places(bus, section, stop)
        now, name = self._clock.utc_ms(), "s" + secrets.token_hex(12)
        session = Session(
            session=name, clerk=clerk, bus=bus, section=section, stop=stop, slot=slot, opened_at=now, active_at=now
        )
        with self._store.event():
            for live in self._store.live_sessions():
                if live.clerk == clerk:
                    raise ClerkBusyError(live.session)
                if live.bus == bus:
                    raise BusBusyError
            self._store.save_session(session)
            self._store.record("session_opened", session=name, clerk=clerk, bus=bus, section=section, stop=stop)
            self._changes.concerns(bus)
        return session

    def close(self, clerk: str, name: str) -> Session:
        """The clerk ends it; ending it twice is ending it once. Raises NotFoundError."""
        with self._store.event():
            session = self.of_clerk(clerk, name)
            return self._end(session, "closed") if session.live else session

    def of_clerk(self, clerk: str, name: str) -> Session:
        """The clerk's own session, live or not; raises NotFoundError for anybody else's."""
        session = self._store.session(name)
        if session is None or session.clerk != clerk:
            raise NotFoundError
        return session

    def on_bus(self, bus: str) -> Session | None:
        """The session that is live on this bus, where it has not been idle for too long."""
        now = self._clock.utc_ms()
        live = (session for session in self._store.live_sessions() if session.bus == bus)
        return next((session for session in live if self._idle_at(session) > now), None)

    def live(self, name: str) -> Session | None:
        """This session, where it is live."""
        session = self._store.session(name)
        return session if session and session.live and self._idle_at(session) > self._clock.utc_ms() else None

    def touch(self, name: str) -> None:
        """Somebody did something in it; inside the running event. One that was idle for too long is not revived by it."""
        if session := self.live(name):
            self._store.save_session(msgspec.structs.replace(session, active_at=self._clock.utc_ms()))

    def end_idle(self) -> None:
        """End every session in which nobody did anything for too long."""
        if not any(map(self._idle, self._store.live_sessions())):
            return
        with self._store.event():
            for session in filter(self._idle, self._store.live_sessions()):
                self._end(session, "idle")

    def view(self, session: Session) -> SessionView:
        """What the bus sees of it."""
        left = max(0, self._idle_at(session) - self._clock.utc_ms()) // 1000
        names = {"session": session.session, "section": session.section, "clerk": session.clerk}
        return SessionView(stop=session.stop, slot=session.slot, seconds_left=left, **names)

    def _end(self, session: Session, why: str) -> Session:
        ended = msgspec.structs.replace(session, ended_at=self._clock.utc_ms(), why_ended=why)
        self._store.save_session(ended)
        self._store.record("session_ended", session=session.session, why=why)
        self._changes.concerns(session.bus)
        # The whole job dies, never its print order alone: a later resident's request must find nothing.
        for job in self._store.jobs_of_session(session.session):
            if job.state in BEFORE_RELEASE:
                self._jobs.step(job, Event.SESSION_END, By.RELAY)
        return ended

    def _idle(self, session: Session) -> bool:
        return self._idle_at(session) <= self._clock.utc_ms()

    def _idle_at(self, session: Session) -> int:
        return session.active_at + self._city.limits.session_idle_s * 1000

    def _check_places(self, bus: str, section: str, stop: str) -> None:
        for name, known in ((bus, self._city.vehicles), (section, self._city.sections), (stop, self._city.stops)):
            if name not in known:
                raise UnknownPlaceError(f"allowed: {', '.join(known)}")
