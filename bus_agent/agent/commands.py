"""What the concierge says with a button, beside 印刷: whom she calls, where the sheets are, which duty the vehicle is on."""

import secrets
from typing import Any, Final, TypeVar

from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import MOST_NUMBERS, Scribe
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    CallRefusedError,
    ModeForbidsError,
    NoSessionError,
    NumbersError,
    NumbersMissingError,
    WrongStateError,
)
from cityhall_base.reasons import Reason
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event
from cityhall_wire.messages.link import Call, HandOver, LinkMessage, NothingCameOut, Refused, SessionEnd, Spoiled
from cityhall_wire.messages.relay import Refusal
from cityhall_wire.modes import PRINTS, DutyMode

L = TypeVar("L", bound=LinkMessage)

_NUMBER_LENGTH: Final = 32


class Commands:
    """Each is one event here, and one signed fact on its way to city hall. Raises RefusedError."""

    def __init__(self, store: BusStore, duty: Duty, scribe: Scribe, syncer: Syncer) -> None:
        self._store, self._duty, self._scribe, self._syncer = store, duty, scribe, syncer

    # --- the counter session ---

    async def call(self, section: str, stop: str, slot: int) -> None:
        """She presses a section's key. It rings at city hall when this returns; raises RefusedError or LinkError.

        Never kept for later: a call that arrives when the resident has gone would bind a clerk to an empty seat.
        """
        self._duty.lock.check()
        if not PRINTS[self._duty.mode]:
            raise ModeForbidsError(self._duty.mode)
        session = "s" + secrets.token_hex(12)
        answer = await self._syncer.ask(Call, session=session, section=section, stop=stop, slot=slot)
        if isinstance(answer, Refusal):
            raise CallRefusedError(answer.reason)
        self._syncer.wake()

    def end_session(self) -> None:
        """終了: the resident has left the seat. What is not at the printer is dead here at once, whatever the line does."""
        session = self._duty.session
        if session is None:
            raise NoSessionError
        with self._store.event():
            for job in self._store.jobs():
                if job.session == session.session and job.state in BEFORE_RELEASE:
                    self._store.step(job.job, Event.SESSION_END, By.CONCIERGE, why=Reason.ENDED_ON_BUS.bare)
            self._duty.end_session()
            self._scribe.queue(SessionEnd, session=session.session)
        self._syncer.wake()

    # --- a document ---

    def hand_over(self, job: str) -> None:
        """お渡ししました."""
        self._say(job, Event.HAND_OVER, HandOver)

    def spoiled(self, name: str, why: str, sheets: tuple[str, ...], came_out: int | None = None) -> None:
        """使えない紙が出た: with the numbers of the sheets, and how many came out where not all did."""
        job = self._store.job(name)
        if len(sheets) > MOST_NUMBERS or any(not 0 < len(number) <= _NUMBER_LENGTH for number in sheets):
            raise NumbersError
        if not len(sheets) <= (came_out or job.header.sheets) <= job.header.sheets:
            raise NumbersError
        self._check_numbers(job, sheets, came_out)
        self._say(name, Event.SPOIL, Spoiled, why=why, sheets=sheets, came_out=came_out)

    def refuse(self, job: str, why: str) -> None:
        """受付不可: it cannot be printed here, and nothing of it was."""
        self._say(job, Event.REFUSE, Refused, why=why)

    def nothing_came_out(self, job: str) -> None:
        """出てこない."""
        self._say(job, Event.NOTHING_CAME_OUT, NothingCameOut)

    def set_mode(self, mode: DutyMode) -> None:
        """Leaving a printing mode cancels what is at the printer; the guard sees to it at once."""
        self._duty.set_mode(mode)
        self._syncer.wake()

    def _check_numbers(self, job: Job, sheets: tuple[str, ...], came_out: int | None) -> None:
        if self._duty.numbered(job) and len(sheets) < (came_out or 1):
            raise NumbersMissingError

    def _say(self, name: str, event: Event, kind: type[L], **fields: Any) -> None:
        attempt = self._store.job(name).attempt
        try:
            with self._store.event():
                self._store.step(name, event, By.CONCIERGE)
                self._scribe.queue(kind, name, attempt=attempt, **fields)
        except LifecycleError as error:
            raise WrongStateError(str(error)) from None
        self._syncer.tell()
