"""What an auditor asks of the journal: its rows, whether they are as they were signed, a copy. Each question is itself a row.

Everything long runs in a thread on a connection that cannot write; the loop goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_relay.audit_check import Checked, Given, check
from cityhall_relay.changes import Changes
from cityhall_relay.digest import day_ms
from cityhall_relay.digest_text import opened
from cityhall_relay.errors import AuditBusyError, NoDigestError, RequestError
from cityhall_relay.store import RelayStore
from cityhall_relay.store.audit import Journal, Kept, Seen, Wanted
from cityhall_wire.headers import JobId, Name, OpaqueId, Ordinal
from cityhall_wire.messages.envelope import Keyring

PAGE: Final = 100
"""Rows of one page."""

MOST_DAYS: Final = 3660
"""In one export: the ten years for which a city keeps such books."""

LISTED: Final = 400
"""Digests in a list: more than a year's."""

EXPORTS: Final = 2
"""At once: each reads the disk for as long as its reader takes."""

EXPORT_S: Final = 900.0
"""For one export: ten years of a bus are some 300 MB, which a branch office fetches in five minutes."""

CHECK_S: Final = 120.0
"""For one look through the whole journal: a million rows take about ten seconds."""

T = TypeVar("T")
Day = Annotated[str, Meta(pattern=r"\A2[0-9]{3}-(0[1-9]|1[0-2])-[0-3][0-9]\Z")]


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader may ask for. Nothing of it can hold a name: it is written down."""

    day: Day | None = None
    who: OpaqueId | None = None
    kind: Name | None = None
    job: JobId | None = None
    before: Ordinal | None = None  # older than the row of this number


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, newest first. `older` is the `before` of the next page, null on the last."""

    rows: tuple[Seen, ...]
    older: int | None
    last: int  # number and hash of the journal's last row
    head: bytes


class Audit:
    """`who` is always the reader's opaque id, its right checked."""

    def __init__(self, store: RelayStore, city: City, keyring: Keyring, clock: Clock, changes: Changes) -> None:
        self._store, self._city, self._keyring, self._clock = store, city.city, keyring, clock
        self._changes = changes
        self._checking = False
        self._exporting: dict[
            object, float
        ] = {}  # since when; one whose reader has stopped reading counts no longer than EXPORT_S

    async def page(self, who: str, asked: Asked) -> Page:
        """One page. Raises RequestError or AuditTooWideError."""
        begin, end = day_ms(real_day(asked.day)) if asked.day else (None, None)
        wanted = Wanted(
            begin=begin, end=end, who=asked.who or "", kind=asked.kind or "", job=asked.job or "", before=asked.before
        )
        self._note("audit_read", who, asked=msgspec.to_builtins(asked))
        rows, (last, head) = await self._aside(lambda journal: (journal.page(wanted, PAGE + 1), journal.head()))
        older = rows[PAGE - 1].row.n if len(rows) > PAGE else None
        return Page(rows=tuple(rows[:PAGE]), older=older, last=last, head=head)

    async def check(self, who: str, kept: bytes | None = None) -> Checked:
        """Every row and every digest; with `kept`, also a digest that was kept outside. Raises DigestError, AuditBusyError."""
        given = Given(opened(kept, self._keyring)) if kept is not None else None
        if self._checking:
            raise AuditBusyError
        self._note("audit_checked", who, kept=given.digest.day if given else "")
        self._checking = True
        try:
            digests = self._store.digests("", "9", 2**31)[::-1]
            until = self._clock.boottime() + CHECK_S

            def over() -> bool:
                return self._changes.stopping or self._clock.boottime() > until

            return await self._aside(lambda journal: check(journal, digests, self._keyring, given, over))
        finally:
            self._checking = False

    def digests(self, who: str, year: str = "") -> list[Kept]:
        """Of a year (2026), or the newest; newest first."""
        self._note("audit_read", who, digests=year)
        return self._store.digests(year, f"{year}-99" if year else "9", LISTED)

    def digest(self, who: str, day: str) -> Kept:
        """Of one day. Raises RequestError or NoDigestError."""
        self._note("audit_read", who, digest=real_day(day))
        found = self._store.digest(day)
        if found is None:
            raise NoDigestError(day)
        return found

    def export(self, who: str, since: str, until: str) -> AsyncIterator[bytes]:
        """JSON lines of these days; noted before this returns. Raises RequestError or AuditBusyError."""
        begin, end = day_ms(real_day(since))[0], day_ms(real_day(until))[1]
        if not 0 < end - begin <= MOST_DAYS * 24 * 3600 * 1000:
            raise RequestError(f"an export is of 1 to {MOST_DAYS} days, the first day first")
        now = self._clock.boottime()
        if sum(now - since_ <= EXPORT_S for since_ in self._exporting.values()) >= EXPORTS:
            raise AuditBusyError
        self.note_export(who, what="journal", since=since, until=until)
        return self._lines(since, until, begin, end)

    def note_export(self, who: str, **about: str) -> None:
        """Before its first byte."""
        self._note("audit_export", who, **about)

    async def _lines(self, since: str, until: str, begin: int, end: int) -> AsyncIterator[bytes]:
        mark = object()
        self._exporting[mark] = self._clock.boottime()
        try:
            first, last = await self._aside(lambda journal: journal.between(begin, end))
            yield _line(journal=self._city, since=since, until=until, first=first, last=last)
            n, stop = first, self._exporting[mark] + EXPORT_S
            while n <= last and not self._changes.stopping and self._clock.boottime() <= stop:
                chunk = await self._aside(_chunk(n, last))
                if not chunk:
                    return
                n = chunk[-1].row.n + 1
                yield b"".join(map(_row, chunk))
            if n > last:
                for kept in self._store.digests(since, until, MOST_DAYS)[::-1]:
                    yield _line(day=kept.day, digest=kept.envelope.decode())
                yield _line(end=last)
        finally:
            del self._exporting[mark]

    async def _aside(self, ask: Callable[[Journal], T]) -> T:
        def asked() -> T:
            with self._store.journal() as journal:
                return ask(journal)

        return await asyncio.to_thread(asked)

    def _note(self, kind: str, who: str, **about: Any) -> None:
        with self._store.event():
            self._store.record(kind, by=who, **{name: value for name, value in about.items() if value})

    def today(self) -> str:
        """JST."""
        return business_day(self._clock.utc_ms())


def asked_of(values: dict[str, str]) -> Asked:
    """From an address's question; what is empty counts as not there. Raises RequestError."""
    known = {name: values[name] for name in Asked.__struct_fields__ if values.get(name)}
    try:
        return msgspec.convert(known, Asked, strict=False)
    except msgspec.ValidationError as error:
        raise RequestError(str(error).rsplit(" - at ", maxsplit=1)[-1].strip("`$.")) from None


def real_day(day: str) -> str:
    """A date of the calendar, as it was written. Raises RequestError."""
    try:
        msgspec.convert(day, Day)
        day_ms(day)
    except (ValueError, OverflowError):  # msgspec.ValidationError is a ValueError
        raise RequestError("a day is written as 2026-11-22") from None
    return day


def _chunk(first: int, last: int) -> Callable[[Journal], list[Seen]]:
    return lambda journal: next(journal.chunks(first, last), [])


def _row(seen: Seen) -> bytes:
    return msgspec.json.encode(msgspec.structs.asdict(seen.row) | {"hash": seen.hash.hex()}) + b"\n"


def _line(**fields: object) -> bytes:
    return msgspec.json.encode(fields) + b"\n"
