"""The interface over SQLite (cityhall_base.store): the only file of the relay that knows SQL."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cityhall_base.clock import Clock
from cityhall_relay.errors import NotFoundError
from cityhall_relay.store import rows, schema
from cityhall_relay.store.audit import AuditStore
from cityhall_relay.store.books import BookTables
from cityhall_relay.store.console import ConsoleStore
from cityhall_relay.store.duty import DutyStore
from cityhall_relay.store.sqlite_people import PeopleStore
from cityhall_relay.store.theft import TheftStore
from cityhall_relay.store.visits import VisitStore
from cityhall_wire.lifecycle import ENDS, WITHOUT_SHEET

R = TypeVar("R", bound=rows.Row)

_NO_SHEET = ", ".join(f"'{state}'" for state in sorted(WITHOUT_SHEET))
_ENDS = ", ".join(f"'{state}'" for state in sorted(ENDS))  # our own enum's values, not input


class SqliteStore(DutyStore, PeopleStore, TheftStore, VisitStore, ConsoleStore, AuditStore, BookTables):
    """`relay.db`. Raises StoreInUseError or StoreError when it cannot be opened."""

    def __init__(self, path: Path, clock: Clock, owner: str = "") -> None:
        super().__init__(path, schema.relay_migrations(), clock, owner)

    def save_session(self, session: rows.Session) -> None:
        self._upsert("sessions", session, "session")

    def session(self, session: str) -> rows.Session | None:
        return self._one(rows.Session, "sessions where session = ?", session)

    def live_sessions(self) -> list[rows.Session]:
        return self._all(rows.Session, "sessions where ended_at is null order by opened_at")

    def save_job(self, job: rows.Job) -> None:
        self._upsert("jobs", job, "job")

    def job(self, job: str) -> rows.Job | None:
        return self._one(rows.Job, "jobs where job = ?", job)

    def job_of_submission(self, submission: str) -> rows.Job | None:
        return self._one(rows.Job, "jobs where submission = ?", submission)

    def reissue_of(self, job: str) -> rows.Job | None:
        tried = f"state not in ({_NO_SHEET})"
        return self._one(rows.Job, f"jobs where reissue_of = ? and {tried}", job)

    def jobs_of_clerk(self, clerk: str, limit: int) -> list[rows.Job]:
        mine = "session in (select session from sessions where clerk = ?)"
        return self._all(rows.Job, f"jobs where {mine} order by created_at desc, job limit ?", clerk, limit)

    def jobs_of_session(self, session: str) -> list[rows.Job]:
        return self._all(rows.Job, "jobs where session = ? order by created_at, job", session)

    def live_jobs(self) -> list[rows.Job]:
        return self._all(rows.Job, f"jobs where state not in ({_ENDS}) order by created_at, job")

    def undestroyed_jobs(self) -> list[rows.Job]:
        return self._all(rows.Job, f"jobs where state in ({_ENDS}) and destroyed_at is null order by created_at")

    def add_step(self, step: rows.Step) -> None:
        self._insert("steps", step)

    def steps(self, job: str) -> list[rows.Step]:
        return self._all(rows.Step, "steps where job = ? order by n", job)

    def add_approval(self, approval: rows.Approval) -> None:
        self._insert("approvals", approval, ignore=True)

    def approvals(self, job: str) -> list[rows.Approval]:
        return self._all(rows.Approval, "approvals where job = ? order by at, clerk", job)

    def save_bus(self, bus: rows.Bus) -> None:
        self._upsert("buses", bus, "bus")

    def bus(self, bus: str) -> rows.Bus:
        return self._one(rows.Bus, "buses where bus = ?", bus) or rows.Bus(bus=bus)

    def add_release(self, release: rows.Release) -> None:
        self._insert("releases", release)

    def release(self, job: str, attempt: int) -> rows.Release | None:
        return self._one(rows.Release, "releases where job = ? and attempt = ?", job, attempt)

    def drop_releases(self, job: str) -> None:
        self.db.table("releases").delete_where("job = ?", [job])

    def add_evidence(self, evidence: rows.Evidence) -> None:
        self._insert("evidence", evidence)

    def evidence(self, incarnation: str, nonce: bytes, job: str, attempt: int, n: int) -> rows.Evidence | None:
        where = "evidence where incarnation = ? and nonce = ? and job = ? and attempt = ? and n = ?"
        return self._one(rows.Evidence, where, incarnation, nonce, job, attempt, n)

    def evidence_of_nonce(self, job: str, nonce: bytes) -> bool:
        return bool(self._all(rows.Evidence, "evidence where job = ? and nonce = ? limit 1", job, nonce))

    def save_receipt(self, receipt: rows.Receipt) -> None:
        self._upsert("receipts", receipt, ("job", "side"))

    def receipt(self, job: str, side: rows.Side) -> rows.Receipt | None:
        return self._one(rows.Receipt, "receipts where job = ? and side = ?", job, side)

    def add_sheets(self, entry: rows.SheetEntry) -> None:
        self._insert("sheet_ledger", entry, ignore=True)

    def sheets(self, job: str = "") -> list[rows.SheetEntry]:
        of_job = ("where job = ? ", job) if job else ("",)
        return self._all(rows.SheetEntry, f"sheet_ledger {of_job[0]}order by at, job", *of_job[1:])

    def name_sheets(self, job: str, attempt: int, numbers: str) -> None:
        for entry in self.sheets(job):
            if (entry.attempt, entry.kind, entry.named) == (attempt, "spoiled", ()):
                self.db.table("sheet_ledger").update((job, attempt, entry.kind), {"numbers": numbers})

    def add_incident(self, incident: rows.Incident) -> int:
        values = {name: value for name, value in _values(incident).items() if name != "n"}
        self.db.table("incidents").insert(values)
        return int(self.db.execute("select last_insert_rowid()").fetchone()[0])

    def incident(self, n: int) -> rows.Incident:
        if (found := self._one(rows.Incident, "incidents where n = ?", n)) is None:
            raise NotFoundError
        return found

    def incidents(self, bus: str = "") -> list[rows.Incident]:
        of_bus = ("where bus = ? ", bus) if bus else ("",)
        return self._all(rows.Incident, f"incidents {of_bus[0]}order by n", *of_bus[1:])

    def close_incident(self, n: int, at: int, by: str, why: str) -> None:
        if self.incident(n).open:
            self.db.table("incidents").update(n, {"closed_at": at, "closed_by": by, "closed_why": why})

    def _insert(self, table: str, row: rows.Row, *, ignore: bool = False) -> None:
        self.db.table(table).insert(_values(row), ignore=ignore)

    def _upsert(self, table: str, row: rows.Row, pk: str | tuple[str, ...]) -> None:
        self.db.table(table).upsert(_values(row), pk=pk)

    def _one(self, kind: type[R], source: str, *values: Any) -> R | None:
        return next(iter(self._all(kind, source, *values)), None)

    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]:
        # `source` is always one of the literals above; values are bound.
        names = kind.__struct_fields__
        columns = ", ".join(f'"{name}"' for name in names)  # quoted: `by` is a word of SQL
        found = self.db.execute(f"select {columns} from {source}", list(map(_plain, values)))  # noqa: S608
        return [_row(kind, dict(zip(names, values, strict=True))) for values in found.fetchall()]


def _row(kind: type[R], values: dict[str, Any]) -> R:
    # strict=False only for SQLite's sake, which knows no bool.
    return msgspec.convert(values, kind, strict=False, builtin_types=(bytes,))


def _values(row: rows.Row) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in row.__struct_fields__}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
