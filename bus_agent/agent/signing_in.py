"""Who is on board: the concierge's PIN, the substitute's code, and the one door that everything done by hand goes through.

A try is counted before it is judged, so that no power cut makes one more of it. A wait locks the PIN alone: leaving duty,
reporting a theft, and a substitute's code from city hall stay open.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from bus_agent.agent.advice import Do
from bus_agent.agent.duty import ANYBODY
from bus_agent.agent.facts import Scribe
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    AnswerError,
    CodeNeedsLineError,
    CodeRefusedError,
    LinkError,
    NobodySignedInError,
    NoConciergesError,
    PinWaitError,
    WrongPinError,
)
from bus_agent.shown import SignedInShown
from cityhall_base import pin as pins
from cityhall_base.clock import Clock, business_day
from cityhall_base.people import Concierge
from cityhall_base.words import Word
from cityhall_wire import strict_json
from cityhall_wire.messages.people import How, SignedIn, Substitute, SubstituteReceipt
from cityhall_wire.messages.relay import Refusal
from cityhall_wire.modes import DutyMode

FREE_TRIES: Final = 5
FIRST_WAIT_S: Final = 30
LONGEST_WAIT_S: Final = 3600
"""With these somebody who never stops tries some 30 PINs on the first day: of a million."""

_TRIES: Final = "pin_tries"
_WHO: Final = "signed_in"


class _Tries(msgspec.Struct, frozen=True):
    wrong: int = 0
    wait_s: int = 0  # the running wait; 0: none
    until: float = 0.0  # CLOCK_BOOTTIME of `boot`
    boot: str = ""  # the kernel's boot id


class _Signed(msgspec.Struct, frozen=True):
    who: str
    how: How
    day: str
    until: int  # UTC milliseconds; 0: the day's end


class Tries:
    """The wrong PINs, and the wait that they earn. It is in the store before anybody reads it."""

    def __init__(self, store: BusStore, clock: Clock, boot_id: str) -> None:
        self._store, self._clock, self._boot_id = store, clock, boot_id
        kept = store.get(_TRIES)
        self._now = strict_json.decode(kept, _Tries) if kept else _Tries()
        if self._now.wait_s and self._now.boot != boot_id:
            # The time before this boot cannot be counted, so it does not count: a reboot never shortens a wait.
            with store.event():
                self._keep(msgspec.structs.replace(self._now, until=clock.boottime() + self._now.wait_s, boot=boot_id))

    @property
    def left_s(self) -> int:
        """Seconds of the running wait, rounded up; 0: a PIN may be tried."""
        return max(0, -int(-(self._now.until - self._clock.boottime()) // 1)) if self._now.wait_s else 0

    def check(self) -> None:
        """Raises PinWaitError."""
        if left := self.left_s:
            raise PinWaitError(str(left))

    def count(self) -> None:
        """One more, and the wait that it earns; an event of its own."""
        wrong = self._now.wrong + 1
        earned = FIRST_WAIT_S << min(wrong - FREE_TRIES, 10) if wrong >= FREE_TRIES else 0
        wait_s = min(earned, LONGEST_WAIT_S)
        with self._store.event():
            self._keep(_Tries(wrong, wait_s, self._clock.boottime() + wait_s, self._boot_id))
            self._store.record("pin_tried", wrong=wrong, wait_s=wait_s)

    def over(self) -> None:
        """Write down that the wait is over, so that a later reboot does not begin it anew."""
        if self._now.wait_s and not self.left_s:
            with self._store.event():
                self._keep(msgspec.structs.replace(self._now, wait_s=0, until=0.0))

    def clear(self) -> None:
        """The PIN was right; inside the running event."""
        self._keep(_Tries())

    def _keep(self, tries: _Tries) -> None:
        self._store.put(_TRIES, msgspec.json.encode(tries))
        self._now = tries


class Entrance(NamedTuple):
    """What stands at the door."""

    concierges: Mapping[str, Concierge]
    boot_id: str  # the kernel's


class SigningIn:
    """Raises RefusedError."""

    def __init__(self, store: BusStore, scribe: Scribe, syncer: Syncer, entrance: Entrance, clock: Clock) -> None:
        self._store, self._scribe, self._syncer, self._clock = store, scribe, syncer, clock
        self._concierges = entrance.concierges
        self._tries = Tries(store, clock, entrance.boot_id)
        self._one_at_a_time = asyncio.Lock()

    @property
    def who(self) -> str:
        """The opaque id of whoever is signed in; empty: nobody, or nobody any more."""
        signed = self._signed()
        return signed.who if signed else ""

    @property
    def nobody(self) -> bool:
        """Whether somebody must be signed in, and is not."""
        return bool(self._concierges) and not self.who

    def by(self) -> str:
        """Who does what is done by hand; raises NobodySignedInError where city.toml has concierges and none is there."""
        self.check()
        return self.who if self._concierges else ANYBODY

    def check(self) -> None:
        """Raises NobodySignedInError."""
        if self.nobody:
            raise NobodySignedInError

    def reminder(self) -> Word | None:
        """To be said before a resident sits down."""
        return Do.SIGN_IN if self.nobody else None

    def shown(self) -> SignedInShown:
        """For the snapshot."""
        signed = self._signed()
        return SignedInShown(
            wanted=bool(self._concierges),
            who=signed.who if signed else "",
            how=signed.how if signed else "",
            pin_wait_s=self._tries.left_s,
        )

    async def with_pin(self, who: str, pin: str) -> None:
        """Raises NoConciergesError, PinWaitError or WrongPinError. Takes as long for an id that nobody has."""
        if not self._concierges:
            raise NoConciergesError
        async with self._one_at_a_time:
            self._tries.over()
            self._tries.check()
            self._tries.count()
            known = self._concierges.get(who) or next(iter(self._concierges.values()))
            right = await asyncio.to_thread(pins.holds, pin, known.pin)
            if not right or who not in self._concierges:
                raise WrongPinError
            self._enter(_Signed(who, How.PIN, self._today(), 0))

    async def with_code(self, code: str) -> None:
        """City hall is asked now; the code is kept nowhere. Raises NoConciergesError, CodeNeedsLineError, CodeRefusedError."""
        if not self._concierges:
            raise NoConciergesError
        try:
            answer = await self._syncer.ask(Substitute, code=code)
            if isinstance(answer, Refusal):
                raise CodeRefusedError(answer.reason)
            if not isinstance(answer, SubstituteReceipt):
                raise AnswerError(type(answer).__name__)
        except LinkError as error:
            raise CodeNeedsLineError(error.key) from None
        self._enter(_Signed(answer.who, How.CODE, self._today(), answer.until))

    def out(self) -> None:
        """She signs out; nobody signed in is no error."""
        with self._store.event():
            self._leave()
        self._syncer.tell()

    def changed(self, before: DutyMode, after: DutyMode) -> None:
        """Duty was left for good; inside the running event."""
        if after is DutyMode.ROUTE_BUS:
            self._leave()

    async def run(self) -> None:
        """For ever: sees to it that a wait which is over stays over."""
        while True:
            await asyncio.sleep(self._tries.left_s or FIRST_WAIT_S)
            self._tries.over()

    def _enter(self, signed: _Signed) -> None:
        with self._store.event():
            self._leave()
            self._tries.clear()
            self._store.put(_WHO, msgspec.json.encode(signed))
            self._store.record("signed_in", who=signed.who, how=signed.how)
            self._scribe.queue(SignedIn, who=signed.who, how=signed.how, on=True)
        self._syncer.tell()

    def _leave(self) -> None:
        kept = self._kept()
        if kept is None:
            return
        self._store.put(_WHO, b"")
        self._store.record("signed_out", who=kept.who)
        self._scribe.queue(SignedIn, who=kept.who, how=kept.how, on=False)

    def _signed(self) -> _Signed | None:
        kept = self._kept()
        if kept is None or kept.day != self._today() or 0 < kept.until <= self._clock.utc_ms():
            return None
        # One who was taken out of city.toml meanwhile is out of the box with it.
        return kept if kept.how is How.CODE or kept.who in self._concierges else None

    def _kept(self) -> _Signed | None:
        raw = self._store.get(_WHO)
        return strict_json.decode(raw, _Signed) if raw else None

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())
