"""Who is on board and what was looked at: checklists (始業点検 / 終業点検), sign-in, and the substitute's one-time code.

No name of a person travels: concierges are opaque ids of city.toml, a substitute is one that city hall draws.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cityhall_wire.headers import Name, OpaqueId, UtcMs
from cityhall_wire.messages.link import LinkMessage
from cityhall_wire.messages.relay import Answer

Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")]
"""A date of Japan Standard Time, as 2026-11-22."""

Code = Annotated[str, Meta(pattern=r"\A[0-9]{8}\Z")]
"""What city hall reads to a substitute over the telephone: it is used once."""

MOST_ITEMS: Final = 40
"""Items of one checklist: a person goes through a dozen."""


class Which(StrEnum):
    """The two checklists of a day."""

    OPENING = "opening"  # 始業点検
    CLOSING = "closing"  # 終業点検


class How(StrEnum):
    """By what somebody signed in."""

    PIN = "pin"
    CODE = "code"  # a substitute's


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a completed list. `item` is its name in city.toml, `note` why it is not well."""

    item: Name
    ok: bool
    box: bool = False  # the box looked itself
    note: Name | None = None


class Checklist(LinkMessage, frozen=True, kw_only=True):
    """A list that was completed on the bus, for the day by the bus's own clock. Answered by `noted`."""

    which: Which
    day: Day
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=MOST_ITEMS)]
    by: OpaqueId


class SignedIn(LinkMessage, frozen=True, kw_only=True):
    """Somebody signed in on the bus (`on`), or is signed in no more. Answered by `noted`."""

    who: OpaqueId
    how: How
    on: bool


class Substitute(LinkMessage, frozen=True, kw_only=True):
    """A substitute stands in front of the box and has typed the code. Worth nothing later, and kept nowhere on the bus."""

    code: Code


class SubstituteReceipt(Answer, frozen=True, kw_only=True):
    """The code was right, and is used up: this is who stands there, until when."""

    who: OpaqueId
    until: UtcMs
