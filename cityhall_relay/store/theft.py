"""What the relay remembers of buses that were taken out of service: the table, its rows, and how they are read and written."""

from typing import Any, Protocol, TypeVar

import msgspec
from sqlite_utils import Database

from cityhall_relay.store import rows
from cityhall_wire.lifecycle import JobState

R = TypeVar("R", bound=rows.Row)


class Suspension(rows.Row, frozen=True, kw_only=True):
    """One bus, out of service since `at` until two persons lifted it. `held` and `done` are JSON texts."""

    n: int = 0
    bus: str
    kind: str  # revoked by a person or from on board, or clone: two boxes speak with its keys
    reason: str
    by: str  # a clerk's opaque id; `bus` for panic on board, `relay` for a clone
    at: int
    held: str = "{}"  # each job of the bus that it has not signed away → the state in which it stood then
    session: str = ""  # the counter session that ended with it
    done: str = "{}"  # each step of the revocation that is through → when
    gone_at: int | None = None  # the broker said that the live connection was cut
    wish_by: str = ""  # the first person who wants the bus back
    wish_why: str = ""
    wish_at: int | None = None
    lifted_at: int | None = None
    lifted_by: str = ""
    lifted_why: str = ""

    @property
    def open(self) -> bool:
        """Whether it still holds."""
        return self.lifted_at is None

    @property
    def states(self) -> dict[str, JobState]:
        """`held`, read."""
        return msgspec.json.decode(self.held, type=dict[str, JobState])

    @property
    def steps(self) -> dict[str, int]:
        """`done`, read."""
        return msgspec.json.decode(self.done, type=dict[str, int])


class Signed(rows.Row, frozen=True, kw_only=True):
    """One part of the signed statement about a suspension."""

    suspension: int
    part: int
    bus: str
    at: int
    envelope: bytes


def theft(db: Database) -> None:
    """Migration 0009."""
    db.execute("alter table buses add column token_for blob not null default x''")
    for column in ("token_floor", "lease_until"):
        db.table("buses").add_column(column, int, not_null_default=0)
    db.table("buses").add_column("locked", str, not_null_default="")
    text = ("bus", "kind", "reason", "by", "held", "session", "done", "wish_by", "wish_why", "lifted_by", "lifted_why")
    times = {"gone_at": int, "wish_at": int, "lifted_at": int}
    columns: dict[str, Any] = {"n": int, **dict.fromkeys(text, str), "at": int}
    db.table("suspensions").create(columns | times, pk="n", not_null=set(columns), strict=True)
    db.table("suspensions").create_index(["bus"])
    signed = {"suspension": int, "part": int, "bus": str, "at": int, "envelope": bytes}
    db.table("statements").create(signed, pk=("suspension", "part"), not_null=set(signed), strict=True)


class _Tables(Protocol):
    @property
    def db(self) -> Database: ...
    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]: ...
    def _insert(self, table: str, row: rows.Row, *, ignore: bool = False) -> None: ...
    def _upsert(self, table: str, row: rows.Row, pk: str | tuple[str, ...]) -> None: ...


class TheftStore:
    """Beside SqliteStore."""

    def jobs_not_signed_away(self: _Tables, bus: str) -> list[rows.Job]:
        signed = "select job from receipts where side = 'bus'"
        return self._all(rows.Job, f"jobs where bus = ? and job not in ({signed}) order by created_at, job", bus)

    def signed_away(self: _Tables, bus: str) -> int:
        signed = "select count(*) from receipts join jobs using (job) where side = 'bus' and bus = ?"
        return int(self.db.execute(signed, [bus]).fetchone()[0])

    def evidence_of_job(self: _Tables, job: str) -> list[rows.Evidence]:
        return self._all(rows.Evidence, "evidence where job = ? order by at, n", job)

    def suspensions(self: _Tables, bus: str = "") -> list[Suspension]:
        of_bus = ("where bus = ? ", bus) if bus else ("",)
        return self._all(Suspension, f"suspensions {of_bus[0]}order by n", *of_bus[1:])

    def add_suspension(self: _Tables, suspension: Suspension) -> None:
        last = self.db.execute("select coalesce(max(n), 0) from suspensions").fetchone()[0]
        self._insert("suspensions", msgspec.structs.replace(suspension, n=last + 1))

    def save_suspension(self: _Tables, suspension: Suspension) -> None:
        self._upsert("suspensions", suspension, "n")

    def add_statement(self: _Tables, signed: Signed) -> None:
        self._insert("statements", signed)

    def statements(self: _Tables, bus: str) -> list[Signed]:
        """Every part of every statement about this bus, oldest first."""
        return self._all(Signed, "statements where bus = ? order by suspension, part", bus)
