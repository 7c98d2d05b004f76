"""What a day of visits needs beside its documents: where the bus stands, its slots of today, and what a visitor thought of it.

Numbers and names of city.toml alone: nobody's name is in a slot, and a face belongs to a session.
"""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cityhall_wire.headers import Name, SessionId
from cityhall_wire.messages.link import LinkMessage
from cityhall_wire.messages.people import Day
from cityhall_wire.messages.relay import Answer

MOST_SLOTS: Final = 100
"""Of one bus and day; a stop of three hours has a dozen."""

DAY_BYTES: Final = 8
"""A plan says them all day long; they tell one day's slots from another's and protect nothing, for the plan is signed."""

Minute = Annotated[int, Meta(ge=0, le=24 * 60)]
"""Of the day in Japan Standard Time: 630 is 10:30."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One booked time (予約枠) at a stop."""

    slot: Annotated[int, Meta(ge=1, le=999)]
    start: Minute
    end: Minute
    stop: Name
    section: Name


class AtStop(LinkMessage, frozen=True, kw_only=True):
    """The bus arrived at a stop of city.toml, or left it (null). Kept until it is answered."""

    stop: Name | None


class Feedback(LinkMessage, frozen=True, kw_only=True):
    """利用者の声: after a visit, one of three faces. 3: good, 2: so-so, 1: not good."""

    session: SessionId
    face: Annotated[int, Meta(ge=1, le=3)]


class DayWanted(LinkMessage, frozen=True, kw_only=True):
    """A plan named another digest than that of the slots here: the bus asks for them. Answered by `day-plan`."""


class DayPlan(Answer, frozen=True, kw_only=True):
    """The slots of this bus and day, by start; `Plan.day` carries their digest as long as there are any."""

    day: Day
    slots: Annotated[tuple[Slot, ...], Meta(max_length=MOST_SLOTS)]


def encode_slots(slots: tuple[Slot, ...]) -> bytes:
    """Their canonical bytes, as strict_json writes them."""
    return msgspec.json.encode(slots, order="deterministic")


def day_digest(slots: tuple[Slot, ...]) -> bytes:
    """`Plan.day`: the first 8 bytes of SHA-256 over `encode_slots`."""
    return hashlib.sha256(encode_slots(slots)).digest()[:DAY_BYTES]
