"""The part of the SQLite store that is about people and checklists, with its tables."""

from typing import Any, TypeVar

from sqlite_utils import Database

from cityhall_relay.store import rows
from cityhall_relay.store.people_rows import Checklist, ModeSeen, SignedIn, Substitute

R = TypeVar("R", bound=rows.Row)


def people_tables(db: Database) -> None:
    """The step 0010_people."""
    numbered: dict[str, Any] = {"n": int}
    tables = {
        "checklists": numbered
        | dict.fromkeys(("bus", "day", "which", "by", "items"), str)
        | {"at": int, "envelope": bytes},
        "signed_in": numbered
        | dict.fromkeys(("bus", "who", "how"), str)
        | dict.fromkeys(("present", "said_at", "at"), int)
        | {"envelope": bytes},
        "substitutes": dict.fromkeys(("who", "bus", "clerk"), str)
        | {"salt": bytes, "hash": bytes, "used": bytes}
        | dict.fromkeys(("made_at", "until", "tries", "used_at", "present_until"), int),
        "modes_seen": numbered | dict.fromkeys(("bus", "day", "mode"), str) | {"at": int},
    }
    for name, columns in tables.items():
        pk = next(iter(columns))
        db.table(name).create(columns, pk=pk, not_null=set(columns) - {"used_at"}, strict=True)
        db.table(name).create_index(["bus"])


class PeopleStore:
    """Mixed into SqliteStore, whose are the four below."""

    db: Database

    def _upsert(self, table: str, row: rows.Row, pk: str | tuple[str, ...]) -> None:
        raise NotImplementedError

    def _one(self, kind: type[R], source: str, *values: Any) -> R | None:
        raise NotImplementedError

    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]:
        raise NotImplementedError

    def add_checklist(self, row: Checklist) -> None:
        self._add("checklists", row)

    def checklists(self, bus: str, day: str) -> list[Checklist]:
        return self._all(Checklist, "checklists where bus = ? and day = ? order by n", bus, day)

    def add_signed_in(self, row: SignedIn) -> None:
        self._add("signed_in", row)

    def signed_in(self, bus: str, since: int, until: int) -> list[SignedIn]:
        where = "signed_in where bus = ? and said_at >= ? and said_at < ? order by n"
        return self._all(SignedIn, where, bus, since, until)

    def last_signed_in(self, bus: str) -> SignedIn | None:
        return self._one(SignedIn, "signed_in where bus = ? order by n desc limit 1", bus)

    def save_substitute(self, row: Substitute) -> None:
        self._upsert("substitutes", row, "who")

    def substitutes(self, bus: str) -> list[Substitute]:
        return self._all(Substitute, "substitutes where bus = ? order by made_at desc, who", bus)

    def add_mode_seen(self, row: ModeSeen) -> None:
        self._add("modes_seen", row)

    def last_mode(self, bus: str) -> ModeSeen | None:
        return self._one(ModeSeen, "modes_seen where bus = ? order by n desc limit 1", bus)

    def modes_seen(self, bus: str, day: str) -> list[ModeSeen]:
        return self._all(ModeSeen, "modes_seen where bus = ? and day = ? order by n", bus, day)

    def sessions_between(self, bus: str, since: int, until: int) -> list[rows.Session]:
        where = "sessions where bus = ? and opened_at >= ? and opened_at < ? order by opened_at"
        return self._all(rows.Session, where, bus, since, until)

    def _add(self, table: str, row: rows.Row) -> None:
        # The number is the database's own.
        values = {name: value for name, value in _plain(row).items() if name != "n"}
        self.db.table(table).insert(values)


def _plain(row: rows.Row) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}
