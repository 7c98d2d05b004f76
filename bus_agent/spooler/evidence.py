"""What the spooler signs with the print key: release requests and statements of evidence.

The spooler keeps nothing on any disk, so what a later incarnation must know of an attempt stands in the signed request itself:
printer-uuid, printer-up-time and the time of its signing.
"""

import secrets
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.ipc.messages import Print
from bus_agent.spooler.reading import JobStatus, PrinterStatus
from cityhall_base.clock import Clock
from cityhall_wire import PROTOCOL_VERSION, headers
from cityhall_wire.errors import HeaderError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.printing import Evidence, Finding, ReleaseRequest

_NONCE_BYTES: Final = 32


class Identity(NamedTuple):
    """Who signs, and which configuration and program it works by."""

    city: str
    bus: str
    incarnation: str  # 32 hex digits, fresh at each start of the spooler
    software: bytes
    config: bytes


class Heard(NamedTuple):
    """The printer's last words on an attempt, where there were any."""

    seen: JobStatus | None = None
    printer: PrinterStatus | None = None


class Signed(NamedTuple):
    """A release request, its payload's bytes, and the envelope that travels."""

    request: ReleaseRequest
    payload: bytes
    envelope: bytes


class Signer:
    """Holds the print key; nothing else on the bus does."""

    def __init__(self, key: Ed25519PrivateKey, identity: Identity, clock: Clock) -> None:
        self._key, self.identity, self._clock = key, identity, clock

    def request(self, order: Print, opener_key: bytes, printer: PrinterStatus) -> Signed:
        """The release request of one opener, with a fresh nonce."""
        me = self.identity
        message = ReleaseRequest(
            v=PROTOCOL_VERSION,
            city=me.city,
            bus=me.bus,
            incarnation=me.incarnation,
            nonce=secrets.token_bytes(_NONCE_BYTES),
            job=order.job,
            attempt=order.attempt,
            at=self._clock.utc_ms(),
            session=order.session,
            seal_digest=headers.seal_digest(order.seal_header),
            opener_key=opener_key,
            mode=order.mode,
            software=me.software,
            config=me.config,
            printer_uuid=printer.uuid,
            printer_up_time=printer.up_time,
            printer_counter=printer.counter,
        )
        raw = envelope.sign(message, self._key)
        return self.reopen(raw)

    def reopen(self, raw: bytes) -> Signed:
        """A request that this print key signed for this bus, of any incarnation; raises WireError."""
        opened = envelope.verify(raw, {envelope.Role.PRINT: (self._key.public_key(),)})
        request = opened.expect(ReleaseRequest)
        if (request.city, request.bus) != (self.identity.city, self.identity.bus):
            raise HeaderError("city and bus of the request")
        return Signed(request, opened.payload, raw)

    def statement(
        self, request: ReleaseRequest, n: int, finding: Finding, why: str, printer_job: int, heard: Heard
    ) -> bytes:
        """The envelope of one statement about the attempt that `request` began."""
        seen, printer = heard
        up_times = [one.up_time for one in (printer, seen) if one is not None and one.up_time is not None]
        message = Evidence(
            v=PROTOCOL_VERSION,
            city=request.city,
            bus=request.bus,
            incarnation=self.identity.incarnation,
            nonce=request.nonce,
            job=request.job,
            attempt=request.attempt,
            n=n,
            at=self._clock.utc_ms(),
            finding=finding,
            why=why,
            printer_uuid=printer.uuid if printer else request.printer_uuid,
            printer_up_time=up_times[0] if up_times else request.printer_up_time,
            printer_job=printer_job,
            job_state=seen.state if seen else "",
            job_reasons=seen.reasons if seen else (),
            impressions=(seen.impressions or 0) if seen else 0,
            counter_before=request.printer_counter,
            counter_after=printer.counter if printer else None,
        )
        return envelope.sign(message, self._key)

    def proves_sent(self, raw: bytes, request: ReleaseRequest) -> bool:
        """Whether `raw` is this print key's own statement that the printer took the document of `request` whole.

        Raises WireError where it is no statement of this print key.
        """
        said = envelope.verify(raw, {envelope.Role.PRINT: (self._key.public_key(),)}).expect(Evidence)
        return said.finding is Finding.SENT and (said.job, said.attempt, said.nonce) == (
            request.job,
            request.attempt,
            request.nonce,
        )


def attempt_id(job: str, attempt: int) -> str:
    """The printer's job-name: no resident's name, and the same for nobody else."""
    return f"{job}-{attempt}"
