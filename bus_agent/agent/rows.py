"""What the agent keeps of a job and of a message that city hall has not answered yet."""

import msgspec

from cityhall_wire.headers import SealHeader, decode_seal_header, seal_digest
from cityhall_wire.lifecycle import ENDS, JobState
from cityhall_wire.messages.link import Holding


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job on the bus. `request` is the release request of the running attempt as the spooler signed it, or empty."""

    job: str
    session: str
    state: JobState
    attempt: int
    approved: bool
    seal_header: bytes  # exact bytes: their digest is the ciphertext's context
    body_size: int
    received: int = 0  # bytes of ciphertext that are on disk for certain
    request: bytes = b""
    printer_job: int = 0  # IPP job-id
    drawn: int = 0  # its place among those whose sheets are out, in the order in which they were printed
    sent: bytes = b""  # the print key's statement that the printer took the document whole
    acknowledged: bool = False  # city hall has receipted the end
    body_kept: bool = True
    why: str = ""  # key of the last thing that went wrong

    @property
    def header(self) -> SealHeader:
        """What was sealed."""
        return decode_seal_header(self.seal_header)

    @property
    def seal_digest(self) -> bytes:
        """32 bytes that name the seal header."""
        return seal_digest(self.seal_header)

    @property
    def whole(self) -> bool:
        """Every byte of the ciphertext is here."""
        return self.received == self.body_size

    @property
    def ended(self) -> bool:
        """Nothing leads out of its state."""
        return self.state in ENDS

    @property
    def holding(self) -> Holding:
        """Its line in the inventory."""
        return Holding(
            job=self.job, state=self.state, attempt=self.attempt, received=self.received, approved=self.approved
        )


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A signed message on its way: kept until city hall's answer to it is here."""

    id: int
    kind: str
    job: str
    envelope: bytes
