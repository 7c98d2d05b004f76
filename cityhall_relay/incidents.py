"""Incidents: what must not be forgotten by evening. A machine opens one, a person closes it with a reason, none is deleted."""

from enum import StrEnum

from cityhall_base.clock import Clock
from cityhall_relay.changes import Changes
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Incident


class What(StrEnum):
    """Kinds of incidents; `detail` says the rest, in ids and numbers alone."""

    SHEETS = "sheets"  # the books and the drawer differ
    CASH = "cash"  # the books and the cash box differ
    CHECKLIST = "checklist"  # one is missing
    DUTY = "duty"  # the bus is on duty when it may not be
    PRINTER_NOT_EMPTY = "printer_not_empty"
    CLONE = "clone"  # two boxes speak with one bus's keys
    LOCKED = "locked"  # program, configuration or clock of the bus is not as it must be
    LOST = "lost"  # stolen or lost: panic on the bus, or revoke at city hall


class Incidents:
    """All inside the running event."""

    def __init__(self, store: RelayStore, clock: Clock, changes: Changes) -> None:
        self._store, self._clock, self._changes = store, clock, changes

    def open(self, bus: str, what: What, detail: str, day: str) -> Incident:
        """The open incident of this bus, kind and detail; a new one where there is none. `day` is a JST date."""
        for known in self._store.incidents(bus):
            if known.open and (known.what, known.detail) == (what, detail):
                return known
        row = Incident(bus=bus, day=day, what=str(what), detail=detail, at=self._clock.utc_ms())
        number = self._store.add_incident(row)
        self._store.record("incident", bus=bus, n=number, what=str(what), detail=detail)
        self._changes.concerns(bus)
        return self._store.incident(number)

    def close(self, number: int, by: str, why: str) -> Incident:
        """Closed by a person, or by the machine (`by` empty) where what it was about is true no more. Raises NotFoundError."""
        self._store.close_incident(number, self._clock.utc_ms(), by, why)
        self._store.record("incident_closed", n=number, by=by, why=why)
        incident = self._store.incident(number)
        self._changes.concerns(incident.bus)
        return incident
