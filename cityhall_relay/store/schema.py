"""The relay's tables, as migrations. A step that was released is never changed; a new one is added below it."""

from typing import Any, Final

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from cityhall_base.store import new_migrations
from cityhall_relay.store import audit, console, duty, theft, visits
from cityhall_relay.store.sqlite_people import people_tables

_NULLABLE: Final = {"ended_at", "closed_at", "approved_at", "destroyed_at", "synced_at"}


def relay_migrations() -> Migrations:
    """The steps of `relay.db`."""
    migrations = new_migrations("relay")

    @migrations(name="0001_sessions_and_jobs")
    def sessions_and_jobs(db: Database) -> None:
        _sessions(db)
        _jobs(db)

    @migrations(name="0002_buses_and_prints")
    def buses_and_prints(db: Database) -> None:
        _buses(db)
        _prints(db)

    @migrations(name="0003_ends")
    def ends(db: Database) -> None:
        _ends(db)

    @migrations(name="0004_drawn_pages")
    def drawn_pages(db: Database) -> None:
        for column in ("drawn_dpi", "flattened"):
            db.table("jobs").add_column(column, int, not_null_default=0)

    @migrations(name="0005_calls_and_reissues")
    def calls_and_reissues(db: Database) -> None:
        # Sessions that ring have no clerk yet, and several may ring at once.
        db.execute("drop index one_live_clerk")
        db.execute("create unique index one_live_clerk on sessions(clerk) where ended_at is null and clerk <> ''")
        for column in ("why", "resend_of", "reissue_of"):
            db.table("jobs").add_column(column, str, not_null_default="")
        db.table("jobs").add_column("voided_at", int)
        # One reissue, whoever asks for it and however often. One that ended without paper may be tried again; the ends
        # stand here by name, because a step that was released is never changed (cityhall_wire.lifecycle.WITHOUT_SHEET).
        spent = "state not in ('canceled', 'expired', 'refused', 'not_printed')"
        db.execute(f"create unique index one_reissue on jobs(reissue_of) where reissue_of <> '' and {spent}")

    @migrations(name="0006_incidents")
    def incidents(db: Database) -> None:
        columns: dict[str, Any] = {"n": int, "bus": str, "day": str, "what": str, "detail": str, "at": int}
        columns |= {"closed_at": int, "closed_by": str, "closed_why": str}
        _create(db, "incidents", columns, "n")

    @migrations(name="0007_books")
    def books(db: Database) -> None:
        book: dict[str, Any] = {"bus": str, "id": str, "n": int, "day": str, "corrects": str, "entry": str, "at": int}
        _create(db, "book", book, ("bus", "id"))
        db.table("book").create_index(["bus", "n"])
        _create(db, "wishes", {"bus": str, "id": str, "entry": str, "at": int}, ("bus", "id"))

    migrations(name="0008_duty")(duty.duty)
    migrations(name="0009_theft")(theft.theft)
    migrations(name="0010_people")(people_tables)
    migrations(name="0011_visits")(visits.visits)
    migrations(name="0013_console")(console.console)
    migrations(name="0014_accepted")(_accepted)
    migrations(name="0015_audit")(audit.audit)

    return migrations


def _create(db: Database, name: str, columns: dict[str, Any], pk: str | tuple[str, ...] | None) -> None:
    db.table(name).create(columns, pk=pk, not_null=set(columns) - _NULLABLE, strict=True)


def _sessions(db: Database) -> None:
    text = dict.fromkeys(("session", "clerk", "bus", "section", "stop"), str)
    times = dict.fromkeys(("slot", "opened_at", "active_at", "ended_at"), int)
    _create(db, "sessions", text | times | {"why_ended": str}, "session")
    # The database itself holds the rule: one live session a clerk, one a bus.
    for column in ("clerk", "bus"):
        db.execute(f"create unique index one_live_{column} on sessions({column}) where ended_at is null")


def _accepted(db: Database) -> None:
    db.table("sessions").add_column("accepted_at", int)


def _jobs(db: Database) -> None:
    columns: dict[str, Any] = dict.fromkeys(("job", "session", "bus", "service", "submission", "state"), str)
    columns |= {"attempt": int, "seal_header": bytes, "seal_digest": bytes}
    columns |= dict.fromkeys(("size", "body_size", "created_at", "changed_at", "approved_at"), int)
    columns |= {"isolation": str, "nonce": bytes, "printer_uuid": str, "printer_up_time": int, "destroyed_at": int}
    _create(db, "jobs", columns, "job")
    db.table("jobs").create_index(["submission"], unique=True)
    db.table("jobs").create_index(["session"])
    db.table("jobs").create_index(["state"])
    steps = {"n": int, "job": str, "event": str, "by": str, "state": str, "attempt": int, "at": int}
    _create(db, "steps", steps, "n")
    db.table("steps").create_index(["job"])
    _create(db, "approvals", {"job": str, "clerk": str, "at": int}, ("job", "clerk"))


def _buses(db: Database) -> None:
    columns: dict[str, Any] = {"bus": str, "boot": int, "seq": int, "payload_digest": bytes}
    columns |= {"token": bytes, "next_token": bytes, "inventory_digest": bytes, "holdings": str, "synced_at": int}
    columns |= {"mode": str, "spooler": int, "printer_state": str, "printer_reasons": str}
    columns |= {"software": bytes, "config": bytes, "suspended": int}
    _create(db, "buses", columns, "bus")


def _prints(db: Database) -> None:
    releases = {"job": str, "attempt": int, "request_digest": bytes, "envelope": bytes}
    _create(db, "releases", releases, ("job", "attempt"))
    identity: dict[str, Any] = {"incarnation": str, "nonce": bytes, "job": str, "attempt": int, "n": int}
    content = {"finding": str, "payload_digest": bytes, "envelope": bytes, "answer": bytes, "at": int}
    _create(db, "evidence", identity | content, tuple(identity))


def _ends(db: Database) -> None:
    _create(db, "receipts", {"job": str, "side": str, "envelope": bytes, "at": int}, ("job", "side"))
    columns: dict[str, Any] = {"job": str, "attempt": int, "kind": str, "paper": str, "sheets": int}
    _create(db, "sheet_ledger", columns | {"numbers": str, "why": str, "at": int}, ("job", "attempt", "kind"))
