"""The visit (窓口対応) as the concierge lives it: that it began, how it ended, and what the visitor thought of it.

City hall's plans say which session is live. What is kept here is the one that was live last, so that its end can be told from
none at all, also by a bus that was without power meanwhile. A session that goes because the duty was left, or because the bus
is locked, leaves nothing to be shown; nor does one that gave way to another call.
"""

import msgspec

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.slots import Slots
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import NoVisitError
from bus_agent.shown import VisitShown
from cityhall_base.clock import Clock, business_day
from cityhall_wire import strict_json
from cityhall_wire.messages.relay import Plan, SessionView
from cityhall_wire.messages.visit import Feedback
from cityhall_wire.modes import RULES, DutyMode, Seat, may_meet

_LIVE, _LAST = "visit_live", "visit_last"


class _Live(msgspec.Struct, frozen=True):
    session: str
    section: str
    stop: str
    slot: int
    accepted: bool
    day: str


class _Last(msgspec.Struct, frozen=True):
    day: str
    visit: VisitShown


class Visits:
    """Raises RefusedError."""

    def __init__(self, store: BusStore, scribe: Scribe, syncer: Syncer, duty: Duty, clock: Clock, slots: Slots) -> None:
        self._store, self._scribe, self._syncer = store, scribe, syncer
        self._duty, self._clock, self._slots = duty, clock, slots

    # --- what is heard ---

    def called(self, session: str, section: str, stop: str, slot: int) -> None:
        """City hall has taken her call; what was before it is over for her."""
        with self._store.event():
            self._begin(_Live(session, section, stop, slot, accepted=False, day=self._today()))

    def hear(self, plan: Plan) -> None:
        """Which session a plan has left live."""
        live, session = self._live(), self._duty.session
        if live is not None and (self._duty.lock.reason or not may_meet(self._duty.mode)):
            with self._store.event():
                self._store.record("visit_gone", session=live.session)
                self._forget_live()
        elif live is not None and session is None:
            with self._store.event():
                self._end(live, ended_here=False)
        elif session is not None and (live is None or live.session != session.session or _taken(live, session)):
            with self._store.event():
                self._meet(session)

    def ended(self, session: str) -> None:
        """The concierge ends it; inside the running event."""
        live = self._live()
        if live is not None and live.session == session:
            self._end(live, ended_here=True)

    def changed(self, before: DutyMode, after: DutyMode) -> None:
        """The mode is another one, and its seat may be; inside its event."""
        if RULES[before].seat is not RULES[after].seat:
            self._forget_live()
            self._forget_last()

    # --- what she says ---

    def seen(self) -> None:
        """She has seen how the last visit ended. None to be seen is no error."""
        if (visit := self.shown()) is not None:
            with self._store.event():
                self._store.record("visit_seen", session=visit.session)
                self._forget_last()

    def feedback(self, face: int) -> None:
        """利用者の声, once for each visit; raises NoVisitError."""
        visit = self.shown()
        if visit is None or not visit.feedback:
            raise NoVisitError
        with self._store.event():
            self._store.record("feedback", session=visit.session, face=face)
            self._scribe.queue(Feedback, session=visit.session, face=face)
            self._put_last(msgspec.structs.replace(visit, feedback=False))
        self._syncer.tell()

    # --- what is shown ---

    def shown(self) -> VisitShown | None:
        """The last visit, where nothing came after it."""
        raw = self._store.get(_LAST)
        last = strict_json.decode(raw, _Last) if raw else None
        if last is None or last.day != self._today() or self._duty.session or not may_meet(self._duty.mode):
            return None
        return last.visit

    # --- what is kept; inside the running event ---

    def _meet(self, session: SessionView) -> None:
        live = _Live(
            session=session.session,
            section=session.section,
            stop=session.stop,
            slot=session.slot,
            accepted=session.clerk is not None,
            day=self._today(),
        )
        self._begin(live)
        if live.accepted:
            self._slots.visited(live.slot)

    def _begin(self, live: _Live) -> None:
        self._store.record("visit", session=live.session, accepted=live.accepted)
        self._store.put(_LIVE, msgspec.json.encode(live))
        self._forget_last()

    def _end(self, live: _Live, *, ended_here: bool) -> None:
        self._forget_live()
        self._store.record("visit_over", session=live.session, accepted=live.accepted, here=ended_here)
        if live.day != self._today():
            return
        counter = RULES[self._duty.mode].seat is Seat.COUNTER
        visit = VisitShown(
            session=live.session,
            section=live.section,
            stop=live.stop,
            slot=live.slot,
            unanswered=not live.accepted,
            ended_here=ended_here,
            feedback=live.accepted and counter,
        )
        self._put_last(visit)

    def _put_last(self, visit: VisitShown) -> None:
        self._store.put(_LAST, msgspec.json.encode(_Last(self._today(), visit)))

    def _forget_last(self) -> None:
        if self._store.get(_LAST):
            self._store.put(_LAST, b"")

    def _forget_live(self) -> None:
        if self._store.get(_LIVE):
            self._store.put(_LIVE, b"")

    def _live(self) -> _Live | None:
        raw = self._store.get(_LIVE)
        return strict_json.decode(raw, _Live) if raw else None

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())


def _taken(live: _Live, session: SessionView) -> bool:
    return session.clerk is not None and not live.accepted
