"""Where the bus stands (会場): what the concierge says of it, kept over restarts, and said to city hall.

It is forgotten as soon as it may be wrong or is nobody's business: on the way, and in modes in which nobody looks where the
vehicle is (cityhall_wire/modes.py, `position`).
"""

from collections.abc import Container
from typing import Final

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.roster import Roster
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import NoStopHereError, UnknownStopError
from cityhall_wire.messages.visit import AtStop
from cityhall_wire.modes import RULES, DutyMode, Seat

_STOP: Final = "stop"


class Stops:
    """`known` are the stops of city.toml. Raises RefusedError."""

    def __init__(
        self, known: Container[str], store: BusStore, scribe: Scribe, syncer: Syncer, duty: Duty, roster: Roster
    ) -> None:
        self._known, self._store, self._scribe, self._syncer = known, store, scribe, syncer
        self._duty, self._roster = duty, roster

    @property
    def now(self) -> str:
        """Its name in city.toml; empty: nowhere, or at one that the city has given up."""
        kept = self._store.get(_STOP).decode()
        return kept if kept in self._known else ""

    def arrive(self, stop: str) -> None:
        """The bus has come to a stop. From 移動中 it is a city hall again with that, where the roster lets it be one."""
        if stop not in self._known:
            raise UnknownStopError
        mode = self._duty.mode
        if not RULES[mode].position:
            raise NoStopHereError
        self._duty.by()
        if mode is DutyMode.ON_THE_WAY:
            self._roster.change(DutyMode.CITY_HALL, lambda: self._put(stop))
        else:
            with self._store.event():
                self._put(stop)
        self._syncer.tell()

    def leave(self) -> None:
        """It goes on; a counter is closed with that. Anybody may say so."""
        if RULES[self._duty.mode].seat is Seat.COUNTER and self._roster.hours.hold():
            self._roster.change(DutyMode.ON_THE_WAY)
        else:
            with self._store.event():
                self._put("")
        self._syncer.tell()

    def changed(self, before: DutyMode, after: DutyMode) -> None:
        """The mode is another one; inside its event."""
        if after is DutyMode.ON_THE_WAY or not RULES[after].position:
            self._put("")

    def _put(self, stop: str) -> None:
        if self._store.get(_STOP).decode() == stop:
            return
        self._store.put(_STOP, stop.encode())
        self._store.record("at_stop", stop=stop)
        self._scribe.queue(AtStop, stop=stop or None)
