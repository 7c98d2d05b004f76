"""The agent's memory: jobs, what is on its way to city hall, and a few facts that must survive a power cut.

Every change is made inside `event()`, together with its journal row. A job changes its state in `step` alone, by the
lifecycle table.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlite_utils import Database

from bus_agent.agent.rows import Job, Outgoing
from bus_agent.errors import UnknownJobError
from cityhall_base.clock import Clock
from cityhall_base.store import Store, new_migrations
from cityhall_wire import lifecycle
from cityhall_wire.lifecycle import By, Event
from cityhall_wire.messages.envelope import kind_of
from cityhall_wire.messages.link import LinkMessage

STORE: Final = "agent.db"
"""The database's name in the state folder."""

_MIGRATIONS: Final = new_migrations("bus-agent")


@_MIGRATIONS(name="0001_first")
def _first(db: Database) -> None:
    jobs = {
        "job": str,
        "session": str,
        "state": str,
        "attempt": int,
        "approved": int,
        "seal_header": bytes,
        "body_size": int,
        "received": int,
        "request": bytes,
        "printer_job": int,
        "sent": bytes,
        "acknowledged": int,
        "body_kept": int,
        "why": str,
    }
    db.table("jobs").create(jobs, pk="job", not_null=set(jobs), strict=True)
    outbox = {"id": int, "kind": str, "job": str, "envelope": bytes}
    db.table("outbox").create(outbox, pk="id", not_null=set(outbox), strict=True)
    seen = {"job": str, "incarnation": str, "nonce": bytes, "n": int}
    db.table("statements").create(seen, pk=("incarnation", "nonce", "n"), not_null=set(seen), strict=True)
    meta = {"name": str, "value": bytes}
    db.table("meta").create(meta, pk="name", not_null=set(meta), strict=True)


@_MIGRATIONS(name="0002_books")
def _books(db: Database) -> None:
    book = {"id": str, "n": int, "job": str, "word": str, "entry": str}
    db.table("book").create(book, pk="id", not_null=set(book), strict=True)
    db.table("book").create_index(["n"], unique=True)
    db.table("book").create_index(["job"])
    db.table("jobs").add_column("drawn", int, not_null_default=0)


@_MIGRATIONS(name="0004_checklists")
def _checklists(db: Database) -> None:
    items = {"day": str, "which": str, "item": str, "ok": int, "box": int, "note": str, "by": str, "at": int}
    db.table("checklist_items").create(items, pk=("day", "which", "item"), not_null=set(items), strict=True)
    lists = {"day": str, "which": str, "by": str, "at": int}
    db.table("checklists").create(lists, pk=("day", "which"), not_null=set(lists), strict=True)


@_MIGRATIONS(name="0005_book_sessions")
def _book_sessions(db: Database) -> None:
    db.table("book").add_column("session", str, not_null_default="")


def count_journal(path: Path, clock: Clock) -> int:
    """Rows of the journal, whose chain holds; raises StoreError, StoreInUseError where an agent runs. No new boot."""
    store = Store(path, _MIGRATIONS, clock)
    try:
        return store.verify_journal()
    finally:
        store.close()


