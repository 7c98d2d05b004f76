"""Who is on board, as the buses say it; and the one-time code of a substitute, of which city hall keeps a hash alone."""

import hashlib
import hmac
import secrets
from datetime import datetime, time, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import JST, Clock, jst
from cityhall_base.reasons import Reason
from cityhall_relay.answers import Answers
from cityhall_relay.errors import UnknownPlaceError
from cityhall_relay.store import RelayStore
from cityhall_relay.store.people_rows import SignedIn, Substitute
from cityhall_wire.messages import people, relay

CODE_S: Final = 1800
"""Long enough to be read over the telephone and typed at the next stop with a line."""

CODE_TRIES: Final = 5
CODE_DIGITS: Final = 8
"""Of 100 million codes five are tried, by whoever holds the bus's own link key."""


class Made(NamedTuple):
    """A new substitute; the code is shown once and then known to nobody."""

    who: str
    code: str
    until: int  # UTC milliseconds at which the code is worth nothing


class BoardingDesk:
    """`signed_in` and `substitute` run inside the running event."""

    def __init__(self, store: RelayStore, answers: Answers, city: City, clock: Clock) -> None:
        self._store, self._answers, self._city, self._clock = store, answers, city, clock

    def make_code(self, clerk: str, bus: str) -> Made:
        """A code for this bus, which ends the one before it; raises UnknownPlaceError."""
        if bus not in self._city.vehicles:
            raise UnknownPlaceError(f"allowed: {', '.join(self._city.vehicles)}")
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        who, salt, now = f"substitute-{secrets.token_hex(4)}", secrets.token_bytes(16), self._clock.utc_ms()
        row = Substitute(
            who=who,
            bus=bus,
            clerk=clerk,
            salt=salt,
            hash=_hash(salt, bus, code),
            made_at=now,
            until=now + CODE_S * 1000,
        )
        with self._store.event():
            for before in self._store.substitutes(bus):
                if before.used_at is None and before.until > now:
                    self._store.save_substitute(msgspec.structs.replace(before, until=now))
            self._store.save_substitute(row)
            self._store.record("substitute_named", bus=bus, who=who, by=clerk)
        return Made(who, code, row.until)

    def substitute(self, said: people.Substitute, raw: bytes, re: bytes) -> bytes:
        """The signed receipt for a right code, once; the same message again gets the same receipt. A try is counted first."""
        now, known = self._clock.utc_ms(), self._store.substitutes(said.bus)
        for one in known:
            if one.used == re:
                return self._receipt(one, re)
        waiting = next((one for one in known if self._waits(one, now)), None)
        if waiting is None:
            return self._refuse(said, re, Reason.NO_CODE)
        waiting = msgspec.structs.replace(waiting, tries=waiting.tries + 1)
        self._store.save_substitute(waiting)
        if not hmac.compare_digest(waiting.hash, _hash(waiting.salt, said.bus, said.code)):
            return self._refuse(said, re, Reason.WRONG_CODE)
        used = msgspec.structs.replace(waiting, used_at=now, used=re, present_until=_end_of_day(now))
        self._store.save_substitute(used)
        self._store.record("substitute_came", bus=said.bus, who=used.who)
        return self._receipt(used, re)

    def signed_in(self, said: people.SignedIn, raw: bytes, re: bytes) -> bytes:
        """The signed `noted`; a refusal where city hall knows nobody of this id on this bus."""
        if said.on and not self._knows(said):
            return self._refuse(said, re, Reason.UNKNOWN_PERSON)
        fields: dict[str, Any] = {"bus": said.bus, "who": said.who, "how": str(said.how)}
        now = self._clock.utc_ms()
        row = SignedIn(**fields, present=said.on, said_at=said.at, at=now, envelope=raw)
        # Said again, because the answer was lost: it is what stands there last.
        last = self._store.last_signed_in(said.bus)
        if last is None or (last.who, last.present) != (row.who, row.present):
            self._store.add_signed_in(row)
            self._store.record("signed_in", **fields, on=said.on)
        return self._answers.signed(relay.Noted, said.bus, re)

    def _knows(self, said: people.SignedIn) -> bool:
        if said.how is people.How.PIN:
            return said.who in self._city.concierges
        return any(one.who == said.who and one.used_at is not None for one in self._store.substitutes(said.bus))

    def _refuse(self, said: people.Substitute | people.SignedIn, re: bytes, reason: Reason) -> bytes:
        self._store.record("boarding_refused", bus=said.bus, reason=reason.bare)
        return self._answers.refusal(said.bus, re, reason.bare)

    def _receipt(self, one: Substitute, re: bytes) -> bytes:
        return self._answers.signed(people.SubstituteReceipt, one.bus, re, who=one.who, until=one.present_until)

    def _waits(self, one: Substitute, now: int) -> bool:
        return one.used_at is None and now < one.until and one.tries < CODE_TRIES


def _hash(salt: bytes, bus: str, code: str) -> bytes:
    # Not memory-hard: whoever reads the database still lacks the bus's link key, and the code lives for half an hour.
    return hashlib.sha256(b"cityhall/1 substitute\0" + salt + bus.encode() + b"\0" + code.encode()).digest()


def _end_of_day(utc_ms: int) -> int:
    tomorrow = jst(utc_ms).date() + timedelta(days=1)
    return int(datetime.combine(tomorrow, time(), JST).timestamp() * 1000)
