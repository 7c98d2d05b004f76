"""Rows about people on board and their checklists. No field holds a name, a PIN or a code."""

from cityhall_relay.store.rows import Row
from cityhall_wire import strict_json
from cityhall_wire.messages.people import Item


class Checklist(Row, frozen=True, kw_only=True):
    """A completed list as the bus signed it. `items` is a JSON list of the wire's own structs; `at` is city hall's clock."""

    n: int = 0
    bus: str
    day: str
    which: str
    by: str
    items: str
    at: int
    envelope: bytes

    @property
    def said(self) -> tuple[Item, ...]:
        """The items, read."""
        return strict_json.decode(self.items.encode(), tuple[Item, ...])


class SignedIn(Row, frozen=True, kw_only=True):
    """Somebody signed in on a bus (`present`), or is there no more. `said_at` is the bus's clock, `at` city hall's."""

    n: int = 0
    bus: str
    who: str
    how: str
    present: bool
    said_at: int
    at: int
    envelope: bytes


class Substitute(Row, frozen=True, kw_only=True):
    """A one-time code, of which only a salted hash is kept. `used` is the digest of the message that used it."""

    who: str
    bus: str
    clerk: str
    salt: bytes
    hash: bytes
    made_at: int
    until: int
    tries: int = 0
    used_at: int | None = None
    used: bytes = b""
    present_until: int = 0


class ModeSeen(Row, frozen=True, kw_only=True):
    """The duty mode of a bus as a sync said it: one row for each change, and the first of each JST day."""

    n: int = 0
    bus: str
    day: str
    mode: str
    at: int
