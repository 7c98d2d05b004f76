"""Accounts of the console: who may do what. Every change is a row of the journal, under opaque ids alone.

A person is never asked for a name. Whoever loses password or phone gets a new first-time code from an administrator.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable
from typing import Any, Final

import msgspec

from cityhall_base.clock import Clock
from cityhall_base.errors import ConfigError
from cityhall_base.words import Language
from cityhall_relay.console import totp
from cityhall_relay.console.errors import (
    AccountIdError,
    AccountTakenError,
    LastAdministratorError,
    NoAccountError,
    NoRoleError,
)
from cityhall_relay.console.locker import Locker
from cityhall_relay.console.roles import Role, rights
from cityhall_relay.console.sign_ins import SignIns
from cityhall_relay.errors import UnknownPlaceError
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore
from cityhall_relay.store.console import Account
from cityhall_wire.headers import OpaqueId

CODE_MS: Final = 24 * 3600 * 1000
_SIGNS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""What cannot be taken for one another on paper."""
_GROUPS, _GROUP = 4, 5
"""98 bits: guessing is hopeless, and a plain digest keeps it."""

_TAKES_AWAY: Final = frozenset({"account_changed", "account_disabled"})


class Accounts:
    """`taken` are the ids of relay.toml's clerks, `sections` those of the city. Raises ConfigError where the ids collide."""

    def __init__(
        self,
        store: RelayStore,
        sign_ins: SignIns,
        locker: Locker,
        clock: Clock,
        taken: Collection[str],
        sections: Collection[str],
    ) -> None:
        self._store, self._sign_ins, self._locker, self._clock = store, sign_ins, locker, clock
        self._taken, self._sections = taken, sections
        for account in store.accounts():
            if account.who in taken:
                raise ConfigError(f"relay.toml: clerks.{account.who}: an account of the console has this id already")

    # --- who may do what ---

    def rights(self, who: str) -> frozenset[Right]:
        """None for nobody, and for one that is disabled."""
        account = self._store.account(who)
        return rights(account.role_names) if account and account.enabled else frozenset()

    def sections(self, who: str) -> tuple[str, ...]:
        """Whose calls are for this account; empty: of every section."""
        account = self._store.account(who)
        return account.section_names if account else ()

    def find(self, who: str) -> Account:
        """Raises NoAccountError."""
        if (account := self._store.account(who)) is None:
            raise NoAccountError
        return account

    def all(self) -> list[Account]:
        """Every account, by id."""
        return self._store.accounts()

    # --- what administrators do ---

    def add(self, who: str, roles: Iterable[str], sections: Iterable[str], by: str) -> str:
        """A new account; its first-time code. Raises AccountIdError, AccountTakenError, NoRoleError or UnknownPlaceError."""
        try:
            msgspec.convert(who, OpaqueId)
        except msgspec.ValidationError:
            raise AccountIdError from None
        held, places = self._checked(roles, sections)
        with self._store.event():
            if who in self._taken or self._store.account(who) is not None:
                raise AccountTakenError(who)
            account = Account(who=who, roles=_list(held), sections=_list(places), made_at=self._now(), made_by=by)
            self._store.record("account_added", who=who, by=by, roles=held, sections=places)
            return self._with_code(account)

    def change(self, who: str, roles: Iterable[str], sections: Iterable[str], by: str) -> None:
        """Other roles or sections; who is signed in signs in again. Raises as `add`, NoAccountError, LastAdministratorError."""
        held, places = self._checked(roles, sections)
        with self._store.event():
            account = self.find(who)
            if (account.role_names, account.section_names) == (held, places):
                return
            changed = msgspec.structs.replace(account, roles=_list(held), sections=_list(places))
            self._save(changed, "account_changed", by, roles=held, sections=places)
            self._sign_ins.end_all(who, "rights")

    def disable(self, who: str, by: str) -> None:
        """Nobody signs in with it any more, and whoever is, is not. Raises NoAccountError or LastAdministratorError."""
        with self._store.event():
            account = self.find(who)
            if account.enabled:
                self._save(msgspec.structs.replace(account, disabled_at=self._now()), "account_disabled", by)
                self._sign_ins.end_all(who, "disabled")

    def enable(self, who: str, by: str) -> None:
        """It may sign in again. Raises NoAccountError."""
        with self._store.event():
            account = self.find(who)
            if not account.enabled:
                self._save(msgspec.structs.replace(account, disabled_at=None), "account_enabled", by)

    def reset(self, who: str, by: str) -> str:
        """Password and app are void; a new first-time code. Raises NoAccountError."""
        with self._store.event():
            account = self.find(who)
            self._store.record("account_reset", who=who, by=by)
            self._sign_ins.end_all(who, "reset")
            return self._with_code(account)

    # --- what everybody does with their own ---

    def speak(self, who: str, language: Language) -> None:
        """The screens' language from now on."""
        with self._store.event():
            self._save(msgspec.structs.replace(self.find(who), language=str(language)), "account_language", who)

    def set_password(self, who: str, phc: str) -> None:
        """Inside the running event. The first-time code is used up."""
        account = msgspec.structs.replace(self.find(who), password=phc, code=b"", code_until=0)
        self._save(account, "account_password", who)

    def set_app(self, who: str, secret: bytes, step: int) -> None:
        """Another TOTP secret, of which the code of `step` was shown; inside the running event."""
        account = msgspec.structs.replace(self.find(who), totp=self._locker.wrap(secret), totp_step=step)
        self._save(account, "account_app", who)

    def came(self, who: str) -> None:
        """Signed in just now; inside the running event."""
        self._store.save_account(msgspec.structs.replace(self.find(who), signed_in_at=self._now()))

    # --- what is asked while somebody signs in ---

    def takes_totp(self, who: str, typed: str) -> bool:
        """Whether it is the app's code and was not used before; it is now. Inside the running event."""
        account = self._store.account(who)
        secret = self._locker.open(account.totp) if account and account.totp else None
        if account is None or secret is None:
            return False
        step = totp.step_of(secret, typed, self._now(), account.totp_step)
        if step is None:
            return False
        self._store.save_account(msgspec.structs.replace(account, totp_step=step))
        return True

    def step_of(self, secret: bytes, typed: str) -> int | None:
        """Of a secret that is about to be the account's: the step of the code that its app shows."""
        return totp.step_of(secret, typed, self._now())

    def knows_code(self, who: str, typed: str) -> bool:
        """Whether it is the first-time code, enabled and in time. It stays valid until a password is set."""
        account = self._store.account(who)
        shown = _code_digest(typed)
        same = hmac.compare_digest(shown, account.code if account and account.code else bytes(len(shown)))
        return same and account is not None and account.enabled and self._now() < account.code_until

    def _with_code(self, account: Account) -> str:
        code = "-".join("".join(secrets.choice(_SIGNS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        until, digest = self._now() + CODE_MS, _code_digest(code)
        fresh = msgspec.structs.replace(account, password="", totp=b"", totp_step=0, code=digest, code_until=until)
        self._store.save_account(fresh)
        return code

    def _save(self, account: Account, kind: str, by: str, **about: Any) -> None:
        self._store.save_account(account)
        # Judged after the change and before its commit: raised, nothing of it stays.
        last = not any(one.enabled and Role.ADMINISTRATOR in one.role_names for one in self._store.accounts())
        if last and kind in _TAKES_AWAY:
            raise LastAdministratorError
        self._store.record(kind, who=account.who, by=by, **about)

    def _checked(self, roles: Iterable[str], sections: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        asked, places = set(roles), tuple(sorted(set(sections)))
        held = tuple(str(role) for role in Role if role in asked)
        if not held or len(held) != len(asked):
            raise NoRoleError
        for section in places:
            if section not in self._sections:
                raise UnknownPlaceError(f"allowed: {', '.join(self._sections)}")
        return held, places

    def _now(self) -> int:
        return self._clock.utc_ms()


def _list(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()


def _code_digest(typed: str) -> bytes:
    plain = "".join(sign for sign in typed.upper() if sign in _SIGNS)
    return hashlib.sha256(plain.encode()).digest()
