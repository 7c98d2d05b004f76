"""Duty at city hall: what buses tell of their mode, the timetable by city hall's own clock, and extensions by two people.

The bus leaves duty by itself (bus_agent/agent/roster.py). Here nothing is released outside the hours whatever a bus says, its
sessions end with its duty, and a bus that stays on duty becomes an incident.
"""

from typing import Final

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import UNCONFIRMED, Reason
from cityhall_base.timetable import MINUTE_MS, Hours, hours_at, most_minutes
from cityhall_relay.answers import Answers
from cityhall_relay.changes import Changes
from cityhall_relay.errors import NotAllowedError, NothingAskedError
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.release import Case
from cityhall_relay.sessions import Sessions
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore
from cityhall_relay.store.duty import DutyChange, Extension
from cityhall_relay.store.rows import Bus, Incident, Job
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages.link import DutyChanged, Extend, Sync
from cityhall_wire.messages.printing import Evidence, Finding
from cityhall_wire.messages.relay import Noted
from cityhall_wire.modes import RULES, DutyMode, may_meet

ASKED_MS: Final = 600_000
"""A question of the concierge is answered within ten minutes, or asked again: the stop has gone on meanwhile."""

LATE_MS: Final = 300_000
"""A bus leaves duty within seconds of its hours' end. Five minutes later it is not a late sync but a fault."""


