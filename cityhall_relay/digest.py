"""Makes each day's signed digest of the journal, once, after midnight; after down time those of the days that were missed."""

from datetime import date, datetime, time, timedelta
from typing import Final

from cityhall_base.clock import JST, Clock, business_day
from cityhall_relay.answers import Answers
from cityhall_relay.store import RelayStore
from cityhall_relay.store.audit import Journal, Kept
from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.messages import envelope
from cityhall_wire.messages.chain import GENESIS
from cityhall_wire.messages.digest import DailyDigest
from cityhall_wire.messages.envelope import Envelope

AT_ONCE: Final = 10
"""Digests in one turn of the housekeeping, so that a relay that was set up anew over years of journal still answers."""

_DAY: Final = timedelta(days=1)


class Digests:
    """`tick` makes what is due; the store's events are its own."""

    def __init__(self, store: RelayStore, answers: Answers, clock: Clock) -> None:
        self._store, self._answers, self._clock = store, answers, clock
        self._done_on = ""

    def tick(self) -> None:
        """Idempotent: a day that has its digest gets no other."""
        today = business_day(self._clock.utc_ms())
        if today == self._done_on:
            return
        for _ in range(AT_ONCE):
            if not self._make(today):
                self._done_on = today
                return

    def _make(self, today: str) -> bool:
        before = self._store.last_digest()
        with self._store.journal() as journal:
            found = due(journal, before, today)
            if found is None:
                return False
            signed = self._signed(journal, before, *found)
        day, first, last = found
        with self._store.event():
            self._store.add_digest(Kept(day=day, first=first, last=last, at=self._clock.utc_ms(), envelope=signed))
            self._store.record("digest", day=day, first=first, last=last)
        return True

    def _signed(self, journal: Journal, before: Kept | None, day: str, first: int, last: int) -> bytes:
        return self._answers.sign(
            DailyDigest(
                v=PROTOCOL_VERSION,
                city=self._answers.city,
                day=day,
                at=self._clock.utc_ms(),
                rows=last - first + 1,
                first=first,
                last=last,
                before=journal.hash(first - 1) or GENESIS,
                head=journal.hash(last) or GENESIS,
                jobs=journal.ends(first, last),
                sheets=journal.moved(first, last),
                previous=payload_digest(before.envelope) if before else None,
            )
        )


def due(journal: Journal, before: Kept | None, today: str) -> tuple[str, int, int] | None:
    """Day, first and last row of the digest that comes next; None where nothing is left to sign.

    Rows are taken in their own order, whatever the clock said: one that was written under a wrong date belongs to the day
    whose digest comes next.
    """
    first, after = (before.last + 1, before.day) if before else (1, "")
    at = journal.at(first)
    if at is None:
        return None
    day = business_day(at)
    if after < day < today:
        beyond = journal.next_since(first, day_ms(day)[1])
        last = beyond - 1 if beyond else journal.head()[0]
        return day, first, last
    day = (date.fromisoformat(today) - _DAY).isoformat()
    found = journal.last_before(first, day_ms(day)[1]) if after < day else None
    return None if found is None else (day, first, found)


def day_ms(day: str) -> tuple[int, int]:
    """Where a JST date begins, and where the next one does, in UTC milliseconds."""
    begin = datetime.combine(date.fromisoformat(day), time(), JST)
    return int(begin.timestamp() * 1000), int((begin + _DAY).timestamp() * 1000)


def payload_digest(raw: bytes) -> bytes:
    """What names an envelope's payload."""
    return envelope.digest(strict_json.decode(raw, Envelope, envelope.ENVELOPE_BYTES).payload)
