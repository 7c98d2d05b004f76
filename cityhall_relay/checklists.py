"""The day's checklists at city hall: kept with the bus's signature, asked before a certificate is released, missed when missing.

The bus's own clock names a list's day; when one is missing is counted by city hall's clock and the timetable alone.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import JST, Clock, business_day
from cityhall_base.reasons import Reason
from cityhall_base.timetable import hours_of
from cityhall_relay.answers import Answers
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.release import Case
from cityhall_relay.store import RelayStore
from cityhall_relay.store.people_rows import Checklist, ModeSeen
from cityhall_relay.store.rows import Bus
from cityhall_wire.messages import people, relay
from cityhall_wire.messages.link import Sync
from cityhall_wire.messages.people import Which
from cityhall_wire.modes import PRINTS, DutyMode, JobClass

OPENING_WITHIN_S: Final = 3600
"""After the first sync on duty: carrying the boxes in, a dead zone and a test page take half of it."""

CLOSING_AFTER_HOURS_S: Final = 3600
CLOSING_AFTER_LEAVING_S: Final = 600
"""A list that was completed before she left may still be on its way."""

ON_DUTY: Final = frozenset(mode for mode in DutyMode if PRINTS[mode] - {JobClass.TEST})
"""Modes in which something for a resident prints; a technician's test page is no day of duty."""

KEPT_FOR_DAYS: Final = 31
"""How late a list may come: so long the bus keeps what city hall has not answered, at the most."""

LATE: Final = "came_late"
_LOOK_MS: Final = 30_000


class ChecklistDesk:
    """`note` and `heard` run inside the running event; `look` makes events of its own."""

    def __init__(self, store: RelayStore, answers: Answers, incidents: Incidents, city: City, clock: Clock) -> None:
        self._store, self._answers, self._incidents = store, answers, incidents
        self._city, self._clock = city, clock
        self._looked_at = 0

    def note(self, said: people.Checklist, raw: bytes, re: bytes) -> bytes:
        """The signed `noted`, or the refusal of a day that is not over a bus's calendar. The same list again is one list."""
        if not self._believable(said.day):
            self._store.record("checklist_refused", bus=said.bus, which=said.which, day=said.day)
            return self._answers.refusal(said.bus, re, Reason.WRONG_DAY.bare)
        items = msgspec.json.encode(said.items).decode()
        known = self._store.checklists(said.bus, said.day)
        if (said.which, said.by, items) not in {(one.which, one.by, one.items) for one in known}:
            facts: dict[str, Any] = {"bus": said.bus, "day": said.day, "which": str(said.which), "by": said.by}
            self._store.add_checklist(Checklist(**facts, items=items, at=self._clock.utc_ms(), envelope=raw))
            self._store.record("checklist", **facts)
            self._close_incident(said.bus, said.day, said.which)
        return self._answers.signed(relay.Noted, said.bus, re)

    def blocks(self, case: Case) -> Reason | None:
        """Why no certificate may be released on this bus now."""
        if case.job.header.job_class is not JobClass.CERTIFICATE:
            return None
        done = self._done(case.request.bus, business_day(case.now))
        if Which.CLOSING in done and self._city.checklists.closing.items:
            return Reason.CLOSING_DONE
        if Which.OPENING not in done and self._city.checklists.opening.items:
            return Reason.OPENING_MISSING
        return None

    def heard(self, bus: Bus, sync: Sync) -> None:
        """Which duty mode the bus is in; a row for each change, and for the first sync of a day."""
        now = self._clock.utc_ms()
        day, last = business_day(now), self._store.last_mode(bus.bus)
        if last is None or (last.day, last.mode) != (day, sync.mode):
            self._store.add_mode_seen(ModeSeen(bus=bus.bus, day=day, mode=str(sync.mode), at=now))

    def look(self) -> None:
        """Open an incident for each list that is missing, of today and of yesterday; once for each."""
        now = self._clock.utc_ms()
        if 0 <= now - self._looked_at < _LOOK_MS:
            return
        self._looked_at = now
        days = [business_day(now - ago) for ago in (24 * 3600 * 1000, 0)]
        missing = [
            (bus, day, which) for bus in self._city.vehicles for day in days for which in self._missing(bus, day)
        ]
        for bus, day, which in missing:
            with self._store.event():
                self._incidents.open(bus, What.CHECKLIST, _detail(which, day), day)

    def _missing(self, bus: str, day: str) -> Iterator[Which]:
        seen = self._store.modes_seen(bus, day)
        begun = next((one.at for one in seen if one.mode in ON_DUTY), None)
        if begun is None:
            return
        known = self._done(bus, day) | self._said_before(bus, day)
        due = {Which.OPENING: begun + OPENING_WITHIN_S * 1000, Which.CLOSING: self._closing_due(bus, day, seen[-1])}
        for which in Which:
            if self._city.checklists.of(which) and which not in known and self._clock.utc_ms() >= due[which]:
                yield which

    def _closing_due(self, bus: str, day: str, last: ModeSeen) -> int:
        today = date.fromisoformat(day)
        hours, over = hours_of(self._city.timetable, today), _utc_ms(today + timedelta(days=1), time())
        if last.mode == DutyMode.ROUTE_BUS:
            # Whether she comes back, nobody knows before the hours are over.
            return max(last.at + CLOSING_AFTER_LEAVING_S * 1000, hours.end if hours else 0)
        return hours.end + CLOSING_AFTER_HOURS_S * 1000 if hours else over

    def _done(self, bus: str, day: str) -> set[str]:
        return {one.which for one in self._store.checklists(bus, day)}

    def _said_before(self, bus: str, day: str) -> set[str]:
        # A person who closed it has looked; it is not opened again.
        known = {one.detail for one in self._store.incidents(bus) if one.what == What.CHECKLIST}
        return {which for which in Which if _detail(which, day) in known}

    def _close_incident(self, bus: str, day: str, which: Which) -> None:
        for one in self._store.incidents(bus):
            if one.open and (one.what, one.detail) == (What.CHECKLIST, _detail(which, day)):
                self._incidents.close(one.n, "", LATE)

    def _believable(self, day: str) -> bool:
        today = date.fromisoformat(business_day(self._clock.utc_ms()))
        try:
            return timedelta() <= today - date.fromisoformat(day) <= timedelta(days=KEPT_FOR_DAYS)
        except ValueError:
            return False


def _detail(which: str, day: str) -> str:
    # With its day: an incident that still stands open from yesterday is not today's.
    return f"{which} {day}"


def _utc_ms(day: date, at: time) -> int:
    return int(datetime.combine(day, at, JST).timestamp() * 1000)
