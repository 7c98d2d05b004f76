"""The one way to open a database: SQLite through sqlite-utils, one process at a time, and every event in one transaction.

Each store has a hash-chained journal. Its row is written in the event's own transaction (`with store.event()`), so that
what happened and what is recorded cannot differ.
"""

import contextlib
import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from cityhall_base.clock import Clock
from cityhall_base.errors import StoreError, StoreInUseError
from cityhall_wire.messages.chain import GENESIS, JournalRow, row_hash

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a lost commit would break an invariant
    "PRAGMA secure_delete=ON",  # deleted wrapped keys are overwritten, not only unlinked
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)


def new_migrations(name: str) -> Migrations:
    """A migration set whose first step makes the journal table."""
    migrations = Migrations(name)

    @migrations(name="0000_journal")
    def journal(db: Database) -> None:
        columns = {"n": int, "at": int, "kind": str, "job": str, "body": str, "hash": bytes}
        db.table("journal").create(columns, pk="n", not_null=set(columns), strict=True)

    return migrations


class Store:
    """One database file and its journal. Opened by one process at a time; used from one thread.

    Raises StoreInUseError or StoreError when it cannot be opened.
    """

    def __init__(self, path: Path, migrations: Migrations, clock: Clock) -> None:
        self._clock = clock
        self._lock = _lock(path)
        try:
            self.db = _open(path, migrations)
        except BaseException:
            os.close(self._lock)
            raise
        self.after_commit: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def event(self) -> Generator[Database, None, None]:
        """One transaction: the event, the new state and the journal row become true together or not at all."""
        outermost = not self.db.conn.in_transaction
        with self.db.atomic():
            yield self.db
        if outermost:
            self.after_commit()

    def record(self, kind: str, job: str = "", **body: Any) -> None:
        """Add a row to the hash-chained journal; only inside `event()`. `body` holds no name, key or document."""
        if not self.db.conn.in_transaction:
            raise RuntimeError("a journal row belongs into its event's transaction")
        n, previous = self._last()
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        row = JournalRow(n=n + 1, at=self._clock.utc_ms(), kind=kind, job=job, body=text)
        values = {"n": row.n, "at": row.at, "kind": kind, "job": job, "body": text, "hash": row_hash(previous, row)}
        self.db.table("journal").insert(values)

    def verify_journal(self) -> int:
        """Number of rows, where each follows from the one before it; raises StoreError naming the first that does not."""
        previous, count = GENESIS, 0
        for n, at, kind, job, body, stored in self.db.execute(
            "select n, at, kind, job, body, hash from journal order by n"
        ):
            count += 1
            previous = row_hash(previous, JournalRow(n=n, at=at, kind=kind, job=job, body=body))
            if n != count or stored != previous:
                raise StoreError(f"journal row {n} does not follow from the rows before it")
        return count

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database and truncate it: no deleted byte stays behind in it."""
        busy, _log, _moved = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError("the write-ahead log could not be truncated because somebody reads the database")

    def close(self) -> None:
        """Close the database and let the next process have it."""
        self.db.close()
        os.close(self._lock)

    def _last(self) -> tuple[int, bytes]:
        row = self.db.execute("select n, hash from journal order by n desc limit 1").fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)


def _lock(path: Path) -> int:
    fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise StoreInUseError(str(path)) from None
    return fd


def _open(path: Path, migrations: Migrations) -> Database:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = Database(sqlite3.connect(path, isolation_level=None))
        for pragma in _PRAGMAS:
            db.execute(pragma)
        _refuse_newer(db, migrations, path)
        migrations.apply(db)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error
    return db


def _refuse_newer(db: Database, migrations: Migrations, path: Path) -> None:
    applied = {step.name for step in migrations.applied(db)}
    known = applied & {step.name for step in _all_steps(migrations)}
    if applied - known:
        raise StoreError(f"{path} was written by a newer release; install that release again")


def _all_steps(migrations: Migrations) -> list[Any]:
    # An empty database in memory has applied nothing, so everything known is pending on it.
    return migrations.pending(Database(memory=True))