class BusStore:
    """One file, opened by the agent alone. Each opening is a new boot. Raises StoreError."""

    def __init__(self, path: Path, clock: Clock, owner: str = "") -> None:
        self._store = Store(path, _MIGRATIONS, clock, owner)
        self.db = self._store.db
        self.record = self._store.record
        self.verify_journal = self._store.verify_journal
        self.close = self._store.close
        with self.event():
            self.boot = self._raise_boot(0)
            self.record("boot", boot=self.boot)

    def event(self) -> AbstractContextManager[Database]:
        """One transaction; what happened and what is recorded become true together or not at all."""
        return self._store.event()

    def on_commit(self, function: Callable[[], None]) -> None:
        """`function` runs after each event."""
        self._store.after_commit = function

    def raise_boot(self, above: int) -> int:
        """A boot number higher than `above` too; inside the running event."""
        self.boot = self._raise_boot(above)
        self.record("boot_raised", boot=self.boot)
        return self.boot

    # --- jobs ---

    def job(self, name: str) -> Job:
        """Raises UnknownJobError."""
        rows = list(self._store.db.query("select * from jobs where job = ?", [name]))
        if not rows:
            raise UnknownJobError(name)
        return _job(rows[0])

    def jobs(self) -> list[Job]:
        """All of them, in the order in which they came."""
        return [_job(row) for row in self._store.db.query("select * from jobs order by rowid")]

    def add(self, job: Job) -> None:
        """A new job."""
        self._store.db.table("jobs").insert(_values(job))
        self.record("offered", job.job, session=job.session, size=job.body_size, approved=job.approved)

    def change(self, name: str, **facts: Any) -> Job:
        """Facts beside the state."""
        if "state" in facts:
            raise ValueError("a state changes by its table only")
        return self._write(self.job(name), facts)

    def step(self, name: str, event: Event, by: By, **facts: Any) -> Job:
        """The one place where a state changes; raises LifecycleError. `facts` become true with it."""
        job = self.job(name)
        state = lifecycle.step(job.state, event, by)
        self.record("step", name, event=event, by=by, state=state, attempt=job.attempt)
        return self._write(job, {**facts, "state": state})

    def forget(self, name: str) -> None:
        """City hall has receipted the end and the deletion."""
        self._store.db.table("jobs").delete(name)
        self._store.db.table("statements").delete_where("job = ?", [name])
        self.record("forgotten", name)

    def first_hearing(self, name: str, incarnation: str, nonce: bytes, n: int) -> bool:
        """Whether this statement of the spooler is news; it is not the next time."""
        row = {"job": name, "incarnation": incarnation, "nonce": nonce, "n": n}
        before = self._store.db.table("statements").count
        self._store.db.table("statements").insert(row, ignore=True)
        return self._store.db.table("statements").count > before

    # --- on the way to city hall ---

    def queue(self, kind: str, job: str, envelope: bytes) -> None:
        """Keep a signed message until it is answered."""
        self._store.db.table("outbox").insert({"kind": kind, "job": job, "envelope": envelope})

    def outgoing(self, most: int, first: int = 0) -> list[Outgoing]:
        """The oldest messages that are not answered, from the one whose id is `first`; at most `most`, all where that is -1."""
        rows = self._store.db.query("select * from outbox where id >= ? order by id limit ?", [first, most])
        return [msgspec.convert(row, Outgoing) for row in rows]

    def replace_outgoing(self, message: Outgoing, envelope: bytes) -> None:
        """The same fact under another number, at the same place in the order."""
        self._store.db.table("outbox").update(message.id, {"envelope": envelope})

    def answered(self, message: Outgoing) -> None:
        """Its answer is here."""
        self._store.db.table("outbox").delete(message.id)

    def waits(self, kind: type[LinkMessage]) -> bool:
        """Whether a message of this kind has no answer yet."""
        return bool(self._store.db.table("outbox").count_where("kind = ?", [kind_of(kind)]))

    # --- facts that must survive ---

    def get(self, name: str) -> bytes:
        """Empty where it was never put."""
        row = self._store.db.execute("select value from meta where name = ?", [name]).fetchone()
        return bytes(row[0]) if row else b""

    def put(self, name: str, value: bytes) -> None:
        """Inside the running event."""
        self._store.db.table("meta").upsert({"name": name, "value": value}, pk="name")

    def rows(self, query: str, *values: str | int) -> Iterator[dict[str, Any]]:
        """For a module with tables of its own; `query` is always its literal."""
        return iter(self._store.db.query(query, values))

    def _raise_boot(self, above: int) -> int:
        boot = max(int(self.get("boot") or b"0"), above) + 1
        self.put("boot", str(boot).encode())
        return boot

    def _write(self, job: Job, facts: dict[str, Any]) -> Job:
        changed = msgspec.structs.replace(job, **facts)
        self._store.db.table("jobs").update(job.job, _values(changed))
        return changed


def _job(row: dict[str, Any]) -> Job:
    return msgspec.convert(row, Job, strict=False)


def _values(job: Job) -> dict[str, Any]:
    values = msgspec.structs.asdict(job)
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}
