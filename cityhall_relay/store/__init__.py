"""What the relay remembers, behind one small interface: a group of towns puts PostgreSQL behind the same methods.

Everything that is written is written inside `event()`, together with its row of the hash-chained journal.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from cityhall_relay.store.audit import Journal, Kept
from cityhall_relay.store.console import Account, SignIn, Tries
from cityhall_relay.store.duty import DutyChange, Extension
from cityhall_relay.store.people_rows import Checklist, ModeSeen, SignedIn, Substitute
from cityhall_relay.store.rows import (
    Approval,
    Bus,
    Evidence,
    Incident,
    Job,
    Receipt,
    Release,
    Session,
    SheetEntry,
    Side,
    Step,
)
from cityhall_relay.store.sqlite import SqliteStore
from cityhall_relay.store.theft import Signed, Suspension
from cityhall_relay.store.visits import Checks, DayPlan, Face
from cityhall_wire.books import BookEntry

__all__ = ["RelayStore", "Signed", "SqliteStore", "Suspension"]


class RelayStore(Protocol):
    """The relay's memory. Used from one thread."""

    after_commit: Callable[[], None]

    def event(self) -> AbstractContextManager[object]:
        """One transaction: what happened, the new state and the journal row become true together or not at all."""

    def record(self, kind: str, job: str = "", **body: Any) -> None:
        """The journal row of the running event."""

    def checkpoint(self) -> None:
        """Leave nothing that was deleted in any log of the database. Raises StoreError."""

    def verify_journal(self) -> int:
        """Rows of the journal; raises StoreError where one does not follow from the one before it."""

    def close(self) -> None:
        """Let the next process have it."""

    def save_session(self, session: Session) -> None:
        """Add or replace."""

    def session(self, session: str) -> Session | None:
        """By id."""

    def live_sessions(self) -> list[Session]:
        """At most one for each bus and each clerk."""

    def save_job(self, job: Job) -> None:
        """Add or replace."""

    def job(self, job: str) -> Job | None:
        """By id."""

    def job_of_submission(self, submission: str) -> Job | None:
        """By the client's own number."""

    def reissue_of(self, job: str) -> Job | None:
        """The reissue of a spoiled job that is under way or has used paper."""

    def jobs_of_clerk(self, clerk: str, limit: int) -> list[Job]:
        """Newest first."""

    def jobs_of_session(self, session: str) -> list[Job]:
        """Oldest first."""

    def jobs_not_signed_away(self, bus: str) -> list[Job]:
        """Every job of the bus whose deletion it has not signed, oldest first."""

    def signed_away(self, bus: str) -> int:
        """How many it has."""

    def live_jobs(self) -> list[Job]:
        """Every job that has not ended, oldest first."""

    def undestroyed_jobs(self) -> list[Job]:
        """Ended, and city hall's own deletion receipt is not signed yet."""

    def add_step(self, step: Step) -> None:
        """One more step of a job."""

    def steps(self, job: str) -> list[Step]:
        """In order."""

    def add_approval(self, approval: Approval) -> None:
        """A clerk counts once for each job; a second one of the same clerk changes nothing."""

    def approvals(self, job: str) -> list[Approval]:
        """In order."""

    def save_bus(self, bus: Bus) -> None:
        """Add or replace."""

    def bus(self, bus: str) -> Bus:
        """What it last said; an empty row for a bus that never called."""

    def add_release(self, release: Release) -> None:
        """One for each (job, attempt)."""

    def release(self, job: str, attempt: int) -> Release | None:
        """As it was sent."""

    def drop_releases(self, job: str) -> None:
        """Of all attempts."""

    def add_evidence(self, evidence: Evidence) -> None:
        """Unique by incarnation, nonce, job, attempt and n."""

    def evidence(self, incarnation: str, nonce: bytes, job: str, attempt: int, n: int) -> Evidence | None:
        """One statement."""

    def evidence_of_nonce(self, job: str, nonce: bytes) -> bool:
        """Whether a spooler has already said something about the attempt that began with this nonce."""

    def evidence_of_job(self, job: str) -> list[Evidence]:
        """Every statement about it, in the order in which they came."""

    def save_receipt(self, receipt: Receipt) -> None:
        """Add or replace."""

    def receipt(self, job: str, side: Side) -> Receipt | None:
        """The deletion receipt of one side."""

    def add_sheets(self, entry: SheetEntry) -> None:
        """A line of the sheet ledger; the same line twice is one line."""

    def sheets(self, job: str = "") -> list[SheetEntry]:
        """The ledger, whole or of one job."""

    def name_sheets(self, job: str, attempt: int, numbers: str) -> None:
        """The numbers of sheets that were entered as spoiled without them; the others keep theirs."""

    def add_entry(self, bus: str, entry: BookEntry, at: int) -> bool:
        """A line of a bus's book; whether it is news. One that is known stays as it is."""

    def entry(self, bus: str, entry: str) -> BookEntry | None:
        """A line by id."""

    def correction(self, bus: str, entry: str) -> BookEntry | None:
        """The line that takes this one back."""

    def entries(self, bus: str, after: int = 0) -> list[BookEntry]:
        """The bus's book in the bus's order, from the line after this number on."""

    def corrected(self, bus: str) -> frozenset[str]:
        """The ids of lines that another line takes back."""

    def entries_of(self, bus: str, month: str) -> list[BookEntry]:
        """Those whose JST date begins so (2026-11, or a whole date), in the bus's order."""

    def book_mark(self, bus: str) -> tuple[int, int, str]:
        """How many lines there are, and number and id of the last."""

    def add_wish(self, bus: str, wish: BookEntry, at: int) -> None:
        """A line that the bus shall write; the same wish twice is one."""

    def wishes(self, bus: str) -> list[BookEntry]:
        """Those that the bus has not written yet, oldest first."""

    def end_wish(self, bus: str, wish: str) -> None:
        """It is in the book."""

    def add_incident(self, incident: Incident) -> int:
        """A new one; its number."""

    def incident(self, n: int) -> Incident:
        """By number; raises NotFoundError."""

    def incidents(self, bus: str = "") -> list[Incident]:
        """All of them, or of one bus, oldest first."""

    def close_incident(self, n: int, at: int, by: str, why: str) -> None:
        """It is closed; one that is closed already stays as it is."""

    def open_incidents(self, what: str) -> list[Incident]:
        """Of one kind, oldest first."""

    def add_duty_change(self, change: DutyChange) -> bool:
        """Whether it is news: the same change twice is one."""

    def duty_changes(self, bus: str, day: str) -> list[DutyChange]:
        """Of one JST date, in order."""

    def add_extension(self, asked: Extension) -> None:
        """A new one; its number is given here."""

    def extensions(self, bus: str, day: str) -> list[Extension]:
        """Asked for and granted on one JST date, oldest first."""

    def grant_extension(self, n: int, at: int, clerk: str) -> None:
        """A clerk lets it be."""

    # --- who was on board, and what was looked at ---

    def add_checklist(self, row: Checklist) -> None:
        """A completed one; those before it stay."""

    def checklists(self, bus: str, day: str) -> list[Checklist]:
        """Of one JST day, in the order in which they came."""

    def add_signed_in(self, row: SignedIn) -> None:
        """Somebody came or went."""

    def signed_in(self, bus: str, since: int, until: int) -> list[SignedIn]:
        """From `since` to before `until`, both UTC milliseconds by the bus's clock."""

    def last_signed_in(self, bus: str) -> SignedIn | None:
        """The newest."""

    def save_substitute(self, row: Substitute) -> None:
        """Add or replace."""

    def substitutes(self, bus: str) -> list[Substitute]:
        """Newest first."""

    def add_mode_seen(self, row: ModeSeen) -> None:
        """A change of the duty mode, or the first sync of a day."""

    def last_mode(self, bus: str) -> ModeSeen | None:
        """The newest."""

    def modes_seen(self, bus: str, day: str) -> list[ModeSeen]:
        """Of one JST day, in order."""

    def sessions_between(self, bus: str, since: int, until: int) -> list[Session]:
        """Opened from `since` to before `until`, UTC milliseconds; oldest first."""

    def suspensions(self, bus: str = "") -> list[Suspension]:
        """All of them, or of one bus, oldest first."""

    def add_suspension(self, suspension: Suspension) -> None:
        """A new one; its number is given here."""

    def save_suspension(self, suspension: Suspension) -> None:
        """Replace the one of this number."""

    def add_statement(self, signed: Signed) -> None:
        """One part of the signed statement about a suspension."""

    def statements(self, bus: str) -> list[Signed]:
        """Every part of every statement about this bus, oldest first."""

    # --- visits, beside their documents ---

    def save_day_plan(self, plan: DayPlan) -> None:
        """Add or replace."""

    def day_plan(self, bus: str, day: str) -> DayPlan | None:
        """Of one JST day."""

    def save_checks(self, checks: Checks) -> None:
        """Add or replace."""

    def checks(self, session: str) -> Checks | None:
        """What its clerk has checked."""

    def add_face(self, face: Face) -> None:
        """One of a session that has none."""

    def face(self, session: str) -> Face | None:
        """What the visitor thought of it."""

    def faces_between(self, bus: str, since: int, until: int) -> list[Face]:
        """Of the sessions that were opened from `since` to before `until`, UTC milliseconds."""

    # --- the console ---

    def save_account(self, account: Account) -> None:
        """Add or replace."""

    def account(self, who: str) -> Account | None:
        """By its opaque id."""

    def accounts(self) -> list[Account]:
        """All of them."""

    def add_sign_in(self, one: SignIn) -> None:
        """A browser is signed in."""

    def sign_in(self, digest: bytes) -> SignIn | None:
        """By the digest of its id."""

    def sign_ins(self, who: str) -> list[SignIn]:
        """Of one account, oldest first."""

    def stale_sign_ins(self, seen_before: int, made_before: int) -> list[SignIn]:
        """Not seen since then, or older than that; UTC milliseconds."""

    def saw_sign_in(self, digest: bytes, at: int) -> None:
        """Somebody did something in it."""

    def drop_sign_in(self, digest: bytes) -> None:
        """It is over."""

    def save_tries(self, tries: Tries) -> None:
        """Add or replace."""

    def tries(self, key: bytes) -> Tries | None:
        """Wrong tries of one account or address."""

    def drop_tries(self, key: bytes) -> None:
        """Forgiven."""

    def old_tries(self, before: int, most: int) -> bool:
        """Whether there are some of before that time, or more than `most`."""

    def drop_old_tries(self, before: int, most: int) -> None:
        """Those before that time, and the oldest beyond `most` of them."""

    # --- what an auditor reads and keeps ---

    def journal(self) -> Journal:
        """The journal for another thread, through a connection of its own; to be used in `with`."""

    def add_digest(self, kept: Kept) -> None:
        """Of a day that has none."""

    def digest(self, day: str) -> Kept | None:
        """Of one JST date."""

    def last_digest(self) -> Kept | None:
        """The newest."""

    def digests(self, since: str, until: str, limit: int) -> list[Kept]:
        """Of these JST dates, both included; newest first."""
