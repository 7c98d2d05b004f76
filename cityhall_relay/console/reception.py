"""How somebody signs in: password and app, the first-time code, or the city's own sign-in service. No HTTP.

Who is not known gets the same words after the same time as who is: nothing here tells which ids there are.
"""

from typing import NamedTuple

from cityhall_relay.console import passwords, totp
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.errors import (
    CodeError,
    PasswordsDifferError,
    SignInError,
    StrangerError,
    WrongCodeError,
    WrongPasswordError,
)
from cityhall_relay.console.passwords import Hashes
from cityhall_relay.console.sign_ins import BY_CODE, SignIns
from cityhall_relay.console.throttle import Throttle
from cityhall_relay.store import RelayStore
from cityhall_relay.store.console import SignIn

BY_PASSWORD, BY_OIDC = "password", "oidc"

MOST_ASKED = 1000
"""TOTP secrets that were shown and not confirmed yet, in memory alone; the oldest is forgotten."""


class Secrets(NamedTuple):
    """What somebody types to set a password and an app."""

    password: str
    again: str
    digits: str


class Reception:
    """Each way in ends with the id for a new cookie."""

    def __init__(self, store: RelayStore, accounts: Accounts, sign_ins: SignIns, throttle: Throttle) -> None:
        self._store, self._accounts, self._sign_ins, self._throttle = store, accounts, sign_ins, throttle
        self._hashes = Hashes()
        self._shown: dict[bytes, bytes] = {}  # digest of the sign-in → the secret in its picture

    async def with_password(self, who: str, password: str, digits: str, address: str) -> str:
        """Raises SignInError, WaitError or CrowdedError."""
        self._throttle.begin(who, address)
        account = self._store.account(who)
        right = await self._hashes.holds(passwords.tidy(password), account.password if account else "")
        with self._store.event():
            # Asked again: while the hash was worked out somebody may have disabled or reset it.
            now = self._store.account(who)
            same = now is not None and now.enabled and account is not None and now.password == account.password
            if right and same and self._accounts.takes_totp(who, digits):
                return self._in(who, BY_PASSWORD, address)
        self._failed(who, BY_PASSWORD, address)
        raise SignInError

    def with_code(self, who: str, code: str, address: str) -> str:
        """To set a password, and for nothing else. Raises CodeError or WaitError."""
        self._throttle.begin(who, address)
        with self._store.event():
            if self._accounts.knows_code(who, code):
                self._throttle.forgive(who, address)
                return self._sign_ins.begin(who, BY_CODE, address)
        self._failed(who, BY_CODE, address)
        raise CodeError

    def with_oidc(self, who: str, address: str) -> str:
        """The city's service has said who it is. Raises StrangerError."""
        with self._store.event():
            account = self._store.account(who)
            if account is not None and account.enabled:
                return self._in(who, BY_OIDC, address)
        self._failed(who, BY_OIDC, address)
        raise StrangerError

    def secret_to_show(self, one: SignIn) -> bytes:
        """For the picture: the same until it is confirmed, the sign-in ends, or the relay restarts."""
        while len(self._shown) >= MOST_ASKED:
            self._shown.pop(next(iter(self._shown)))
        return self._shown.setdefault(one.digest, totp.new_secret())

    async def set_up(self, one: SignIn, typed: Secrets) -> str:
        """Password and app at the first time; signs in. Raises WeakPasswordError, PasswordsDifferError, WrongCodeError or
        CodeError."""
        password = self._new_password(one.who, typed.password, typed.again)
        secret = self.secret_to_show(one)
        phc = await self._hashes.make(password)
        with self._store.event():
            account = self._store.account(one.who)
            if account is None or not account.enabled or not account.code or not self._sign_ins.still(one):
                raise CodeError  # somebody was faster, or an administrator thought better of it
            step = self._step(secret, typed.digits)
            self._accounts.set_password(one.who, phc)
            self._accounts.set_app(one.who, secret, step)
            self._sign_ins.end_all(one.who, "set_up")
            name = self._in(one.who, BY_PASSWORD, one.address)
        self._shown.pop(one.digest, None)
        return name

    async def change_password(self, one: SignIn, present: str, password: str, again: str) -> str:
        """This browser gets a new id, all others end. Raises WrongPasswordError, WaitError, WeakPasswordError, …"""
        new = self._new_password(one.who, password, again)
        await self._prove(one, present)
        phc = await self._hashes.make(new)
        with self._store.event():
            self._accounts.set_password(one.who, phc)
            return self._alone(one, "password")

    async def change_app(self, one: SignIn, present: str, digits: str) -> str:
        """As `change_password`; raises WrongCodeError too."""
        secret = self.secret_to_show(one)
        await self._prove(one, present)
        with self._store.event():
            step = self._step(secret, digits)
            self._accounts.set_app(one.who, secret, step)
            name = self._alone(one, "app")
        self._shown.pop(one.digest, None)
        return name

    def _in(self, who: str, via: str, address: str) -> str:
        self._throttle.forgive(who, address)
        self._accounts.came(who)
        return self._sign_ins.begin(who, via, address)

    def _failed(self, who: str, via: str, address: str) -> None:
        # What is no account may be a name, or a password in the wrong field: it is not written down.
        known = self._store.account(who) is not None
        with self._store.event():
            self._store.record("console_refused", who=who if known else "", via=via, address=address)

    async def _prove(self, one: SignIn, present: str) -> None:
        self._throttle.begin(one.who, one.address)
        account = self._accounts.find(one.who)
        right = await self._hashes.holds(passwords.tidy(present), account.password)
        if not right or not self._sign_ins.still(one) or self._accounts.find(one.who).password != account.password:
            self._failed(one.who, BY_PASSWORD, one.address)
            raise WrongPasswordError
        with self._store.event():
            self._throttle.forgive(one.who, one.address)

    def _alone(self, one: SignIn, why: str) -> str:
        self._sign_ins.end_all(one.who, why, but=one)
        return self._sign_ins.renew(one)

    def _step(self, secret: bytes, digits: str) -> int:
        step = self._accounts.step_of(secret, digits)
        if step is None:
            raise WrongCodeError
        return step

    @staticmethod
    def _new_password(who: str, password: str, again: str) -> str:
        tidied = passwords.tidy(password)
        if tidied != passwords.tidy(again):
            raise PasswordsDifferError
        passwords.check(tidied, who)
        return tidied
