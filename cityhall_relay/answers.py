"""Everything that city hall signs goes through here: one key, one clock, one city."""

from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_base.clock import Clock
from cityhall_relay.store.rows import Job
from cityhall_wire import PROTOCOL_VERSION
from cityhall_wire.messages import envelope, relay
from cityhall_wire.messages.digest import DailyDigest
from cityhall_wire.messages.statement import Statement

A = TypeVar("A", bound=relay.Answer)

NOBODY: Final = bytes(32)
"""`re` of a receipt that city hall signs by itself, before any bus asked for it."""


class Answers:
    """Signed answers to buses."""

    def __init__(self, city: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self.city, self._key, self._clock = city, key, clock

    def message(self, kind: type[A], bus: str, re: bytes, **fields: Any) -> A:
        """An answer to the request named by `re` (envelope.digest), not yet signed."""
        return kind(v=PROTOCOL_VERSION, city=self.city, bus=bus, re=re, at=self._clock.utc_ms(), **fields)

    def sign(self, message: relay.Answer | Statement | DailyDigest) -> bytes:
        """The envelope's bytes."""
        return envelope.sign(message, self._key)

    def signed(self, kind: type[relay.Answer], bus: str, re: bytes, **fields: Any) -> bytes:
        """`message` and `sign` in one."""
        return self.sign(self.message(kind, bus, re, **fields))

    def receipt(self, job: Job, re: bytes) -> bytes:
        """Where the job stands now."""
        return self.signed(relay.Receipt, job.bus, re, job=job.job, state=job.state, attempt=job.attempt)

    def refusal(self, bus: str, re: bytes, reason: str, job: Job | None = None) -> bytes:
        """The request was understood and is refused; with a job, where it stands."""
        known = {"job": job.job, "state": job.state} if job else {}
        return self.signed(relay.Refusal, bus, re, reason=reason, **known)

    def deletion(self, job: Job, re: bytes = NOBODY) -> bytes:
        """City hall's own deletion receipt."""
        fields = {"job": job.job, "seal_digest": job.seal_digest, "state": job.state}
        return self.signed(relay.DeletionReceipt, job.bus, re, **fields)
