"""The journal as an auditor reads it, and the signed daily digests of it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from sqlite_utils import Database

from cityhall_base.store import Store
from cityhall_relay.errors import AuditTooWideError
from cityhall_relay.store import rows
from cityhall_wire.messages.chain import GENESIS, JournalRow
from cityhall_wire.messages.digest import Ends, Moved

R = TypeVar("R", bound=rows.Row)

MOST_STEPS: Final = 100
"""Of STEP instructions of SQLite's machine for one page: about two seconds. It takes a ten-thousandth of it."""

STEP: Final = 1_000_000
_LAST: Final = 2**53
CHUNK: Final = 1000
"""Rows that are read at once: the reader lets go of the write-ahead log in between, so that a deletion never waits for it."""

_PEOPLE: Final = ("by", "clerk", "who")
"""Fields of a row's body that name somebody, by an opaque id."""

_COLUMNS: Final = "journal.n, at, kind, job, body, hash"


class Kept(rows.Row, frozen=True, kw_only=True):
    """One daily digest as it was signed. `day` is a JST date, `first` and `last` are numbers of journal rows."""

    day: str
    first: int
    last: int
    at: int
    envelope: bytes


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the journal with its hash, as it is stored."""

    row: JournalRow
    hash: bytes


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: those that fit all that is named. `begin` and `end` are UTC milliseconds, `before` a row's number."""

    begin: int | None = None
    end: int | None = None
    who: str = ""
    kind: str = ""
    job: str = ""
    before: int | None = None


def audit(db: Database) -> None:
    """Migration 0011_audit."""
    db.table("digests").create(
        {"day": str, "first": int, "last": int, "at": int, "envelope": bytes},
        pk="day",
        not_null={"day", "first", "last", "at", "envelope"},
        strict=True,
    )
    # Not an index over the body itself: with an untrusted schema SQLite lets none of its functions of JSON into one.
    db.execute(
        "create table journal_who(who text not null, n integer not null, primary key (who, n)) strict, without rowid"
    )
    for n, body in db.execute("select n, body from journal order by n"):
        _find(db, n, _fields(body))
    db.table("book").create_index(["bus", "day"])
    db.execute("create index journal_at on journal(at)")
    db.execute("create index journal_kind on journal(kind)")
    db.execute("create index journal_job on journal(job) where job <> ''")


class AuditStore(Store):
    """Before Store, whose journal it makes findable by person."""

    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]:
        raise NotImplementedError

    def record(self, kind: str, job: str = "", **body: Any) -> None:
        super().record(kind, job, **body)
        if any(body.get(name) for name in _PEOPLE):
            (n,) = self.db.execute("select max(n) from journal").fetchone()
            _find(self.db, n, body)

    def journal(self) -> "Journal":
        return Journal(self._path)

    def add_digest(self, kept: Kept) -> None:
        self.db.table("digests").insert(msgspec.structs.asdict(kept))

    def digest(self, day: str) -> Kept | None:
        return next(iter(self._all(Kept, "digests where day = ?", day)), None)

    def last_digest(self) -> Kept | None:
        return next(iter(self._all(Kept, "digests order by day desc limit 1")), None)

    def digests(self, since: str, until: str, limit: int) -> list[Kept]:
        where = "digests where day >= ? and day <= ? order by day desc limit ?"
        return self._all(Kept, where, since, until, limit)


