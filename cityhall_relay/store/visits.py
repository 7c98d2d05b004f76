"""What the relay remembers of visits beside their documents: slots of a day, the clerk's checks, faces. No name is in it."""

from typing import Any, Protocol, TypeVar

from sqlite_utils import Database

from cityhall_relay.store import rows
from cityhall_wire import strict_json
from cityhall_wire.messages.visit import Slot

R = TypeVar("R", bound=rows.Row)


class DayPlan(rows.Row, frozen=True, kw_only=True):
    """The slots (予約枠) of one bus and JST date, as they were imported last. `at` is UTC milliseconds."""

    bus: str
    day: str
    slots: str  # the very text that is digested: cityhall_wire.messages.visit.encode_slots
    by: str
    at: int

    @property
    def read(self) -> tuple[Slot, ...]:
        """The slots, by start."""
        return strict_json.decode(self.slots.encode(), tuple[Slot, ...])


class Checks(rows.Row, frozen=True, kw_only=True):
    """What the clerk of one session has checked. `identity` is a kind of document, never what stands in it."""

    session: str
    identity: str
    support: bool  # 支援措置: whether this person is under protection was looked up
    by: str
    at: int

    @property
    def complete(self) -> bool:
        """Whether both are made (`SessionView.checked`): without an identity there is no row."""
        return self.support


class Face(rows.Row, frozen=True, kw_only=True):
    """利用者の声 of one session: 3 good, 2 so-so, 1 not good."""

    session: str
    bus: str
    face: int
    at: int


def visits(db: Database) -> None:
    """Migration 0011."""
    plans: dict[str, Any] = {"bus": str, "day": str, "slots": str, "by": str, "at": int}
    db.table("day_plans").create(plans, pk=("bus", "day"), not_null=set(plans), strict=True)
    checks = {"session": str, "identity": str, "support": int, "by": str, "at": int}
    db.table("checks").create(checks, pk="session", not_null=set(checks), strict=True)
    faces = {"session": str, "bus": str, "face": int, "at": int}
    db.table("faces").create(faces, pk="session", not_null=set(faces), strict=True)
    db.table("buses").add_column("stop", str, not_null_default="")


class _Tables(Protocol):
    @property
    def db(self) -> Database: ...
    def _one(self, kind: type[R], source: str, *values: Any) -> R | None: ...
    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]: ...
    def _insert(self, table: str, row: rows.Row, *, ignore: bool = False) -> None: ...
    def _upsert(self, table: str, row: rows.Row, pk: str | tuple[str, ...]) -> None: ...


class VisitStore:
    """The part of SqliteStore that is about visits."""

    def save_day_plan(self: _Tables, plan: DayPlan) -> None:
        self._upsert("day_plans", plan, ("bus", "day"))

    def day_plan(self: _Tables, bus: str, day: str) -> DayPlan | None:
        return self._one(DayPlan, "day_plans where bus = ? and day = ?", bus, day)

    def save_checks(self: _Tables, checks: Checks) -> None:
        self._upsert("checks", checks, "session")

    def checks(self: _Tables, session: str) -> Checks | None:
        return self._one(Checks, "checks where session = ?", session)

    def add_face(self: _Tables, face: Face) -> None:
        self._insert("faces", face)

    def face(self: _Tables, session: str) -> Face | None:
        return self._one(Face, "faces where session = ?", session)

    def faces_between(self: _Tables, bus: str, since: int, until: int) -> list[Face]:
        sessions = "select session from sessions where opened_at >= ? and opened_at < ?"
        return self._all(Face, f"faces where bus = ? and session in ({sessions})", bus, since, until)
