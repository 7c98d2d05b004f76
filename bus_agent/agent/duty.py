"""What holds at this moment: duty mode, lease, session, spooler. What of it allows a print, and what ends one.

Only the mode survives a restart. After one, nothing prints until city hall has answered a fresh nonce.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from bus_agent.agent.lock import Lock
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.errors import (
    ModeForbidsError,
    NoLeaseError,
    NoSessionError,
    NotApprovedError,
    NotCarriedError,
    RefusedError,
    SpoolerGoneError,
    WrongPaperError,
    WrongStateError,
)
from bus_agent.ipc.messages import Status
from cityhall_base.city import Paper
from cityhall_base.clock import Clock
from cityhall_base.printer_state import Note, Severity, holds, notes
from cityhall_base.words import Word
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.relay import Plan, SessionView
from cityhall_wire.modes import RULES, DutyMode, may_print

ANYBODY: Final = "concierge"
"""Who did it, in a city whose city.toml names no concierges."""

STALE_S: Final = 10
"""The spooler tells every 3 s, and asks a silent printer for at most 5 s: what is older than this is not known any more."""

_UNKNOWN: Final = PrinterSummary(state="unknown")


class OnBoard(NamedTuple):
    """What the city's configuration says of printer and papers: `lies` of its profile, and the papers by name."""

    lies: tuple[str, ...] = ()
    papers: Mapping[str, Paper] = MappingProxyType({})


