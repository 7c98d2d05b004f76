"""What the relay remembers of the console: accounts, who is signed in, and wrong tries. Their tables, rows, and how they are used.

No field holds a name, a password, a code, a session's id or a TOTP secret in the clear.
"""

from typing import Any, Protocol, TypeVar

import msgspec
from sqlite_utils import Database

from cityhall_relay.store import rows

R = TypeVar("R", bound=rows.Row)

_NULLABLE = {"disabled_at", "signed_in_at"}


class Account(rows.Row, frozen=True, kw_only=True):
    """Somebody who may use the console. `roles` and `sections` are JSON lists; times are UTC milliseconds."""

    who: str  # opaque, as in the audit
    roles: str
    sections: str = "[]"  # empty: of every section
    language: str = "ja"
    password: str = ""  # Argon2id in the PHC string format; empty: none set, none can be right
    totp: bytes = b""  # the secret, wrapped (cityhall_relay/console/secrets_kept.py)
    totp_step: int = 0  # the last 30 seconds for which a code was taken (RFC 6238 section 5.2)
    code: bytes = b""  # SHA-256 of the one-time code with which a password is set
    code_until: int = 0
    made_at: int
    made_by: str
    signed_in_at: int | None = None
    disabled_at: int | None = None

    @property
    def enabled(self) -> bool:
        """Whether it may sign in at all."""
        return self.disabled_at is None

    @property
    def role_names(self) -> tuple[str, ...]:
        """`roles`, read."""
        return msgspec.json.decode(self.roles, type=tuple[str, ...])

    @property
    def section_names(self) -> tuple[str, ...]:
        """`sections`, read."""
        return msgspec.json.decode(self.sections, type=tuple[str, ...])


class SignIn(rows.Row, frozen=True, kw_only=True):
    """A browser that is signed in. `digest` is SHA-256 of the id in its cookie."""

    digest: bytes
    who: str
    via: str  # password or oidc; code: may set a password and nothing else
    address: str
    made_at: int
    seen_at: int

    @property
    def name(self) -> str:
        """What people and the journal call it; it opens nothing."""
        return self.digest.hex()[:8]


class Tries(rows.Row, frozen=True, kw_only=True):
    """Wrong tries of one account or one address; `key` is a digest, so that what was typed by mistake is kept nowhere."""

    key: bytes
    wrong: int
    last_at: int


def console(db: Database) -> None:
    """The step 0013_console."""
    account: dict[str, Any] = dict.fromkeys(("who", "roles", "sections", "language", "password"), str)
    account |= {"totp": bytes, "totp_step": int, "code": bytes, "code_until": int, "made_at": int, "made_by": str}
    _create(db, "accounts", account | dict.fromkeys(sorted(_NULLABLE), int), "who")
    sign_in: dict[str, Any] = {"digest": bytes, "who": str, "via": str, "address": str}
    _create(db, "sign_ins", sign_in | {"made_at": int, "seen_at": int}, "digest")
    db.table("sign_ins").create_index(["who"])
    _create(db, "tries", {"key": bytes, "wrong": int, "last_at": int}, "key")


def _create(db: Database, name: str, columns: dict[str, Any], pk: str) -> None:
    db.table(name).create(columns, pk=pk, not_null=set(columns) - _NULLABLE, strict=True)


class _Tables(Protocol):
    @property
    def db(self) -> Database: ...
    def _all(self, kind: type[R], source: str, *values: Any) -> list[R]: ...
    def _one(self, kind: type[R], source: str, *values: Any) -> R | None: ...
    def _insert(self, table: str, row: rows.Row, *, ignore: bool = False) -> None: ...
    def _upsert(self, table: str, row: rows.Row, pk: str | tuple[str, ...]) -> None: ...


class ConsoleStore:
    """Beside SqliteStore."""

    def save_account(self: _Tables, account: Account) -> None:
        self._upsert("accounts", account, "who")

    def account(self: _Tables, who: str) -> Account | None:
        return self._one(Account, "accounts where who = ?", who)

    def accounts(self: _Tables) -> list[Account]:
        return self._all(Account, "accounts order by who")

    def add_sign_in(self: _Tables, one: SignIn) -> None:
        self._insert("sign_ins", one)

    def sign_in(self: _Tables, digest: bytes) -> SignIn | None:
        return self._one(SignIn, "sign_ins where digest = ?", digest)

    def sign_ins(self: _Tables, who: str) -> list[SignIn]:
        return self._all(SignIn, "sign_ins where who = ? order by made_at, digest", who)

    def stale_sign_ins(self: _Tables, seen_before: int, made_before: int) -> list[SignIn]:
        return self._all(
            SignIn, "sign_ins where seen_at <= ? or made_at <= ? order by made_at", seen_before, made_before
        )

    def saw_sign_in(self: _Tables, digest: bytes, at: int) -> None:
        self.db.execute("update sign_ins set seen_at = ? where digest = ?", [at, digest])

    def drop_sign_in(self: _Tables, digest: bytes) -> None:
        self.db.table("sign_ins").delete_where("digest = ?", [digest])

    def save_tries(self: _Tables, tries: Tries) -> None:
        self._upsert("tries", tries, "key")

    def tries(self: _Tables, key: bytes) -> Tries | None:
        return self._one(Tries, "tries where key = ?", key)

    def drop_tries(self: _Tables, key: bytes) -> None:
        self.db.table("tries").delete_where("key = ?", [key])

    def old_tries(self: _Tables, before: int, most: int) -> bool:
        count = "select count(*) > ? or coalesce(min(last_at) <= ?, 0) from tries"
        return bool(self.db.execute(count, [most, before]).fetchone()[0])

    def drop_old_tries(self: _Tables, before: int, most: int) -> None:
        """Those that were forgotten, and the oldest beyond `most`."""
        self.db.table("tries").delete_where("last_at <= ?", [before])
        beyond = "key in (select key from tries order by last_at desc limit -1 offset ?)"
        self.db.table("tries").delete_where(beyond, [most])
