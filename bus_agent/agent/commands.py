"""What the concierge says with a button, beside 印刷: where the sheets are, and which duty the vehicle is on."""

from typing import Any, Final, TypeVar

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import MOST_NUMBERS, Scribe
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import RefusedError, WrongStateError
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import By, Event
from cityhall_wire.messages.link import HandOver, LinkMessage, NothingCameOut, Spoiled
from cityhall_wire.modes import DutyMode

L = TypeVar("L", bound=LinkMessage)

_NUMBER_LENGTH: Final = 32


class NumbersError(RefusedError):
    """At most 100 sheet numbers of at most 32 characters each."""

    key = "refused.numbers"


class Commands:
    """Each is one event here, and one signed fact on its way to city hall. Raises RefusedError."""

    def __init__(self, store: BusStore, duty: Duty, scribe: Scribe, syncer: Syncer) -> None:
        self._store, self._duty, self._scribe, self._syncer = store, duty, scribe, syncer

    def hand_over(self, job: str) -> None:
        """お渡ししました."""
        self._say(job, Event.HAND_OVER, HandOver)

    def spoiled(self, job: str, why: str, sheets: tuple[str, ...]) -> None:
        """使えない紙が出た, with the sheets' numbers where they are known."""
        if len(sheets) > MOST_NUMBERS or any(len(number) > _NUMBER_LENGTH for number in sheets):
            raise NumbersError
        self._say(job, Event.SPOIL, Spoiled, why=why, sheets=sheets)

    def nothing_came_out(self, job: str) -> None:
        """出てこない."""
        self._say(job, Event.NOTHING_CAME_OUT, NothingCameOut)

    def set_mode(self, mode: DutyMode) -> None:
        """Leaving a printing mode cancels what is at the printer; the guard sees to it at once."""
        self._duty.set_mode(mode)
        self._syncer.wake()

    def _say(self, name: str, event: Event, kind: type[L], **fields: Any) -> None:
        attempt = self._store.job(name).attempt
        try:
            with self._store.event():
                self._store.step(name, event, By.CONCIERGE)
                self._scribe.queue(kind, name, attempt=attempt, **fields)
        except LifecycleError as error:
            raise WrongStateError(str(error)) from None
        self._syncer.tell()
