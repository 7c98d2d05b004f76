"""What the agent itself says to city hall: link messages, numbered (boot, seq) and signed with the link key."""

from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.agent.store import BusStore
from cityhall_base.clock import Clock
from cityhall_wire import PROTOCOL_VERSION
from cityhall_wire.messages import envelope
from cityhall_wire.messages.link import LinkMessage

L = TypeVar("L", bound=LinkMessage)

MOST_NUMBERS: Final = 100
"""Sheet numbers in one report of spoiled sheets."""


class Scribe:
    """Numbers and signs. The numbers of one boot follow the order of signing, which is the order of sending."""

    def __init__(self, city: str, bus: str, key: Ed25519PrivateKey, store: BusStore, clock: Clock) -> None:
        self.city, self.bus = city, bus
        self._key, self._store, self._clock = key, store, clock
        self._seq = 0

    def sign(self, kind: type[L], **fields: Any) -> bytes:
        """The envelope of the next link message."""
        self._seq += 1
        message = kind(
            v=PROTOCOL_VERSION,
            city=self.city,
            bus=self.bus,
            boot=self._store.boot,
            seq=self._seq,
            at=self._clock.utc_ms(),
            **fields,
        )
        return envelope.sign(message, self._key)

    def queue(self, kind: type[L], job: str = "", **fields: Any) -> None:
        """Sign a fact, about a job or about none, and keep it until it is answered; inside the running event."""
        about = {"job": job} if job else {}
        self._store.queue(envelope.kind_of(kind), job, self.sign(kind, **about, **fields))

    def outrun(self, boot: int) -> None:
        """City hall has heard a boot as high as `boot` already: go on above it."""
        with self._store.event():
            self._store.raise_boot(boot)
        self._seq = 0
