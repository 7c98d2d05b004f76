"""What happened on the bus and city hall has not answered yet: said in order, as often as it takes.

Many facts go in one request: of a hundred after a dead zone each would else cost its own round trip.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bus_agent.agent import lock
from bus_agent.agent.facts import Scribe
from bus_agent.agent.link import Link
from bus_agent.agent.planning import Planner
from bus_agent.agent.rows import Outgoing
from bus_agent.agent.store import BusStore
from bus_agent.errors import RejectedError, UnknownJobError
from cityhall_wire import strict_json
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope, Opened, Role
from cityhall_wire.messages.link import LinkMessage
from cityhall_wire.messages.relay import DeletionReceipt, Noted, Receipt, Refusal, SessionReceipt, Stale

EVIDENCE: Final = "/1/evidence"
_UNREADABLE: Final = frozenset({400, 413, 415})

Receipted = Receipt | DeletionReceipt | SessionReceipt | Noted

log = logging.getLogger(__name__)


class Outbox:
    """Emptied by one at a time (the syncer). `wake` asks for a plan where city hall sees something else."""

    def __init__(self, store: BusStore, link: Link, scribe: Scribe, planner: Planner, wake: Callable[[], None]) -> None:
        self._store, self._link, self._scribe, self._planner, self._wake = store, link, scribe, planner, wake

    async def drain(self) -> None:
        """Until nothing waits; raises LinkError."""
        most = envelope.BATCH_ENVELOPES
        while waiting := self._store.outgoing(most):
            raws = [message.envelope for message in waiting]
            batch = waiting[: envelope.fitting(raws)]
            try:
                answers = await self._link.ask_all(EVIDENCE, raws[: len(batch)])
            except RejectedError as error:
                if error.status not in _UNREADABLE:
                    raise
                alone = len(batch) == 1
                if alone:
                    self._drop(batch[0], f"status_{error.status}")
                # What is wrong with a whole batch is found out by its first envelope alone.
                most = envelope.BATCH_ENVELOPES if alone else 1
                continue
            most = envelope.BATCH_ENVELOPES
            # City hall answers in order and may stop early; what has no answer is said again.
            self._settle(list(zip(batch, answers, strict=False)))

    def _settle(self, answered: Sequence[tuple[Outgoing, Opened]]) -> None:
        with self._store.event():
            for message, opened in answered:
                if isinstance(opened.message, Receipted):
                    self._receipted(message, opened.message)
        for message, opened in answered:
            match opened.message:
                case Receipt() as receipt:
                    self._agree(receipt)
                case DeletionReceipt() | SessionReceipt() | Noted():
                    pass
                case Stale() as stale:
                    self._sign_again(message, stale)
                    return  # what follows has other numbers now
                case Refusal() as refusal:
                    self._drop(message, refusal.reason)
                case _:
                    self._drop(message, opened.kind)

    def _receipted(self, message: Outgoing, receipt: Receipted) -> None:
        self._store.answered(message)
        self._store.record("receipted", message.job, what=message.kind)
        if isinstance(receipt, Noted):
            lock.noted(self._store, message.kind)
        if isinstance(receipt, DeletionReceipt):
            self._store.forget(message.job)

    def _agree(self, receipt: Receipt) -> None:
        try:
            self._planner.agree(receipt.job, receipt.state, receipt.attempt)
        except UnknownJobError:
            log.info("%s: receipted, and forgotten here already", receipt.job)

    def _drop(self, message: Outgoing, reason: str) -> None:
        log.warning("%s: city hall does not take %s: %s", message.job, message.kind, reason)
        with self._store.event():
            self._store.answered(message)
            self._store.record("not_taken", message.job, what=message.kind, reason=reason)
        self._wake()

    def _sign_again(self, message: Outgoing, stale: Stale) -> None:
        # The fact stays true; only its number is too low, and so are those of all that wait behind it.
        if stale.boot >= self._store.boot:
            self._scribe.outrun(stale.boot)
        if envelope.KINDS[message.kind].role is not Role.LINK:
            self._drop(message, "stale")
            return
        with self._store.event():
            for later in self._store.outgoing(-1, message.id):
                if envelope.KINDS[later.kind].role is Role.LINK:
                    self._store.replace_outgoing(later, self._signed_again(later))

    def _signed_again(self, message: Outgoing) -> bytes:
        payload = strict_json.decode(message.envelope, Envelope).payload
        fact = strict_json.decode(payload, envelope.KINDS[message.kind].payload)
        own = LinkMessage.__struct_fields__
        fields = {name: value for name, value in msgspec.structs.asdict(fact).items() if name not in own}
        return self._scribe.sign(type(fact), **fields)  # type: ignore[type-var]
