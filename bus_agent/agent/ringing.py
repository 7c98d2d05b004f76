"""A call that rings (呼出中): how long it has, and who rings beside the section by now. City hall ends it, by its own clock."""

from typing import Final, NamedTuple

from bus_agent.agent.duty import Duty
from bus_agent.agent.syncer import Syncer
from bus_agent.shown import CallShown
from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_wire.messages.relay import Plan
from cityhall_wire.modes import DutyMode

REST_S: Final = 3600.0
"""Whatever begins or ends a call wakes this too."""


class _Call(NamedTuple):
    session: str
    section: str
    since: float  # CLOCK_BOOTTIME


class Ringing:
    """`run` makes time news: a deputy that rings too, and a call whose time is over."""

    def __init__(self, city: City, syncer: Syncer, duty: Duty, clock: Clock) -> None:
        self._city, self._syncer, self._duty, self._clock = city, syncer, duty, clock
        self._taken: _Call | None = None  # city hall has taken it, and the plan that says so is on its way
        self._asked = ""  # the call of which city hall was asked whether it is over

    async def run(self) -> None:
        """For ever."""
        changed = self._syncer.planned
        while True:
            seen, edge = changed.count, self._edge()
            if await changed.after(seen, REST_S if edge is None else edge) or edge is None:
                continue
            self._ask_whether_over()
            changed.beat()

    def called(self, session: str, section: str, stop: str, slot: int) -> None:
        """City hall has taken her call."""
        self._taken = _Call(session, section, self._clock.boottime())

    def hear(self, plan: Plan) -> None:
        """From now on the plan's session is the call, or there is none."""
        self._taken = None

    def changed(self, before: DutyMode, after: DutyMode) -> None:
        """The mode is another one."""
        self._taken = None

    def shown(self) -> CallShown | None:
        """For the snapshot; None where nothing rings."""
        call = self._now()
        if call is None:
            return None
        waited, limits = int(self._waited(call)), self._city.limits
        then = self._deputy(call) if waited >= limits.call_next_s else ""
        return CallShown(section=call.section, then=then, waited_s=waited, left_s=limits.call_s - waited)

    def _now(self) -> _Call | None:
        session = self._duty.session
        if session is None:
            return self._taken
        if session.clerk is not None:
            return None
        since = self._clock.boottime() + self._duty.session_left_s - self._city.limits.call_s
        return _Call(session.session, session.section, since)

    def _waited(self, call: _Call) -> float:
        return min(max(0.0, self._clock.boottime() - call.since), float(self._city.limits.call_s))

    def _deputy(self, call: _Call) -> str:
        section = self._city.sections.get(call.section)
        return (section and section.deputy) or ""

    def _edge(self) -> float | None:
        call, limits = self._now(), self._city.limits
        if call is None or call.session == self._asked:
            return None
        waited = self._waited(call)
        if self._deputy(call) and waited < limits.call_next_s:
            return limits.call_next_s - waited
        return limits.call_s - waited

    def _ask_whether_over(self) -> None:
        # Without a hint the next plan would be a minute away.
        call = self._now()
        if call is not None and self._waited(call) >= self._city.limits.call_s:
            self._asked = call.session
            self._syncer.wake()
