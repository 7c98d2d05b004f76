"""Who gets which message: one print at a time, and a memory of the last attempts of this incarnation."""

import logging
import os
from typing import Final

import msgspec

from bus_agent.errors import BodyError, BusyError
from bus_agent.ipc.channel import Received
from bus_agent.ipc.messages import Answered, Cancel, Committed, Declined, Print, Recover, StandBy, ToSpooler
from bus_agent.spooler.attempt import Attempt
from bus_agent.spooler.case import Case, Tools
from bus_agent.spooler.recovery import Recovery
from cityhall_wire.errors import WireError

REMEMBERED: Final = 64
"""Attempts whose statements can be repeated: the bus holds at most 20 jobs."""

log = logging.getLogger(__name__)


class Desk:
    """Lives as long as its incarnation."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._cases: dict[tuple[str, int], Case] = {}

    @property
    def live(self) -> list[Case]:
        """Cases that are not over."""
        return [case for case in self._cases.values() if not case.over]

    @property
    def busy(self) -> str | None:
        """The job that is being printed or watched."""
        return next((case.job for case in self.live), None)

    def take(self, received: Received[ToSpooler]) -> None:
        """One message of the agent; its descriptor is closed wherever it is not used."""
        message, fd = received
        if isinstance(message, Print) and fd is not None:
            self._print(message, fd)
            return
        if fd is not None:
            os.close(fd)
        match message:
            case Print():
                self._decline(message, BodyError.key)
            case Recover():
                self._recover(message)
            case Answered() | Committed():
                self._pass_on(message)
            case Cancel():
                self._cancel(message)
            case StandBy():
                self._tools.standby.want(message.wanted)

    def agent_gone(self) -> None:
        """No printer step from here on but Cancel-Job."""
        self._tools.standby.end()
        for case in self.live:
            case.agent_gone()

    def stop(self) -> None:
        """The spooler is being stopped: like a session's end."""
        self._tools.standby.end()
        for case in self.live:
            case.cancel("spooler_stopped")

    def _print(self, message: Print, fd: int) -> None:
        if self.busy:
            os.close(fd)
            self._decline(message, BusyError.key)
            return
        self._begin(Attempt(self._tools, message, fd))

    def _recover(self, message: Recover) -> None:
        known = self._cases.get((message.job, message.attempt))
        try:
            recovery = Recovery(self._tools, message)
        except WireError as error:
            log.warning("%s-%d: %s", message.job, message.attempt, error)
            return
        if known and known.request and known.request.nonce == recovery.request.nonce:
            known.repeat()
            return
        if known and not known.over:
            # Whoever asked the printer now would prove what its opener makes untrue a moment later.
            log.warning("%s: another request of an attempt that is under way", known.name)
            return
        self._begin(recovery)

    def _begin(self, case: Case) -> None:
        key = (case.job, case.attempt)
        self._cases.pop(key, None)
        self._cases[key] = case
        for old in [key for key, case in self._cases.items() if case.over][:-REMEMBERED]:
            del self._cases[old]
        case.start()

    def _pass_on(self, message: Answered | Committed) -> None:
        case = self._cases.get((message.job, message.attempt))
        if isinstance(case, Attempt) and not case.over:
            case.take(message)
        else:
            log.info("%s-%d: nobody waits for %s", message.job, message.attempt, type(message).__name__)

    def _cancel(self, message: Cancel) -> None:
        case = self._cases.get((message.job, message.attempt))
        if case is not None:
            case.cancel(message.why)

    def _decline(self, message: Print, key: str) -> None:
        declined: msgspec.Struct = Declined(job=message.job, attempt=message.attempt, key=key)
        self._tools.say(declined)
