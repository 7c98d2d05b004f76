"""Walks a journal from its first row: does each row follow from the one before it, and is each digest still true. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from cityhall_base.words import Word
from cityhall_relay.digest_text import opened
from cityhall_relay.errors import AuditBusyError, DigestError
from cityhall_relay.store.audit import Kept, Seen
from cityhall_wire import strict_json
from cityhall_wire.messages import envelope
from cityhall_wire.messages.chain import GENESIS, row_hash
from cityhall_wire.messages.digest import DailyDigest

MOST_FAULTS: Final = 20
"""That are told: the first says where to look."""

_LAST: Final = 2**53 - 1


class Fault(Word):
    """What was found; `{detail}` is a row's number or a day."""

    ROW = ("audit.fault_row", "Row {detail} does not follow from the rows before it.")
    MISSING = ("audit.fault_missing", "Rows are missing before row {detail}.")
    DIGEST = ("audit.fault_digest", "The journal of {detail} is not the one that was signed: somebody rewrote it.")
    SHORT = ("audit.fault_short", "The journal ends before what was signed for {detail}.")
    SIGNATURE = ("audit.fault_signature", "The digest of {detail} is not signed by city hall's key.")
    ORDER = ("audit.fault_order", "The digest of {detail} does not follow from the one before it.")
    KEPT = ("audit.fault_kept", "The digest of {detail} that was kept outside is another than the one here.")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, in the shape of everything that is said."""

    key: str
    sentence: str
    detail: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The result. `rows` were read, `head` is the hash of the last."""

    rows: int
    head: bytes
    digests: int
    good: bool
    faults: tuple[Found, ...]


class Given(NamedTuple):
    """A verified digest that somebody kept outside."""

    digest: DailyDigest


class Rows(Protocol):
    """Where rows come from: the live journal, or an exported one."""

    def chunks(self, first: int, last: int) -> Iterator[list[Seen]]:
        """In order, some at a time."""


def check(
    journal: Rows,
    digests: Sequence[Kept],
    keyring: envelope.Keyring,
    given: Given | None = None,
    over: Callable[[], bool] = lambda: False,
) -> Checked:
    """All of it. Raises AuditBusyError where `over` says that it took too long."""
    walk = Walk()
    known = list(_read(walk, digests, keyring))
    walk.expect(known)
    if given:
        walk.expect([given.digest])
        mine = next((one for one in known if one.day == given.digest.day), None)
        if mine != given.digest:
            walk.fault(Fault.KEPT, given.digest.day)
    for chunk in journal.chunks(1, _LAST):
        if over():
            raise AuditBusyError
        walk.take(chunk)
    return walk.result(len(known))


class Walk:
    """Hashes rows in their order and looks at each place that a digest names."""

    def __init__(self, before: bytes = GENESIS, first: int = 1) -> None:
        self._head, self._next, self._rows = before, first, 0
        self._marks: dict[int, set[tuple[bytes, str]]] = {first - 1: set()}
        self._faults: dict[tuple[Fault, str], None] = {}

    def expect(self, digests: Iterable[DailyDigest]) -> None:
        """What the journal must have been at their ends."""
        for one in digests:
            for n, expected in ((one.first - 1, one.before), (one.last, one.head)):
                self._marks.setdefault(n, set()).add((expected, one.day))

    def take(self, rows: Iterable[Seen]) -> None:
        """The next rows."""
        self._look(self._next - 1)
        for seen in rows:
            if seen.row.n != self._next:
                self.fault(Fault.MISSING, str(seen.row.n))
            if row_hash(self._head, seen.row) != seen.hash:
                self.fault(Fault.ROW, str(seen.row.n))
            self._head, self._next = seen.hash, seen.row.n + 1
            self._rows += 1
            self._look(seen.row.n)

    def result(self, digests: int) -> Checked:
        """Where the rows ended."""
        self._look(self._next - 1)
        for n, left in sorted(self._marks.items()):
            for _, day in sorted(left, key=lambda one: one[1]):
                self.fault(Fault.SHORT if n >= self._next else Fault.DIGEST, day)
        faults = tuple(self._faults)[:MOST_FAULTS]
        said = tuple(Found(key=str(w), sentence=w.english.replace("{detail}", d), detail=d) for w, d in faults)
        return Checked(rows=self._rows, head=self._head, digests=digests, good=not said, faults=said)

    def fault(self, what: Fault, detail: str) -> None:
        """Each once."""
        self._faults.setdefault((what, detail))

    def _look(self, n: int) -> None:
        for expected, day in sorted(self._marks.pop(n, ()), key=lambda one: one[1]):
            if expected != self._head:
                self.fault(Fault.DIGEST, day)


def _read(walk: Walk, digests: Sequence[Kept], keyring: envelope.Keyring) -> Iterator[DailyDigest]:
    """Those that city hall signed, each looked at beside the one before it."""
    last, previous = 0, None
    for kept in digests:
        try:
            one = opened(kept.envelope, keyring)
        except DigestError:
            walk.fault(Fault.SIGNATURE, kept.day)
            continue
        if (one.first, one.previous, one.day) != (last + 1, previous, kept.day):
            walk.fault(Fault.ORDER, kept.day)
        last = one.last
        raw = strict_json.decode(kept.envelope, envelope.Envelope, envelope.ENVELOPE_BYTES)
        previous = envelope.digest(raw.payload)
        yield one
