"""What city hall signs of each day's journal, to be kept outside city hall: whoever rewrites the journal later is found out.

It answers nobody. The rows of all digests follow each other without a gap, and each names the one before it; a day on which
nothing was written has none. `cityhall_wire.messages.chain` says how `before` and `head` follow from the rows between them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from cityhall_wire.headers import CityId, Count, Digest, Ordinal, UtcMs, Version
from cityhall_wire.messages.people import Day

Change = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
"""Sheets: below zero where a day took back more than it wrote."""


class Ends(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Documents that ended on that day, by their end (cityhall_wire.lifecycle.ENDS)."""

    handed_over: Count = 0
    spoiled: Count = 0
    canceled: Count = 0
    expired: Count = 0
    refused: Count = 0
    not_printed: Count = 0


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sheets of all buses and papers that reached the books on that day, by column."""

    received: Change = 0
    issued: Change = 0
    spoiled: Change = 0
    lost: Change = 0
    test: Change = 0


class DailyDigest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One day of the relay's journal."""

    v: Version
    city: CityId
    day: Day
    at: UtcMs  # when it was signed
    rows: Ordinal
    first: Ordinal
    last: Ordinal
    before: Digest  # hash of the row before `first`; 32 zero bytes before the first of all
    head: Digest  # hash of `last`
    jobs: Ends = Ends()
    sheets: Moved = Moved()
    previous: Digest | None = None  # envelope.digest of the payload of the digest before this one

    def __post_init__(self) -> None:
        """Raises ValueError where the number of rows is not that of the rows named."""
        if self.rows != self.last - self.first + 1:
            raise ValueError("as many rows as from the first to the last")
