"""The slots of the day (予約枠): the plan names them by their digest, the bus asks for those that it does not have.

Level-triggered by plans alone: each plan allows one question, so that a line that fails, or a city hall that refuses, is never
asked in a loop. What was refused, or came as something else than was named, is not asked for again on that day.
"""

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import LinkError
from bus_agent.shown import DayShown
from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.store import TROUBLE, trouble
from cityhall_wire import strict_json
from cityhall_wire.messages.relay import Answer, Plan, Refusal
from cityhall_wire.messages.visit import DayPlan, DayWanted, Slot, day_digest

REST_S: Final = 3600.0
"""Every plan is a change and wakes this: the rest is for nothing else."""

_PLAN, _DONE = "day_plan", "slots_done"

log = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True):
    day: str = ""
    slots: tuple[Slot, ...] = ()
    digest: bytes = b""


class _Done(msgspec.Struct, frozen=True):
    day: str = ""
    slots: tuple[int, ...] = ()


class Slots:
    """Slots and those that had their visit, of today only, over restarts."""

    def __init__(self, city: City, store: BusStore, syncer: Syncer, clock: Clock) -> None:
        self._city, self._store, self._syncer, self._clock = city, store, syncer, clock
        self._kept = strict_json.decode(store.get(_PLAN) or b"{}", _Kept)
        self._named: bytes | None = None
        self._fresh = False  # a plan was heard since the last question
        self._tried: tuple[bytes | None, str] = (None, "")

    async def run(self) -> None:
        """For ever."""
        changed = self._syncer.planned
        while True:
            seen = changed.count
            try:
                await self.look()
            except LinkError:
                pass  # the syncer says how the line is, and the next plan names them again
            except TROUBLE as error:
                log.warning("the slots of the day were not kept: %s", trouble(error))
            await changed.after(seen, REST_S)

    async def look(self) -> None:
        """Ask where a plan has named others; raises LinkError, or what the disk raises."""
        named, today = self._named, self._today()
        if not self._fresh or named is None or (named, today) == self._tried or self._has(named):
            return
        self._fresh = False
        answer = await self._syncer.ask(DayWanted)
        if isinstance(answer, DayPlan) and answer.day == today and _sound(answer.slots, named):
            self._keep(_Kept(today, answer.slots, named))
        else:
            log.warning("the slots of the day were not taken: %s", _what(answer))
            self._tried = named, today

    def hear(self, plan: Plan) -> None:
        """What it names. Without a name, and on the next day, there are none here either."""
        self._named, self._fresh = plan.day, True
        if self._kept.day and (plan.day is None or self._kept.day != self._today()):
            self._keep(_Kept())

    def visited(self, slot: int) -> None:
        """A clerk has taken this slot's call; inside the running event."""
        done = self._done()
        if slot and slot not in done:
            self._store.put(_DONE, msgspec.json.encode(_Done(self._today(), (*done, slot))))

    def shown(self, stop: str) -> DayShown:
        """For the snapshot; `stop` is where the bus stands."""
        city, today = self._city, self._today()
        slots: Iterable[Slot] = self._kept.slots if self._kept.day == today else ()
        known = (one for one in slots if one.stop in city.stops and one.section in city.sections)
        return DayShown(date=today, stop=stop, slots=tuple(sorted(known, key=lambda one: one.start)), done=self._done())

    def _has(self, named: bytes) -> bool:
        return (self._kept.day, self._kept.digest) == (self._today(), named)

    def _keep(self, kept: _Kept) -> None:
        with self._store.event():
            self._store.put(_PLAN, msgspec.json.encode(kept))
            self._store.record("day_plan", day=kept.day, slots=len(kept.slots))
        self._kept = kept

    def _done(self) -> tuple[int, ...]:
        done = strict_json.decode(self._store.get(_DONE) or b"{}", _Done)
        return done.slots if done.day == self._today() else ()

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())


def _sound(slots: tuple[Slot, ...], named: bytes) -> bool:
    once = len({one.slot for one in slots}) == len(slots)
    return once and all(one.start < one.end for one in slots) and day_digest(slots) == named


def _what(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Refusal) else "they are not those that the plan named"