class Duty:
    """Asked before a print, and after each change for what must end.

    `by` is the one door for whoever does something by hand: it gives the opaque id of who is on board, or raises the
    RefusedError that says why nobody is. `changes` hear of each change of the mode, (before, after), inside its event.
    `reminders` say what is to be done before a resident sits down.

    `blocks` are asked too before a print, each raising the RefusedError that it knows: a lock, an open difference of the
    books, a checklist that is not complete. None of them stops what is at the printer. `on_plan` hear each plan and when it was
    asked for; `hours_hold` says whether it is within the timetable's hours. Who changes the mode: bus_agent/agent/roster.py.
    """

    def __init__(
        self, store: BusStore, clock: Clock, first_mode: DutyMode, lease_s: int, on_board: OnBoard | None = None
    ) -> None:
        self._store, self._clock, self._on_board = store, clock, on_board or OnBoard()
        # A lease given before this start may still run; longer than a whole one it cannot.
        self._heard, self._deaf_until = False, clock.boottime() + lease_s
        self.mode = DutyMode(store.get("mode").decode() or first_mode)
        self.by: Callable[[], str] = lambda: ANYBODY
        self.lock = Lock(store)
        self.blocks: list[Callable[[Job], None]] = []
        self.on_plan: list[Callable[[Plan, float], None]] = []
        self.hours_hold: Callable[[], bool] = lambda: True
        self.changes: list[Callable[[DutyMode, DutyMode], None]] = []
        self.reminders: list[Callable[[], Word | None]] = []
        self.clock_ahead_ms: int | None = None
        self.session: SessionView | None = None
        self._ended_here: set[str] = set()
        self._spooler: Status | None = None
        self._told_at = 0.0
        self._lease_until = 0.0
        self._session_until = 0.0

    @property
    def lease_left_s(self) -> float:
        """Seconds; 0 without a lease."""
        return max(0.0, self._lease_until - self._clock.boottime())

    @property
    def session_left_s(self) -> float:
        """Seconds that the session may stay idle, as city hall last said."""
        return max(0.0, self._session_until - self._clock.boottime()) if self.session else 0.0

    @property
    def spooler(self) -> Status | None:
        """Its last word; None while it is gone."""
        return self._spooler

    @spooler.setter
    def spooler(self, said: Status | None) -> None:
        self._spooler, self._told_at = said, self._clock.boottime()

    @property
    def told(self) -> Status | None:
        """What the spooler said of the printer, where that is not too old to be shown as new."""
        fresh = self._clock.boottime() - self._told_at <= STALE_S
        return self._spooler if fresh else None

    @property
    def told_before_s(self) -> int | None:
        """Seconds since the spooler spoke of the printer; None while it is gone."""
        return None if self._spooler is None else int(self._clock.boottime() - self._told_at)

    @property
    def printer(self) -> PrinterSummary:
        """As the spooler sees it."""
        return self.told.printer if self.told else _UNKNOWN

    @property
    def printer_notes(self) -> tuple[Note, ...]:
        """What is to be shown of it, the most pressing first."""
        return notes(self.printer.state, self.printer.reasons, self._on_board.lies)

    def paper_name(self, job: Job) -> str:
        """As people call the paper that the document wants."""
        paper = self._on_board.papers.get(job.header.paper)
        return paper.name if paper else job.header.paper

    def numbered(self, job: Job) -> bool:
        """Whether its sheets have numbers that must be accounted for (改ざん防止用紙)."""
        paper = self._on_board.papers.get(job.header.paper)
        return paper is not None and paper.controlled

    def forget_session(self, session: str) -> None:
        """It has ended here. City hall hears of it before anything else is asked, and no plan of before brings it back."""
        self._ended_here.add(session)
        if _id(self.session) == session:
            self.session = None

    def drop(self) -> None:
        """Lease and session are forgotten, and a plan that is on its way does not bring them back."""
        self._lease_until, self._session_until = 0.0, 0.0
        if self.session is not None:
            self.forget_session(self.session.session)

    def hear(self, plan: Plan, nonce: bytes, sent_at: float) -> None:
        """Lease and session of a plan; the lease counts from `sent_at` (CLOCK_BOOTTIME) and answers only our nonce."""
        for hears in self.on_plan:
            hears(plan, sent_at)
        self.lock.hear(plan.locked)
        if self.lock.destroys:
            plan = msgspec.structs.replace(plan, lease=None, session=None)
        if plan.lease is not None and plan.lease.nonce == nonce:
            self._lease_until = sent_at + plan.lease.seconds
        if plan.lease is None:
            self._lease_until = 0.0
        self._heard = True
        self.clock_ahead_ms = self._clock.utc_ms() - plan.at
        # A plan that was asked for before the concierge ended the session does not bring it back.
        session = plan.session if _id(plan.session) not in self._ended_here else None
        self._session_until = self._clock.boottime() + (session.seconds_left if session else 0)
        if _id(session) != _id(self.session):
            with self._store.event():
                self._store.record("session", session=_id(session))
        self.session = session

    def check(self, job: Job) -> None:
        """Raises the RefusedError that says why this job may not be printed now."""
        if job.state is not JobState.ON_BUS:
            raise NotCarriedError if job.state is JobState.OFFERED else WrongStateError(job.state)
        if not job.whole:
            raise NotCarriedError
        if not job.approved:
            raise NotApprovedError
        self.lock.check()  # a lock takes lease and session too, whose sentences would hide it
        if self.spooler is None:
            raise SpoolerGoneError
        if self.told and not holds(self.told.media_ready, job.header.media):
            raise WrongPaperError
        self._check_moment(job)
        for block in self.blocks:
            block(job)

    def expects(self, job: Job) -> bool:
        """Whether this job may be printed as soon as the clerk allows it."""
        try:
            self.check(msgspec.structs.replace(job, approved=True))
        except RefusedError:
            return False
        return True

    def why_end(self, job: Job) -> str | None:
        """Why a job at the printer must be stopped now (invariant I10); None where it may go on.

        After a restart lease and session are unknown until the first plan: what already prints is not stopped for that. Nor does
        a lease that lapses in a dead zone disturb a sheet that is moving already: only a printer that stands could be refilled.
        """
        if self.lock.destroys:
            return self.lock.reason
        if not self._permits(job):
            return "mode_left"
        if not self._heard and self._clock.boottime() < self._deaf_until:
            return None
        if _id(self.session) != job.session:
            return "session_ended"
        return None if self.lease_left_s or self._moving(job) else "lease_lapsed"

    @property
    def stands(self) -> bool:
        """Whether the printer needs a hand before it prints, or cannot be asked."""
        return any(note.severity is Severity.NOW for note in self.printer_notes)

    def _moving(self, job: Job) -> bool:
        """Whether the printer took the document whole and is putting it on paper by itself."""
        whole = job.state is JobState.PRINTING and bool(job.sent)
        return whole and self.printer.state == "processing" and not self.stands

    def _permits(self, job: Job) -> bool:
        return may_print(self.mode, job.header.job_class) and (not RULES[self.mode].timed or self.hours_hold())

    def _check_moment(self, job: Job) -> None:
        if not self._permits(job):
            raise ModeForbidsError(self.mode)
        if not self.lease_left_s:
            raise NoLeaseError
        if _id(self.session) != job.session:
            raise NoSessionError


def _id(session: SessionView | None) -> str:
    return session.session if session else ""


def inventory(jobs: list[Job]) -> bytes:
    """The bytes whose digest tells city hall whether the inventory is news."""
    return msgspec.json.encode([job.holding for job in jobs])
