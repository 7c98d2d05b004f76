"""What the relay remembers of duty: the changes that buses told, and the extensions that were asked for and granted."""

from typing import Any, Protocol, TypeVar

from sqlite_utils import Database

from cityhall_relay.store import rows

R = TypeVar("R", bound=rows.Row)


class DutyChange(rows.Row, frozen=True, kw_only=True):
    """A bus changed its mode, as it told: `since` by its own clock, `at` by city hall's. `day` is the JST date of `since`."""

    bus: str
    since: int
    mode: str
    why: str  # cityhall_wire.modes.DutyCause
    day: str
    at: int


class Extension(rows.Row, frozen=True, kw_only=True):
    """The concierge asked to end this day's duty later; granted once `granted_at` is set. Times are UTC milliseconds."""

    n: int = 0
    bus: str
    day: str
    minutes: int
    asked_at: int
    granted_at: int | None = None
    clerk: str = ""

    @property
    def granted(self) -> bool:
        """Whether a clerk has let it be."""
        return self.granted_at is not None


def duty(db: Database) -> None:
    """Migration 0008."""
    changes = {"bus": str, "since": int, "mode": str, "why": str, "day": str, "at": int}
    # A fact that is signed anew under a higher number is the same fact.
    db.table("duty_changes").create(changes, pk=("bus", "since", "mode"), not_null=set(changes), strict=True)
    asked = {"n": int, "bus": str, "day": str, "minutes": int, "asked_at": int, "clerk": str}
    db.table("extensions").create(asked | {"granted_at": int}, pk="n", not_null=set(asked), strict=True)
    db.table("extensions").create_index(["bus", "day"])


class _Tables(Protocol):
    @property
    def db(self) -> Database: ...
    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]: ...
    def _insert(self, table: str, row: rows.Row, *, ignore: bool = False) -> None: ...


class DutyStore:
    """The part of SqliteStore that is about duty."""

    def add_duty_change(self: _Tables, change: DutyChange) -> bool:
        before = self.db.table("duty_changes").count
        self._insert("duty_changes", change, ignore=True)
        return self.db.table("duty_changes").count > before

    def duty_changes(self: _Tables, bus: str, day: str) -> list[DutyChange]:
        return self._all(DutyChange, "duty_changes where bus = ? and day = ? order by since", bus, day)

    def add_extension(self: _Tables, asked: Extension) -> None:
        values = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "n"}
        self.db.table("extensions").insert(values)

    def extensions(self: _Tables, bus: str, day: str) -> list[Extension]:
        return self._all(Extension, "extensions where bus = ? and day = ? order by n", bus, day)

    def open_incidents(self: _Tables, what: str) -> list[rows.Incident]:
        return self._all(rows.Incident, "incidents where closed_at is null and what = ? order by n", what)

    def grant_extension(self: _Tables, n: int, at: int, clerk: str) -> None:
        self.db.table("extensions").update(n, {"granted_at": at, "clerk": clerk})