class Journal:
    """The journal through a connection of its own that cannot write: for any one thread, so that the loop goes on.

    `with store.journal() as journal:`. Raises sqlite3.Error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._db = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def page(self, wanted: Wanted, limit: int) -> list[Seen]:
        """Newest first. Raises AuditTooWideError where that takes too long."""
        self._steps = 0
        self._db.set_progress_handler(self._step, STEP)
        source, order, tests = "journal", "journal.n", ["journal.n < ?"]
        found: list[Any] = [_LAST if wanted.before is None else wanted.before]
        if wanted.who:
            source = "journal_who cross join journal on journal.n = journal_who.n"  # cross: the person first
            order, tests = "journal_who.n", [*tests, "journal_who.n < ?", "who = ?"]  # in its order, nothing is sorted
            found += [found[0], wanted.who]
        if wanted.begin is not None and wanted.end is not None:
            tests += ["journal.n between ? and ?", "+at >= ?", "+at < ?"]  # the plus: by number, which is known already
            found += [*self.between(wanted.begin, wanted.end), wanted.begin, wanted.end]
        if wanted.kind:
            tests.append("kind = ?")
            found.append(wanted.kind)
        if wanted.job:
            tests.append("job = ? and job <> ''")
            found.append(wanted.job)
        return self._seen(f"{source} where {' and '.join(tests)} order by {order} desc limit ?", [*found, limit])

    def between(self, begin: int, end: int) -> tuple[int, int]:
        """The first and the last row of these milliseconds, all rows between them included; (1, 0) where there is none."""
        first, last = self._ask("select min(n), max(n) from journal where at >= ? and at < ?", [begin, end])[0]
        return (1, 0) if first is None else (first, last)

    def chunks(self, first: int, last: int) -> Iterator[list[Seen]]:
        """Every row from `first` to `last`, in order, some at a time."""
        while chunk := self._seen("journal where n between ? and ? order by n limit ?", [first, last, CHUNK]):
            yield chunk
            first = chunk[-1].row.n + 1

    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last row; zero and GENESIS where there is none."""
        found = self._ask("select n, hash from journal order by n desc limit 1", [])
        return found[0] if found else (0, GENESIS)

    def hash(self, n: int) -> bytes | None:
        """Of one row, as it is stored."""
        found = self._ask("select hash from journal where n = ?", [n])
        return found[0][0] if found else GENESIS if n == 0 else None

    def at(self, n: int) -> int | None:
        """When the first row from `n` on was written."""
        found = self._ask("select at from journal where n >= ? order by n limit 1", [n])
        return found[0][0] if found else None

    def last_before(self, first: int, end: int) -> int | None:
        """The last row from `first` on that was written before `end`, whatever stands between them."""
        found = self._ask("select n from journal where n >= ? and +at < ? order by n desc limit 1", [first, end])
        return found[0][0] if found else None

    def next_since(self, first: int, begin: int) -> int | None:
        """The first row from `first` on that was written at `begin` or later."""
        found = self._ask("select n from journal where n >= ? and +at >= ? order by n limit 1", [first, begin])
        return found[0][0] if found else None

    def ends(self, first: int, last: int) -> Ends:
        """How many documents ended in these rows, and how."""
        where = "kind = 'step' and n between ? and ? and json_valid(body) group by 1"
        found = self._ask(f"select json_extract(body, '$.state'), count(*) from journal where {where}", [first, last])  # noqa: S608 - literals
        return Ends(**{name: count for name, count in found if name in Ends.__struct_fields__})

    def moved(self, first: int, last: int) -> Moved:
        """How many sheets these rows moved."""
        where = "kind = 'book' and n between ? and ? and json_valid(body) group by 1"
        sums = "json_extract(body, '$.column'), sum(json_extract(body, '$.sheets'))"
        found = self._ask(f"select {sums} from journal where {where}", [first, last])  # noqa: S608 - literals
        return Moved(**{name: int(count) for name, count in found if name in Moved.__struct_fields__})

    def _seen(self, source: str, values: list[Any]) -> list[Seen]:
        # `source` is made of the literals above; values are bound.
        found = self._ask(f"select {_COLUMNS} from {source}", values)  # noqa: S608
        return [
            Seen(row=JournalRow(n=n, at=at, kind=kind, job=job, body=body), hash=stored)
            for n, at, kind, job, body, stored in found
        ]

    def _ask(self, question: str, values: list[Any]) -> list[Any]:
        try:
            return self._db.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise AuditTooWideError from None
            raise

    def _step(self) -> int:
        self._steps += 1
        return self._steps > MOST_STEPS


def _find(db: Database, n: int, body: Mapping[str, Any]) -> None:
    people = {str(body[name]) for name in _PEOPLE if body.get(name)}
    db.conn.executemany("insert or ignore into journal_who values (?, ?)", [(who, n) for who in people])


def _fields(body: str) -> Mapping[str, Any]:
    # A row that somebody spoiled must not keep the relay from starting; the chain's check names it.
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
