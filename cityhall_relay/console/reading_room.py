"""The pages for whoever keeps the books and whoever reads them after: custodian and auditor."""

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_relay.audit import Audit
from cityhall_relay.books import Books
from cityhall_relay.console.audit_page import AuditPages
from cityhall_relay.console.books_pages import BooksPages
from cityhall_relay.console.day_page import DayPages
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Pages
from cityhall_relay.incidents import Incidents
from cityhall_relay.store import RelayStore
from cityhall_relay.web.exports import Exports


def reading_pages(
    frame: Frame,
    store: RelayStore,
    city: City,
    books: Books,
    incidents: Incidents,
    audit: Audit,
    exports: Exports,
    clock: Clock,
) -> tuple[Pages, ...]:
    """All of them, for the console's list."""
    return (
        BooksPages(frame, books, city, clock),
        DayPages(frame, store, city, books, incidents, clock),
        AuditPages(frame, audit, exports),
    )
