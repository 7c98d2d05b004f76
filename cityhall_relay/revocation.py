"""`revoke`: one function that takes a bus out of service, and the two persons that it takes to let it back in.

The notice comes first: from that commit on every plan of this bus says `locked`. Then the steps, in their order, each done
once, after a crash from where it stood: boss.py lists them, and whatever a bus gets later (a tunnel) is one more before the
statement, which says what is true when all of them are through. A clone is suspended by the same notice, and no more is
done: which of the two boxes is the bus, and whether it is stolen, a person says.
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import Reason
from cityhall_base.store import TROUBLE, trouble
from cityhall_relay.answers import Answers
from cityhall_relay.changes import Changes
from cityhall_relay.errors import NotSuspendedError
from cityhall_relay.identity import forgotten
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore, Suspension
from cityhall_relay.store.rows import Job
from cityhall_wire.messages import relay
from cityhall_wire.messages.link import Panic

ON_BOARD: Final = "bus"
MACHINE: Final = "relay"

log = logging.getLogger(__name__)


class Step(NamedTuple):
    """`do` returns False where it waits for something; it is asked again at each tick, and must bear being done twice."""

    name: str
    do: Callable[[Suspension], bool]


class Revocation:
    """`go_on` after each commit and at each tick."""

    def __init__(
        self,
        store: RelayStore,
        sessions: Sessions,
        incidents: Incidents,
        answers: Answers,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._store, self._sessions, self._incidents = store, sessions, incidents
        self._answers, self._changes, self._clock = answers, changes, clock
        self.steps: Sequence[Step] = ()
        self.on_lifted: Callable[[str], None] = lambda bus: None
        self._due, self._busy, self._said = True, False, ""

    # --- out of service ---

    def revoke(self, bus: str, reason: str, by: str) -> Suspension:
        """The notice; the steps follow its commit. Revoking twice is revoking once."""
        with self._store.event():
            known = self._open(bus, "revoked")
            if known:
                return known[0]
            self._begin(bus, "revoked", reason, by)
            self._incidents.open(bus, What.LOST, reason, business_day(self._clock.utc_ms()))
        return self._open(bus, "revoked")[0]

    def suspend_clone(self, bus: str) -> None:
        """Two boxes speak with this bus's keys; inside the running event of the sync that showed it."""
        self._begin(bus, "clone", Reason.CLONE.bare, MACHINE)
        self._incidents.open(bus, What.CLONE, "token", business_day(self._clock.utc_ms()))
        self._sessions.end_of_bus(bus, Reason.CLONE)

    def panic(self, said: Panic, raw: bytes, re: bytes) -> bytes:
        """BusDesk's note: somebody pressed the alarm on board."""
        self.revoke(said.bus, Reason.PANIC.bare, ON_BOARD)
        return self._answers.signed(relay.Noted, said.bus, re)

    def _begin(self, bus: str, kind: str, reason: str, by: str) -> None:
        live = self._sessions.on_bus(bus)
        held = {job.job: job.state for job in self._store.jobs_not_signed_away(bus) if self._may_hold(job)}
        self._store.add_suspension(
            Suspension(
                bus=bus,
                kind=kind,
                reason=reason,
                by=by,
                at=self._clock.utc_ms(),
                held=json.dumps(held),
                session=live.session if live else "",
            )
        )
        row = self._store.bus(bus)
        self._store.save_bus(msgspec.structs.replace(row, suspended=True, locked=kind))
        self._store.record("suspended", bus=bus, what=kind, reason=reason, by=by)
        self._changes.concerns(bus)
        self._due = True

    def _may_hold(self, job: Job) -> bool:
        return not job.ended or any(step.event == "offer" for step in self._store.steps(job.job))

    # --- the steps ---

    def go_on(self) -> None:
        """Whatever is due of every open revocation. What fails is said in the log once, and tried again at the next tick."""
        if self._busy or not self._due:  # its own commits wake it up
            return
        self._busy = True
        try:
            waiting = [one for one in self._open("", "revoked") if not self._through(one)]
            self._due = bool(waiting)
            self._said = ""
        except TROUBLE as error:
            sentence = str(trouble(error))
            if sentence != self._said:
                log.error("a revocation is not through yet: %s", sentence)  # noqa: TRY400 - the sentence is enough
            self._said = sentence
        finally:
            self._busy = False

    def _through(self, suspension: Suspension) -> bool:
        for step in self.steps:
            current = self._of(suspension)
            if step.name in current.steps:
                continue
            if not step.do(current):
                return False
            with self._store.event():
                current = self._of(suspension)
                done = json.dumps(current.steps | {step.name: self._clock.utc_ms()})
                self._store.save_suspension(msgspec.structs.replace(current, done=done))
                self._store.record("revocation_step", bus=current.bus, suspension=current.n, step=step.name)
        return True

    def gone(self, bus: str) -> None:
        """The broker says that the bus's connection is cut and its rights there are gone."""
        for suspension in self._open(bus, "revoked"):
            if suspension.gone_at is None:
                with self._store.event():
                    self._store.save_suspension(msgspec.structs.replace(suspension, gone_at=self._clock.utc_ms()))
                    self._store.record("connection_cut", bus=bus, suspension=suspension.n)
                    self._due = True

    def revoked(self, bus: str) -> bool:
        """Whether nothing that this bus says of itself at the broker counts."""
        return bool(self._open(bus, "revoked"))

    # --- back into service ---

    def reinstate(self, bus: str, by: str, why: str) -> bool:
        """True where it is lifted: the wish of one person, and then of another one. Raises NotSuspendedError."""
        with self._store.event():
            known = [one for one in self._store.suspensions(bus) if one.open]
            if not known:
                raise NotSuspendedError
            now, lifted = self._clock.utc_ms(), False
            for one in known:
                if one.wish_by in ("", by):
                    wish = {"wish_by": by, "wish_why": why, "wish_at": now}
                    self._store.save_suspension(msgspec.structs.replace(one, **wish))
                    self._store.record("reinstate_wished", bus=bus, suspension=one.n, by=by, why=why)
                    continue
                end = {"lifted_at": now, "lifted_by": by, "lifted_why": why}
                self._store.save_suspension(msgspec.structs.replace(one, **end))
                self._store.record("reinstated", bus=bus, suspension=one.n, by=by, first=one.wish_by, why=why)
            if not any(one.open for one in self._store.suspensions(bus)):
                lifted = True
                self._lifted(bus, by, why)
        if lifted:
            self.on_lifted(bus)
        return lifted

    def _lifted(self, bus: str, by: str, why: str) -> None:
        row = self._store.bus(bus)
        self._store.save_bus(forgotten(msgspec.structs.replace(row, suspended=False, locked="")))
        for incident in self._store.incidents(bus):
            if incident.open and incident.what in (What.CLONE, What.LOST):
                self._incidents.close(incident.n, by, why)
        self._changes.concerns(bus)

    def _open(self, bus: str, kind: str) -> list[Suspension]:
        return [one for one in self._store.suspensions(bus) if one.open and one.kind == kind]

    def _of(self, suspension: Suspension) -> Suspension:
        return next(one for one in self._store.suspensions(suspension.bus) if one.n == suspension.n)
