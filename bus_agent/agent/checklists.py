"""Today's two checklists (始業点検 / 終業点検): which item is well, who says so, and what a missing or completed list blocks.

The items are city.toml's. What the box looks at itself is looked at whenever somebody asks, and kept when the list is
completed; what a person ticks is kept at once. A completed list goes to city hall signed, and is not changed any more.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from bus_agent.agent.advice import Do
from bus_agent.agent.checks import Facts, look
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.finding import Finding
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    BoxLooksError,
    ClosingDoneError,
    ListDoneError,
    ListOpenError,
    NoteMissingError,
    OpeningMissingError,
    UnknownItemError,
)
from bus_agent.shown import ItemShown, ListShown
from cityhall_base.clock import Clock, business_day
from cityhall_base.people import Checklists as Lists
from cityhall_base.people import ListItem
from cityhall_base.words import Language, Word
from cityhall_wire.messages.people import Checklist, Item, Which
from cityhall_wire.modes import PRINTS, JobClass

KEPT_DAYS: Final = 31
"""On the bus; city hall keeps them for the auditor."""

_TESTED: Final = "test_page_day"


class ListWord(Word):
    """What is to be done with an item that a person looks at."""

    TICK = ("check.tick", "Look at it, then tick it.")
    TICKED = ("check.ticked", "Looked at and well.")
    NOT_WELL = ("check.not_well", "Reported as not well: {detail}.")


class _Tick(NamedTuple):
    ok: bool
    box: bool
    note: str
    by: str
    at: int


class _State(NamedTuple):
    """One item as it stands now."""

    name: str
    item: ListItem
    tick: _Tick | None
    found: Finding

    @property
    def settled(self) -> bool:
        """Whether the list may be completed as far as this goes: a person may find something not well, the box may not."""
        return self.tick is not None or bool(self.found.ok)

    def todo(self, language: Language) -> str:
        """Which item it is, and what to do about it."""
        text = self.item.text if language is Language.JAPANESE else self.item.text_en
        return f"{text}: {self.found.word.say(language, self.found.detail)}"


class Checklists:
    """`facts` gives what the box's own checks look at. Raises RefusedError."""

    def __init__(
        self,
        lists: Lists,
        store: BusStore,
        scribe: Scribe,
        syncer: Syncer,
        duty: Duty,
        facts: Callable[[bool], Facts],
        clock: Clock,
    ) -> None:
        self._lists, self._store, self._scribe, self._syncer = lists, store, scribe, syncer
        self._duty, self._facts, self._clock = duty, facts, clock

    def shown(self) -> tuple[ListShown, ...]:
        """Today's, as far as the city has any."""
        return tuple(self._shown(which) for which in Which if self._lists.of(which))

    def tick(self, which: Which, name: str, *, ok: bool, note: str) -> None:
        """She looked. What is not well wants a word for it; the last word counts."""
        by, state = self._duty.by(), self._state_of(which, name)
        self._check_open(which)
        if state.item.box and state.found.ok is not None:
            raise BoxLooksError
        if not ok and not note:
            raise NoteMissingError
        with self._store.event():
            self._keep(which, name, _Tick(ok, False, note, by, self._clock.utc_ms()))
            self._store.record("ticked", which=which, item=name, ok=ok, note=note, by=by)

    def complete(self, which: Which) -> None:
        """All of it is looked at; raises ListOpenError with the first item that is not, and what to do about it."""
        by, states = self._duty.by(), self._states(which)
        if not states:
            raise UnknownItemError
        self._check_open(which)
        for state in states:
            if not state.settled:
                raise ListOpenError(*(state.todo(language) for language in Language))
        now, day = self._clock.utc_ms(), self._today()
        with self._store.event() as db:
            for state in states:
                if state.tick is None:
                    self._keep(which, state.name, _Tick(True, True, "", "", now))
            db.table("checklists").insert({"day": day, "which": str(which), "by": by, "at": now})
            self._forget_old()
            self._store.record("checklist", which=which, day=day, by=by)
            self._scribe.queue(Checklist, which=which, day=day, items=tuple(map(_said, states)), by=by)
        self._syncer.tell()

    def blocks(self, job: Job) -> None:
        """Before a print: certificates wait for the opening list, and end with the closing one. Raises RefusedError."""
        if job.header.job_class is not JobClass.CERTIFICATE:
            return
        if self._lists.of(Which.CLOSING) and self._done(Which.CLOSING):
            raise ClosingDoneError
        if self._lists.of(Which.OPENING) and not self._done(Which.OPENING):
            raise OpeningMissingError

    def reminder(self) -> Word | None:
        """To be said before a resident sits down."""
        wanted = JobClass.CERTIFICATE in PRINTS[self._duty.mode] and self._lists.of(Which.OPENING)
        return Do.OPENING_LIST if wanted and not self._done(Which.OPENING) else None

    def handed_over(self, job: Job) -> None:
        """A test page counts for the day on which it was handed over; inside the running event."""
        if job.header.job_class is JobClass.TEST:
            self._store.put(_TESTED, self._today().encode())

    # --- how it stands ---

    def _shown(self, which: Which) -> ListShown:
        done = self._done(which)
        items = tuple(map(_item_shown, self._states(which)))
        at, by = done or (0, "")
        return ListShown(which=which, day=self._today(), complete=at, by=by, items=items)

    def _states(self, which: Which) -> list[_State]:
        ticks = self._ticks(which)
        tested = self._store.get(_TESTED).decode() == self._today()
        facts = self._facts(tested)
        return [_state(name, item, ticks.get(name), facts) for name, item in self._lists.of(which).items()]

    def _state_of(self, which: Which, name: str) -> _State:
        for state in self._states(which):
            if state.name == name:
                return state
        raise UnknownItemError

    def _check_open(self, which: Which) -> None:
        if self._done(which):
            raise ListDoneError

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())

    # --- what is kept ---

    def _done(self, which: Which) -> tuple[int, str] | None:
        query = 'select at, "by" from checklists where day = ? and which = ?'
        for row in self._rows(query, self._today(), which):
            return row["at"], row["by"]
        return None

    def _ticks(self, which: Which) -> Mapping[str, _Tick]:
        query = "select * from checklist_items where day = ? and which = ?"
        found = self._rows(query, self._today(), which)
        return {
            one["item"]: _Tick(bool(one["ok"]), bool(one["box"]), one["note"], one["by"], one["at"]) for one in found
        }

    def _rows(self, query: str, *values: str) -> Iterator[dict[str, Any]]:
        return self._store.rows(query, *map(str, values))

    def _keep(self, which: Which, name: str, tick: _Tick) -> None:
        values = tick._asdict() | {"ok": int(tick.ok), "box": int(tick.box)}
        with self._store.event() as db:
            row = {"day": self._today(), "which": str(which), "item": name, **values}
            db.table("checklist_items").upsert(row, pk=("day", "which", "item"))

    def _forget_old(self) -> None:
        before = (date.fromisoformat(self._today()) - timedelta(days=KEPT_DAYS)).isoformat()
        with self._store.event() as db:
            for table in ("checklist_items", "checklists"):
                db.table(table).delete_where("day < ?", [before])


def _state(name: str, item: ListItem, tick: _Tick | None, facts: Facts) -> _State:
    if item.box is None:
        return _State(name, item, tick, Finding(None, ListWord.TICK))
    found = look(item.box, facts)
    # What a person ticked while the box could not tell gives way as soon as it can.
    by_hand = tick is not None and (tick.box or found.ok is None)
    return _State(name, item, tick if by_hand else None, found)


def _said(state: _State) -> Item:
    if state.tick is None:
        return Item(item=state.name, ok=True, box=True)
    return Item(item=state.name, ok=state.tick.ok, note=state.tick.note or None)


def _item_shown(state: _State) -> ItemShown:
    tick, word, detail = state.tick, state.found.word, state.found.detail
    if tick is not None:
        word, detail = (ListWord.TICKED, "") if tick.ok else (ListWord.NOT_WELL, tick.note)
    return ItemShown(
        item=state.name,
        text=state.item.text,
        text_en=state.item.text_en,
        box=state.item.box or "",
        ok=tick.ok if tick else state.found.ok,
        by=tick.by if tick else "",
        at=tick.at if tick else 0,
        note=tick.note if tick else "",
        key=str(word),
        sentence=word.say(Language.ENGLISH, detail),
        detail=detail,
    )
