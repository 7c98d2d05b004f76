"""The slots of a day (予約枠): imported whole from a table, named in the plan, told to the bus that asks for them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_relay import slot_table
from cityhall_relay.answers import Answers
from cityhall_relay.changes import Changes
from cityhall_relay.locks import suspended_as
from cityhall_relay.slot_table import Booked
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus
from cityhall_relay.store.visits import DayPlan
from cityhall_wire.messages.link import Sync
from cityhall_wire.messages.visit import DayPlan as Told
from cityhall_wire.messages.visit import DayWanted, Slot, day_digest, encode_slots
from cityhall_wire.modes import RULES


class Day(NamedTuple):
    """One bus and JST date that was imported: how many slots it has now, and had before."""

    bus: str
    day: str
    slots: int
    before: int


class Imported(NamedTuple):
    """What an import changed, by date and bus."""

    days: tuple[Day, ...]


class Slots:
    """`take` is an event of its own; `in_plan` and `wanted` are called inside the running one."""

    def __init__(self, store: RelayStore, answers: Answers, city: City, clock: Clock, changes: Changes) -> None:
        self._store, self._answers, self._city = store, answers, city
        self._clock, self._changes = clock, changes

    def take(self, who: str, raw: bytes) -> Imported:
        """Import a table, whole or not at all; each (bus, day) in it replaces what was there. Raises PlanError."""
        return self.keep(who, self.read(raw))

    def read(self, raw: bytes) -> list[Booked]:
        """The first half of `take`, which needs no store: 1 MiB takes half a second. Raises PlanError."""
        return slot_table.read(raw, self._city, self._today())

    def keep(self, who: str, lines: list[Booked]) -> Imported:
        """The second half."""
        found: defaultdict[tuple[str, str], list[Slot]] = defaultdict(list)
        for one in lines:
            found[one.day, one.bus] += filter(None, [one.slot])
        with self._store.event():
            days = tuple(self._replace(who, *key, tuple(found[key])) for key in sorted(found))
        return Imported(days)

    def of(self, bus: str, day: str) -> tuple[Slot, ...]:
        """By start; empty where there are none. `day` is a JST date."""
        plan = self._store.day_plan(bus, day)
        return plan.read if plan else ()

    def in_plan(self, bus: Bus, sync: Sync) -> Mapping[str, object]:
        """`Plan.day`, while the bus is on duty: this is all that slots cost on the line as long as nothing changes."""
        if bus.locked or not RULES[sync.mode].timed:
            return {}
        slots = self.of(bus.bus, self._today())
        return {"day": day_digest(slots)} if slots else {}

    def wanted(self, said: DayWanted, raw: bytes, re: bytes) -> bytes:
        """`day-wanted` → `day-plan`; a bus that is out of service is refused: nobody needs its timetable."""
        if self._store.bus(said.bus).suspended:
            return self._answers.refusal(said.bus, re, suspended_as(self._store, said.bus).bare)
        today = self._today()
        return self._answers.signed(Told, said.bus, re, day=today, slots=self.of(said.bus, today))

    def _replace(self, who: str, day: str, bus: str, slots: tuple[Slot, ...]) -> Day:
        slots = tuple(sorted(slots, key=lambda one: one.start))
        before = self.of(bus, day)
        if slots != before:
            text, now = encode_slots(slots).decode(), self._clock.utc_ms()
            self._store.save_day_plan(DayPlan(bus=bus, day=day, slots=text, by=who, at=now))
            digest = day_digest(slots).hex()
            self._store.record("day_plan", bus=bus, day=day, slots=len(slots), digest=digest, by=who)
            if day == self._today():
                self._changes.concerns(bus)
        return Day(bus, day, len(slots), len(before))

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())
