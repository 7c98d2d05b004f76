"""What belongs to a visit beside its documents: where the bus stands, what the clerk checked, what the visitor thought of it."""

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.answers import Answers
from cityhall_relay.changes import Changes
from cityhall_relay.errors import IdentityError, NoSessionError
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.visits import Checks, Face
from cityhall_wire.messages.relay import Noted
from cityhall_wire.messages.visit import AtStop, Feedback

WITHOUT_DOCUMENT = ("known", "none_needed")
"""How a section none of whose services names a document answers who it is: known to the clerk, or nobody needs to know."""


class Visits:
    """`check` is an event of its own; what the bus says comes inside the running one."""

    def __init__(
        self, store: RelayStore, sessions: Sessions, answers: Answers, city: City, clock: Clock, changes: Changes
    ) -> None:
        self._store, self._sessions, self._answers = store, sessions, answers
        self._city, self._clock, self._changes = city, clock, changes

    # --- what the clerk checks ---

    def identities(self, section: str) -> tuple[str, ...]:
        """What may be said of who it is (本人確認), in the order of city.toml."""
        services = (one for one in self._city.services.values() if one.section == section)
        listed = dict.fromkeys(document for service in services for document in service.identity_documents)
        return tuple(listed) or WITHOUT_DOCUMENT

    def check(self, clerk: str, session: str, identity: str, support: bool) -> Checks:
        """The clerk has seen who it is, and looked up the protection (支援措置) where `support`; the last word counts.

        `identity` is one of `identities`: a kind of document, never its number. Raises NoSessionError or IdentityError.
        """
        with self._store.event():
            live = self._sessions.live(session)
            if live is None or live.clerk != clerk:
                raise NoSessionError
            allowed = self.identities(live.section)
            if identity not in allowed:
                raise IdentityError(f"allowed: {', '.join(allowed)}")
            before = self._store.checks(session)
            if before and (before.identity, before.support) == (identity, support):
                return before
            now = self._clock.utc_ms()
            checks = Checks(session=session, identity=identity, support=support, by=clerk, at=now)
            self._store.save_checks(checks)
            self._store.record("checked", session=session, identity=identity, support=support, by=clerk)
            self._sessions.touch(session)
            if checks.complete != (before is not None and before.complete):
                self._changes.concerns(live.bus)
        return checks

    def checks(self, session: str) -> Checks | None:
        """What was checked in it so far."""
        return self._store.checks(session)

    # --- what the bus says ---

    def at_stop(self, said: AtStop, raw: bytes, re: bytes) -> bytes:
        """`at-stop` → `noted`. Facts come in the order in which they happened (boot, seq), so the last one is where it stands."""
        if said.stop is not None and said.stop not in self._city.stops:
            return self._answers.refusal(said.bus, re, Reason.UNKNOWN_PLACE.bare)
        bus, stop = self._store.bus(said.bus), said.stop or ""
        if bus.stop != stop:
            self._store.save_bus(msgspec.structs.replace(bus, stop=stop))
            self._store.record("at_stop", bus=said.bus, stop=stop)
        return self._answers.signed(Noted, said.bus, re)

    def feedback(self, said: Feedback, raw: bytes, re: bytes) -> bytes:
        """`feedback` → `noted`. The first face of a session counts: the same visitor does not vote twice."""
        session = self._store.session(said.session)
        if session is None or session.bus != said.bus:
            return self._answers.refusal(said.bus, re, Reason.UNKNOWN_SESSION.bare)
        if self._store.face(said.session) is None:
            now = self._clock.utc_ms()
            self._store.add_face(Face(session=said.session, bus=said.bus, face=said.face, at=now))
            self._store.record("feedback", session=said.session, face=said.face)
        return self._answers.signed(Noted, said.bus, re)