class DutyDesk:
    """Everything in the running event, but what a clerk asks for and `tick`, which are events of their own."""

    def __init__(
        self,
        store: RelayStore,
        sessions: Sessions,
        incidents: Incidents,
        answers: Answers,
        city: City,
        clock: Clock,
        changes: Changes,
    ) -> None:
        self._store, self._sessions, self._incidents, self._answers = store, sessions, incidents, answers
        self._city, self._clock, self._changes = city, clock, changes

    # --- what a bus says ---

    def changed(self, said: DutyChanged, raw: bytes, digest: bytes) -> bytes:
        """`duty-changed` → `noted`. A session that the mode does not allow ends, whatever the bus says of it afterwards."""
        bus, now = said.bus, self._clock.utc_ms()
        day = business_day(min(said.since, now))  # a clock of the far future must not hide it from today
        change = DutyChange(bus=bus, since=said.since, mode=said.mode, why=said.why, day=day, at=now)
        if self._store.add_duty_change(change):
            self._store.record("duty_changed", bus=bus, mode=said.mode, why=said.why, since=said.since)
        self._store.save_bus(msgspec.structs.replace(self._store.bus(bus), mode=str(said.mode)))
        self._end_session(bus, said.mode)
        return self._answers.signed(Noted, bus, digest)

    def asked(self, said: Extend, raw: bytes, digest: bytes) -> bytes:
        """`extend` → `noted`, and it waits for a clerk; or the refusal that says why it cannot be."""
        if reason := self._cannot(said.bus, said.minutes):
            self._store.record("extension_refused", bus=said.bus, minutes=said.minutes, reason=reason.bare)
            return self._answers.refusal(said.bus, digest, reason.bare)
        now, waits = self._clock.utc_ms(), self.pending(said.bus)
        if waits is None or waits.minutes != said.minutes:
            asked = Extension(bus=said.bus, day=business_day(now), minutes=said.minutes, asked_at=now)
            self._store.add_extension(asked)
            self._store.record("extension_asked", bus=said.bus, minutes=said.minutes)
        return self._answers.signed(Noted, said.bus, digest)

    def heard(self, bus: Bus, sync: Sync) -> None:
        """A sync says in which mode the bus is."""
        self._end_session(bus.bus, sync.mode)
        if RULES[sync.mode].timed and self._late(bus.bus):
            self._incidents.open(bus.bus, What.DUTY, sync.mode, business_day(self._clock.utc_ms()))

    def noticed(self, job: Job, said: Evidence) -> None:
        """The print key could not see the document leave the printer: nobody may forget it before the next stop."""
        if said.finding is Finding.DOUBT and said.why in UNCONFIRMED and job.state is JobState.UNCERTAIN:
            self._incidents.open(job.bus, What.PRINTER_NOT_EMPTY, job.job, business_day(self._clock.utc_ms()))

    # --- what follows from it ---

    def until(self, bus: str) -> int | None:
        """The end of today's duty, where it is later than the timetable's."""
        base, hours = self._timetable(), self.hours(bus)
        return hours.end if hours and base and hours.end > base.end else None

    def blocks(self, case: Case) -> Reason | None:
        """Why nothing may be released now: the hours of a timed mode are over by city hall's clock."""
        if RULES[case.request.mode].timed and not self.on_duty(case.bus.bus):
            return Reason.OUTSIDE_DUTY
        return None

    def hours(self, bus: str) -> Hours | None:
        """Today's, with what was granted."""
        now, granted = self._clock.utc_ms(), self._granted(bus)
        base = self._timetable()
        until = base.end + granted * MINUTE_MS if base and granted else 0
        return hours_at(self._city.timetable, now, until, self._city.limits.extension_min)

    def on_duty(self, bus: str) -> bool:
        """Whether it is within them."""
        hours = self.hours(bus)
        return hours is not None and hours.hold(self._clock.utc_ms())

    def pending(self, bus: str) -> Extension | None:
        """What the concierge asked for last, where a clerk may still grant it."""
        today = self._store.extensions(bus, business_day(self._clock.utc_ms()))
        waits = bool(today) and not today[-1].granted and self._clock.utc_ms() < today[-1].asked_at + ASKED_MS
        return today[-1] if waits else None

    def tick(self) -> None:
        """Close what is true no more: a document that was resolved is not in the printer."""
        resolved = [one for one in self._store.open_incidents(What.PRINTER_NOT_EMPTY) if self._resolved(one)]
        if not resolved:
            return
        with self._store.event():
            for incident in resolved:
                job = self._store.job(incident.detail)
                self._incidents.close(incident.n, "", str(job.state) if job else "")

    # --- what a clerk says ---

    def grant(self, clerk: str, bus: str, *, may: bool) -> None:
        """Let the duty of this bus end as much later as its concierge asked.

        `may`: the clerk has the right; else only the clerk of the live session. Raises NotAllowedError or NothingAskedError.
        """
        with self._store.event():
            session = self._sessions.on_bus(bus)
            if not may and (session is None or session.clerk != clerk):
                raise NotAllowedError(f"{clerk} has neither the right `{Right.DUTY}` nor a session on {bus}")
            asked = self.pending(bus)
            if asked is None or self._cannot(bus, asked.minutes):
                raise NothingAskedError
            self._store.grant_extension(asked.n, self._clock.utc_ms(), clerk)
            self._store.record("extension_granted", bus=bus, minutes=asked.minutes, by=clerk)
            self._changes.concerns(bus)

    # --- parts ---

    def _cannot(self, bus: str, minutes: int) -> Reason | None:
        now, base, hours = self._clock.utc_ms(), self._timetable(), self.hours(bus)
        if base is None or hours is None or now < base.start:
            return Reason.NO_HOURS
        if self._granted(bus) + minutes > most_minutes(self._city.limits, base):
            return Reason.EXTENDED_ENOUGH
        return Reason.EXTENDED_ENOUGH if hours.end + minutes * MINUTE_MS <= now else None

    def _granted(self, bus: str) -> int:
        today = self._store.extensions(bus, business_day(self._clock.utc_ms()))
        return sum(one.minutes for one in today if one.granted)

    def _timetable(self) -> Hours | None:
        return hours_at(self._city.timetable, self._clock.utc_ms())

    def _late(self, bus: str) -> bool:
        hours, now = self.hours(bus), self._clock.utc_ms()
        if hours is None:
            return True
        return now < hours.start - LATE_MS or now >= hours.end + LATE_MS

    def _end_session(self, bus: str, mode: DutyMode) -> None:
        if not may_meet(mode):
            self._sessions.end_of_bus(bus, Reason.MODE_LEFT)

    def _resolved(self, incident: Incident) -> bool:
        job = self._store.job(incident.detail)
        return job is None or job.state is not JobState.UNCERTAIN
