"""Why a bus gets neither lease nor session: asked at every sync, first of all whether it was taken out of service."""

from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import REASONS, Reason
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.release import Case, Rules
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus
from cityhall_wire.messages.link import Sync


class Locks:
    """`of` is one of SyncDesk.locks, `note` hears what came of all of them, `blocks` is one of ReleaseDesk.blockers."""

    def __init__(self, store: RelayStore, incidents: Incidents, rules: Rules, clock: Clock) -> None:
        self._store, self._incidents, self._rules, self._clock = store, incidents, rules, clock

    def of(self, bus: Bus, sync: Sync) -> Reason | None:
        """The first that holds."""
        if bus.suspended:
            return suspended_as(self._store, bus.bus)
        if sync.software not in self._rules.software:
            return Reason.SOFTWARE_NOT_APPROVED
        if sync.config != self._rules.config:
            return Reason.CONFIG_DIFFERS
        if abs(sync.at - self._clock.utc_ms()) > self._rules.limits.clock_s * 1000:
            return Reason.CLOCK_WRONG
        return None

    def note(self, bus: Bus, locked: str) -> None:
        """An incident for a lock, closed by itself when it is gone. (A suspension has one of its own kind.)"""
        known = [one for one in self._store.incidents(bus.bus) if one.open and one.what == What.LOCKED]
        for incident in known:
            if incident.detail != locked:
                self._incidents.close(incident.n, "", locked or "unlocked")
        if locked and not bus.suspended and locked not in {one.detail for one in known}:
            self._incidents.open(bus.bus, What.LOCKED, locked, business_day(self._clock.utc_ms()))

    def blocks(self, case: Case) -> Reason | None:
        """No key for a bus that is locked, whatever its spooler signs."""
        return REASONS[case.bus.locked] if case.bus.locked else None


def suspended_as(store: RelayStore, bus: str) -> Reason:
    """Why this bus is out of service: a person's word outweighs the machine's."""
    kinds = {one.kind for one in store.suspensions(bus) if one.open}
    return Reason.CLONE if kinds == {"clone"} else Reason.REVOKED
