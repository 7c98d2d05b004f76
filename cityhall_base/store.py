"""The one way to open a database: SQLite through sqlite-utils, one process at a time, and every event in one transaction.

Each store has a hash-chained journal. Its row is written in the event's own transaction (`with store.event()`), so that
what happened and what is recorded cannot differ. What a disk does to it (full, read-only, damaged) comes as one StoreError
with a sentence; nothing of an event that failed stays, and the next one finds the store as the last one left it.
"""

import contextlib
import errno
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
from cityhall_base.errors import (
    DiskFullError,
    ReadOnlyError,
    StoreDamagedError,
    StoreError,
    StoreInUseError,
    StoreNewerError,
    StoreOfAnotherError,
)
from cityhall_wire.messages.chain import GENESIS, JournalRow, row_hash

TROUBLE: Final = (StoreError, sqlite3.Error, OSError)
"""What a store or a folder beside it raises when the disk does not do its part; `trouble` makes one sentence of it."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a lost commit would break an invariant
    "PRAGMA secure_delete=ON",  # deleted wrapped keys are overwritten, not only unlinked
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",  # a damaged page is noticed when it is read, not when it has done harm
)

_BY_SQLITE: Final = {
    sqlite3.SQLITE_FULL: DiskFullError,
    sqlite3.SQLITE_READONLY: ReadOnlyError,
    sqlite3.SQLITE_CORRUPT: StoreDamagedError,
    sqlite3.SQLITE_NOTADB: StoreDamagedError,
    sqlite3.SQLITE_BUSY: StoreInUseError,
    sqlite3.SQLITE_LOCKED: StoreInUseError,
}
_BY_ERRNO: Final = {errno.ENOSPC: DiskFullError, errno.EDQUOT: DiskFullError, errno.EROFS: ReadOnlyError}


def trouble(error: Exception, where: object = "") -> StoreError:
    """One of TROUBLE as the StoreError whose sentence says what to do; `where` is the path where that is known."""
    if isinstance(error, StoreError):
        return error
    kind: type[StoreError] = StoreError
    if isinstance(error, OSError):
        kind = _BY_ERRNO.get(error.errno or 0, StoreError)
        where = where or error.filename or ""
    elif isinstance(error, sqlite3.Error):
        # The lower byte of SQLite's extended codes is the plain one (sqlite.org/rescode.html).
        kind = _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StoreError)
    reason = getattr(error, "strerror", None) or str(error)
    return kind(f"{where}: {reason}" if where else reason)


def new_migrations(name: str) -> Migrations:
    """A migration set whose first steps make the journal table, and the one that names whose store it is."""
    migrations = Migrations(name)

    @migrations(name="0000_journal")
    def journal(db: Database) -> None:
        columns = {"n": int, "at": int, "kind": str, "job": str, "body": str, "hash": bytes}
        db.table("journal").create(columns, pk="n", not_null=set(columns), strict=True)

    @migrations(name="0000_owner")
    def owner(db: Database) -> None:
        db.table("owner").create({"name": str}, pk="name", strict=True)

    return migrations


class Store:
    """One database file and its journal. Opened by one process at a time; used from one thread.

    `owner` names whose store it is, written at the first opening; empty for whoever only reads. Raises StoreError when it
    cannot be opened, is damaged, or belongs to another owner.
    """

    def __init__(self, path: Path, migrations: Migrations, clock: Clock, owner: str = "") -> None:
        self._clock, self._path = clock, path
        self._lock = _lock(path)
        try:
            self.db = _open(path, migrations, owner)
        except BaseException:
            os.close(self._lock)
            raise
        self.after_commit: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def event(self) -> Generator[Database, None, None]:
        """One transaction: the event, the new state and the journal row become true together or not at all.

        What is read in it stays true until its end, whoever else has the file open: so whatever an event depends on is
        asked inside it. Raises StoreError where the disk does not take it.
        """
        outermost = not self.db.conn.in_transaction
        try:
            with self._alone() if outermost else self.db.atomic():
                yield self.db
        except sqlite3.Error as error:
            raise trouble(error, self._path) from error
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
        try:
            return self._verified()
        except sqlite3.Error as error:
            raise trouble(error, self._path) from error

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database and truncate it: no deleted byte stays behind in it."""
        busy, _log, _moved = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError("the write-ahead log could not be truncated because somebody reads the database")

    def close(self) -> None:
        """Close the database and let the next process have it."""
        self.db.close()
        os.close(self._lock)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None, None, None]:
        # IMMEDIATE: a second writer waits here, before it has read anything that the first is about to change.
        self.db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.conn.execute("COMMIT")
        except BaseException:
            self.db.conn.rollback()
            raise

    def _verified(self) -> int:
        previous, count = GENESIS, 0
        for n, at, kind, job, body, stored in self.db.execute(
            "select n, at, kind, job, body, hash from journal order by n"
        ):
            count += 1
            previous = row_hash(previous, JournalRow(n=n, at=at, kind=kind, job=job, body=body))
            if n != count or stored != previous:
                raise StoreError(
                    f"journal row {n} does not follow from the rows before it; keep a copy for the auditor"
                )
        return count

    def _last(self) -> tuple[int, bytes]:
        row = self.db.execute("select n, hash from journal order by n desc limit 1").fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)


def _lock(path: Path) -> int:
    try:
        fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise trouble(error, path) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise StoreInUseError(str(path)) from None
    return fd


def _open(path: Path, migrations: Migrations, owner: str) -> Database:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = Database(sqlite3.connect(path, isolation_level=None))
    except (sqlite3.Error, OSError) as error:
        raise trouble(error, path) from error
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
        _refuse_damaged(db, path)
        _refuse_newer(db, migrations, path)
        migrations.apply(db)
        _refuse_another(db, path, owner)
    except sqlite3.Error as error:
        db.close()
        raise trouble(error, path) from error
    except BaseException:
        db.close()
        raise
    return db


def _refuse_damaged(db: Database, path: Path) -> None:
    # 14 ms for 10 MB; what it finds would else come up in the middle of a print.
    ((verdict, *_),) = db.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise StoreDamagedError(f"{path}: {verdict}")


def _refuse_newer(db: Database, migrations: Migrations, path: Path) -> None:
    applied = {step.name for step in migrations.applied(db)}
    known = applied & {step.name for step in _all_steps(migrations)}
    if applied - known:
        raise StoreNewerError(str(path))


def _refuse_another(db: Database, path: Path, owner: str) -> None:
    if not owner:
        return
    row = db.execute("select name from owner").fetchone()
    if row is None:
        db.table("owner").insert({"name": owner})
    elif row[0] != owner:
        raise StoreOfAnotherError(f"{path} is of {row[0]}, this is {owner}")


def _all_steps(migrations: Migrations) -> list[Any]:
    # An empty database in memory has applied nothing, so everything known is pending on it.
    return migrations.pending(Database(memory=True))
