"""What city.toml says of the people on board and of the checklists that they go through, as data.

[concierges.concierge-3b]                 # an opaque id, never a name
pin = "$argon2id$v=19$…"                  # `cityhall-relay pin` prints this line

[checklists.opening.items.lamp]           # 始業点検; an item without `box` is ticked by hand
text = "電源ランプがついている"
text_en = "The power lamp is on"

[checklists.closing.items.sheets]         # 終業点検
text = "用紙の枚数が台帳と合う"
text_en = "The sheets agree with the ledger"
box = "sheets"
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from cityhall_base import pin
from cityhall_base.settings import Table
from cityhall_wire.headers import Name, OpaqueId
from cityhall_wire.messages.people import MOST_ITEMS, Which

Line = Annotated[str, Meta(min_length=1, max_length=80)]
Phc = Annotated[str, Meta(min_length=1, max_length=300)]

TAKEN: Final = "complete"
"""No item is called so: it is the button below all of them."""


class Box(StrEnum):
    """What the box can look at itself (bus_agent/agent/checks.py)."""

    LINE = "line"  # city hall answers
    PRINTER = "printer"  # idle, and nothing stands
    SPOOLER = "spooler"
    PAPER = "paper"  # in the tray, where the printer can tell
    CLOCK = "clock"  # near city hall's, and city hall has not locked the bus
    SHEETS = "sheets"  # counted today, and agrees with the ledger
    CASH = "cash"
    FEES = "fees"
    UNCLAIMED = "unclaimed"  # no printed or uncertain document
    PRINTER_EMPTY = "printer_empty"
    TEST_PAGE = "test_page"  # one of today was handed over
    SIGNED_IN = "signed_in"


class Concierge(Table, frozen=True, kw_only=True):
    """Somebody who may sign in on the city's buses."""

    pin: Phc


class ListItem(Table, frozen=True, kw_only=True):
    """One line of a checklist."""

    text: Line
    text_en: Line
    box: Box | None = None


class ListOf(Table, frozen=True, kw_only=True):
    """One checklist, in its order. Without items there is none."""

    items: Mapping[Name, ListItem] = {}


class Checklists(Table, frozen=True, kw_only=True):
    """Both of a day."""

    opening: ListOf = ListOf()
    closing: ListOf = ListOf()

    def of(self, which: Which) -> Mapping[Name, ListItem]:
        """Its items; empty where the city has no such list."""
        return {Which.OPENING: self.opening, Which.CLOSING: self.closing}[which].items


def problems_of(lists: Checklists, concierges: Mapping[OpaqueId, Concierge], *, has_test: bool) -> Iterator[str]:
    """What city.toml must not say; `has_test`: there is a service of class test."""
    for name, one in concierges.items():
        if not pin.is_phc(one.pin):
            yield f"concierges.{name}.pin: no line of `cityhall-relay pin`; make a new one"
    for which in Which:
        items = lists.of(which)
        if len(items) > MOST_ITEMS:
            yield f"checklists.{which}.items: {len(items)} of them; allowed: {MOST_ITEMS}"
        if TAKEN in items:
            yield f"checklists.{which}.items.{TAKEN}: this name is taken; choose another"
        tested = [name for name, item in items.items() if item.box is Box.TEST_PAGE]
        if tested and not has_test:
            yield f"checklists.{which}.items.{tested[0]}.box: test_page needs a service of class test"
