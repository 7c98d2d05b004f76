"""What board and visit are made of: the desks beneath, which API and buses use too. No page has a logic of its own."""

from collections.abc import Callable
from typing import NamedTuple

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_relay.books import Books
from cityhall_relay.changes import Changes
from cityhall_relay.clerk_desk import ClerkDesk
from cityhall_relay.console.first_page import FirstPages
from cityhall_relay.duty import DutyDesk
from cityhall_relay.sessions import Sessions
from cityhall_relay.slots import Slots
from cityhall_relay.store import RelayStore
from cityhall_relay.submission import Submissions
from cityhall_relay.visits import Visits


class Desks(NamedTuple):
    """All of one relay."""

    city: City
    store: RelayStore
    sessions: Sessions
    visits: Visits
    slots: Slots
    clerk_desk: ClerkDesk
    submissions: Submissions
    duty: DutyDesk
    books: Books
    first_pages: FirstPages
    changes: Changes
    clock: Clock
    online: Callable[[str], bool | None]  # by the broker's word; None where it gave none
