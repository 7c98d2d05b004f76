"""Draws up the signed statement about a revoked bus: each word of it is read from the stores at the moment of signing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cityhall_base.clock import Clock
from cityhall_relay.answers import Answers
from cityhall_relay.store import RelayStore, Signed, Suspension
from cityhall_relay.store.rows import Bus, Evidence, Job, Receipt, Side, Step
from cityhall_relay.sync import holdings_of
from cityhall_relay.vault import Vault
from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.lifecycle import Event, JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope
from cityhall_wire.messages.statement import (
    PART_BYTES,
    Connection,
    Ended,
    GivenKey,
    HeldJob,
    Statement,
)
from cityhall_wire.messages.statement import SheetsOut as Sheets

SheetsOut = Callable[[str], Mapping[str, Sequence[str]]]
"""The numbered sheets that a bus has and has not accounted for: paper → ranges such as `A-0101–A-0150`."""

Item = HeldJob | Sheets

_PROVEN: Final = {str(one): one for one in Ended if one is not Ended.UNKNOWN}
_MOST_DIGESTS: Final = 16
_MOST_GIVEN: Final = 20


class Statements:
    """Writes them; the store's event is the caller's."""

    def __init__(
        self, store: RelayStore, vault: Vault, answers: Answers, clock: Clock, sheets_out: SheetsOut, broker: bool
    ) -> None:
        self._store, self._vault, self._answers, self._clock = store, vault, answers, clock
        self._sheets_out, self._broker = sheets_out, broker

    def write(self, suspension: Suspension) -> None:
        """Sign what is true now, and keep it."""
        now, bus = self._clock.utc_ms(), suspension.bus
        parts = list(_parts([*self._jobs(suspension), *self._sheets(bus)]))
        for number, items in enumerate(parts, 1):
            statement = self._statement(suspension, now, number, len(parts), items)
            signed = self._answers.sign(statement)
            self._store.add_statement(Signed(suspension=suspension.n, part=number, bus=bus, at=now, envelope=signed))
        self._store.record("statement", bus=bus, suspension=suspension.n, parts=len(parts))

    def _jobs(self, suspension: Suspension) -> Iterator[HeldJob]:
        bus = self._store.bus(suspension.bus)
        for name, before in suspension.states.items():
            if job := self._store.job(name):
                yield self._held(bus, job, before)

    def _sheets(self, bus: str) -> Iterator[Sheets]:
        for paper, ranges in self._sheets_out(bus).items():
            for numbers in ranges:
                yield Sheets(paper=paper, numbers=numbers)

    def _statement(self, suspension: Suspension, now: int, part: int, parts: int, items: list[Item]) -> Statement:
        bus, cut = self._store.bus(suspension.bus), suspension.gone_at
        connection = Connection.UNCONFIRMED if cut is None else Connection.CUT
        return Statement(
            v=PROTOCOL_VERSION,
            city=self._answers.city,
            bus=bus.bus,
            at=now,
            part=part,
            parts=parts,
            reason=suspension.reason,
            by=suspension.by,
            revoked_at=suspension.at,
            last_sync_at=bus.synced_at,
            lease_until=bus.lease_until or None,
            connection=connection if self._broker else Connection.NONE,
            connection_cut_at=cut,
            session=suspension.session or None,
            software=bus.software,
            config=bus.config,
            signed_away=self._store.signed_away(bus.bus),
            jobs=tuple(one for one in items if isinstance(one, HeldJob)),
            sheets_out=tuple(one for one in items if isinstance(one, Sheets)),
        )

    def _held(self, bus: Bus, job: Job, before: JobState) -> HeldJob:
        steps, relay, own = self._store.steps(job.job), self._receipt(job, Side.RELAY), self._receipt(job, Side.BUS)
        releases = any(self._store.release(job.job, one + 1) for one in range(job.attempt))
        return HeldJob(
            job=job.job,
            job_class=job.header.job_class,
            service=job.service,
            before=before,
            state=job.state,
            seal_digest=job.seal_digest,
            size=job.body_size,
            received=_received(bus, job, steps),
            given=tuple(self._given(job, steps))[-_MOST_GIVEN:],
            key_destroyed=not self._vault.holds(job.job) and not releases,
            day_key_until=self._vault.opens_until(job.created_at),
            relay_receipt=_digest(relay.envelope) if relay else None,
            bus_receipt=_digest(own.envelope) if own else None,
        )

    def _given(self, job: Job, steps: Sequence[Step]) -> Iterator[GivenKey]:
        said = self._store.evidence_of_job(job.job)
        for step in steps:
            # A release that only its evidence tells of was given by a relay that was set back since.
            if step.event == Event.RELEASE:
                about = [one for one in said if one.attempt == step.attempt]
                digests = tuple(one.payload_digest for one in about[-_MOST_DIGESTS:])
                yield GivenKey(attempt=step.attempt, at=step.at, ended=_ended(job, about), evidence=digests)

    def _receipt(self, job: Job, side: Side) -> Receipt | None:
        return self._store.receipt(job.job, side)


def _ended(job: Job, about: Sequence[Evidence]) -> Ended:
    # What was signed about another request of the running attempt proves nothing of this one's opener.
    own = [one for one in about if one.attempt != job.attempt or not job.nonce or one.nonce == job.nonce]
    return next((_PROVEN[one.finding] for one in reversed(own) if one.finding in _PROVEN), Ended.UNKNOWN)


def _received(bus: Bus, job: Job, steps: Sequence[Step]) -> int:
    if any(step.state is JobState.ON_BUS for step in steps):
        return job.body_size
    return next((one.received for one in holdings_of(bus) if one.job == job.job), 0)


def _parts(items: list[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    size = 0
    for item in items:
        length = len(strict_json.encode(item))
        if part and size + length > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    yield part


def _digest(raw: bytes) -> bytes:
    return envelope.digest(strict_json.decode(raw, Envelope, envelope.ENVELOPE_BYTES).payload)
