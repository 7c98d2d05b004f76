"""Times and limits, each with its reason. A city changes them in `city.toml` within the bounds given here.

Every time is in the unit its name ends with. Counted by CLOCK_BOOTTIME on the bus and by the relay's clock at city hall.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

DOCUMENT_BYTES: Final = 32 * 1024 * 1024
"""A scan of ten A4 sheets at 300 dpi is about 20 MB; the opener must hold it in memory whole."""

BODY_RANGE_BYTES: Final = 32 * 1024
"""One Range request of ciphertext. Two are in flight, so a cut costs at most 64 KiB of a metered line twice."""

RANGES_IN_FLIGHT: Final = 2
"""Two keep a line of 150 ms and 1 Mbit/s (19 kB in flight) full; more would only be resent after a cut."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a city may change. The defaults are for a city with one bus and valleys."""

    lease_s: Annotated[int, Meta(ge=60, le=1800)] = 600
    """How long a bus may go on after the last answer to its nonce: longer than the longest dead zone of a stop."""

    sync_s: Annotated[int, Meta(ge=1, le=300)] = 60
    """Rhythm of sync without a hint: renews the lease ten times over, and costs about 1 kB each."""

    session_idle_s: Annotated[int, Meta(ge=60, le=3600)] = 900
    """A counter session in which nobody does anything ends: nobody is sitting there any more."""

    call_s: Annotated[int, Meta(ge=20, le=900)] = 120
    """A call that no clerk accepts ends: the concierge telephones the section instead."""

    call_next_s: Annotated[int, Meta(ge=5, le=900)] = 40
    """A call that nobody of its section took rings at the section's deputy too: about the tenth ring."""

    unapproved_s: Annotated[int, Meta(ge=10, le=3600)] = 600
    """Sealed and not approved: the clerk has turned to something else."""

    approved_s: Annotated[int, Meta(ge=10, le=3600)] = 600
    """Approved and not printed: the resident has left the seat."""

    release_s: Annotated[int, Meta(ge=5, le=30)] = 15
    """A release answers one nonce and is used within this time, or never."""

    printer_silence_s: Annotated[int, Meta(ge=5, le=600)] = 120
    """A printer that says nothing for so long: nobody may guess any more (`uncertain`)."""

    printer_poll_ms: Annotated[int, Meta(ge=50, le=5000)] = 200
    """Rhythm of Get-Job-Attributes while a job is at the printer."""

    cancel_confirm_s: Annotated[int, Meta(ge=1, le=30)] = 5
    """How long Cancel-Job may take to be confirmed before the screen says: switch the printer off."""

    clock_s: Annotated[int, Meta(ge=30, le=3600)] = 300
    """How far a bus's clock may be off before it is locked: its records would be worth little. A line of 20 s is no reason."""

    offers_per_bus: Annotated[int, Meta(ge=1, le=20)] = 20
    """Live jobs of one bus: a session prints one to three."""

    document_bytes: Annotated[int, Meta(ge=1024, le=DOCUMENT_BYTES)] = DOCUMENT_BYTES
    """Largest document at intake."""

    document_pages: Annotated[int, Meta(ge=1, le=500)] = 50
    """Most pages of one document: a certificate has one to ten."""

    extension_min: Annotated[int, Meta(ge=0, le=120)] = 30
    """How much later than its timetable a day's duty may end, all extensions together: a stop that runs late, no second shift."""
