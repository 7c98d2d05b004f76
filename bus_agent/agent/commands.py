"""What the concierge says with a button, beside 印刷: whom she calls, where the sheets are, which duty the vehicle is on."""

import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar

from bus_agent.agent.books import Books
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import MOST_NUMBERS, Scribe
from bus_agent.agent.roster import Roster
from bus_agent.agent.rows import Job
from bus_agent.agent.seat import end_session
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    CallRefusedError,
    ExtensionRefusedError,
    NoBookingsError,
    NoSessionError,
    NoSessionHereError,
    NumbersError,
    NumbersMissingError,
    WrongStateError,
)
from cityhall_base.reasons import Reason
from cityhall_wire.books import BookEntry
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import By, Event
from cityhall_wire.messages.link import Call, Extend, HandOver, LinkMessage, NothingCameOut, Refused, Spoiled
from cityhall_wire.messages.relay import Refusal
from cityhall_wire.modes import RULES, DutyMode, may_meet

L = TypeVar("L", bound=LinkMessage)

OFF_DUTY: Final = frozenset({DutyMode.ROUTE_BUS, DutyMode.ON_THE_WAY})
"""Modes that nobody needs to be known for: nothing opens in them."""

_NUMBER_LENGTH: Final = 32


class Commands:
    """Each is one event here, and one signed fact on its way to city hall. Raises RefusedError.

    `handed_over` hear of each hand-over and `ended` of each session's end, inside its event; `called` of each call that city hall
    took: session, section, stop and slot.
    """

    def __init__(
        self, store: BusStore, duty: Duty, scribe: Scribe, syncer: Syncer, books: Books, roster: Roster
    ) -> None:
        self._store, self._duty, self._scribe, self._syncer = store, duty, scribe, syncer
        self._books, self._roster = books, roster
        self.handed_over: list[Callable[[Job], None]] = []
        self.called: list[Callable[[str, str, str, int], None]] = []
        self.ended: list[Callable[[str], None]] = []

    # --- the counter session ---

    async def call(self, section: str, stop: str, slot: int) -> None:
        """She presses a section's key. It rings at city hall when this returns; raises RefusedError or LinkError.

        Never kept for later: a call that arrives when the resident has gone would bind a clerk to an empty seat.
        """
        self._duty.lock.check()
        if not may_meet(self._duty.mode):
            raise NoSessionHereError(self._duty.mode)
        if slot and not RULES[self._duty.mode].bookings:
            raise NoBookingsError
        self._duty.by()
        session = "s" + secrets.token_hex(12)
        answer = await self._syncer.ask(Call, session=session, section=section, stop=stop, slot=slot)
        if isinstance(answer, Refusal):
            raise CallRefusedError(answer.reason)
        self._syncer.wake()
        for hear in self.called:
            hear(session, section, stop, slot)

    def end_session(self) -> None:
        """終了: the resident has left the seat. What is not at the printer is dead here at once, whatever the line does."""
        session = self._duty.session
        if session is None:
            raise NoSessionError
        with self._store.event():
            end_session(self._store, self._scribe, session.session, Reason.ENDED_ON_BUS, By.CONCIERGE)
            for hear in self.ended:
                hear(session.session)
        self._duty.forget_session(session.session)
        self._syncer.wake()

    # --- a document ---

    def hand_over(self, name: str, sheets: tuple[str, ...] = ()) -> None:
        """お渡ししました: the next sheets of the drawer, or those with these numbers."""
        job = self._store.job(name)
        self._say(name, Event.HAND_OVER, HandOver, lambda: self._books.issued(job, sheets))

    def spoiled(self, name: str, why: str, sheets: tuple[str, ...], came_out: int | None = None) -> None:
        """使えない紙が出た: with the numbers of the sheets, and how many came out where not all did."""
        job = self._store.job(name)
        if len(sheets) > MOST_NUMBERS or any(not 0 < len(number) <= _NUMBER_LENGTH for number in sheets):
            raise NumbersError
        if not len(sheets) <= (came_out or job.header.sheets) <= job.header.sheets:
            raise NumbersError
        self._check_numbers(job, sheets, came_out)
        about = {"why": why, "sheets": sheets, "came_out": came_out}
        self._say(name, Event.SPOIL, Spoiled, lambda: self._books.spoiled(job, sheets, came_out, why), **about)

    def refuse(self, job: str, why: str) -> None:
        """受付不可: it cannot be printed here, and nothing of it was."""
        self._say(job, Event.REFUSE, Refused, why=why)

    def nothing_came_out(self, job: str) -> None:
        """出てこない."""
        self._say(job, Event.NOTHING_CAME_OUT, NothingCameOut)

    # --- the duty ---

    def set_mode(self, mode: DutyMode) -> None:
        """業務モード. Leaving one ends its session, and the guard cancels what is at the printer at once. Anybody may leave."""
        if mode not in OFF_DUTY:
            self._duty.by()
        self._roster.change(mode)

    async def extend(self, minutes: int) -> None:
        """A stop runs late: ask city hall to end today's duty so much later. A clerk has to grant it within ten minutes.

        Raises RefusedError, or LinkError without a line: nobody can grant it then.
        """
        answer = await self._syncer.ask(Extend, minutes=minutes)
        if isinstance(answer, Refusal):
            raise ExtensionRefusedError(answer.reason)
        self._roster.hours.ask(minutes)

    # --- parts ---
    def _check_numbers(self, job: Job, sheets: tuple[str, ...], came_out: int | None) -> None:
        if self._duty.numbered(job) and len(sheets) < (came_out or 1):
            raise NumbersMissingError

    def _say(
        self, name: str, event: Event, kind: type[L], line: Callable[[], BookEntry | None] | None = None, **fields: Any
    ) -> None:
        self._duty.by()
        attempt = self._store.job(name).attempt
        try:
            with self._store.event():
                # Why sheets are spoiled is the book's; why nothing is printed stands beside the document.
                kept = {"why": fields["why"]} if event is Event.REFUSE else {}
                job = self._store.step(name, event, By.CONCIERGE, **kept)
                if line is not None:
                    fields["entry"] = line()
                self._scribe.queue(kind, name, attempt=attempt, **fields)
                for hear in self.handed_over if event is Event.HAND_OVER else ():
                    hear(job)
        except LifecycleError as error:
            raise WrongStateError(str(error)) from None
        self._syncer.tell()
