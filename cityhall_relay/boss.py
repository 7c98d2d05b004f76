"""Wires the relay's parts together: who is made of what, on one screen."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.types import ASGIApp

from cityhall_base.city import CityFile, load_city
from cityhall_base.clock import Clock
from cityhall_base.errors import ConfigError
from cityhall_base.keys import load_public_key, load_signing_key
from cityhall_base.software import software_digest
from cityhall_base.store import TROUBLE, Store, trouble
from cityhall_relay import files
from cityhall_relay.answers import Answers
from cityhall_relay.audit import Audit
from cityhall_relay.boarding import BoardingDesk
from cityhall_relay.bodies import Bodies
from cityhall_relay.books import Books
from cityhall_relay.broker_gate import Gate
from cityhall_relay.bus_desk import BusDesk, Note
from cityhall_relay.changes import Changes
from cityhall_relay.checklists import ChecklistDesk
from cityhall_relay.clerk_desk import ClerkDesk, Clerks
from cityhall_relay.console.app import Console
from cityhall_relay.console.counter import counter_pages
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.first_page import FirstPages
from cityhall_relay.console.reading_room import reading_pages
from cityhall_relay.console.visitor import Pages
from cityhall_relay.digest import Digests
from cityhall_relay.duty import DutyDesk
from cityhall_relay.evidence import EvidenceDesk
from cityhall_relay.facts import Facts
from cityhall_relay.housekeeping import Housekeeping
from cityhall_relay.identity import Identity
from cityhall_relay.incidents import Incidents
from cityhall_relay.inventory import Inventory
from cityhall_relay.jobs import Jobs, Undertaker
from cityhall_relay.link_desk import LinkDesk
from cityhall_relay.locks import Locks
from cityhall_relay.release import ReleaseDesk, Rules
from cityhall_relay.revocation import Revocation, Step
from cityhall_relay.revocation_steps import Cutting
from cityhall_relay.sessions import Sessions
from cityhall_relay.settings import RelaySettings
from cityhall_relay.slots import Slots
from cityhall_relay.statement import Statements
from cityhall_relay.store import RelayStore, SqliteStore
from cityhall_relay.submission import Check, Submissions
from cityhall_relay.sync import SyncDesk
from cityhall_relay.vault import Vault, key_migrations
from cityhall_relay.visits import Visits
from cityhall_relay.web.audit_api import AuditApi
from cityhall_relay.web.books_desk import BooksDesk
from cityhall_relay.web.bus_api import bus_app
from cityhall_relay.web.clerk_api import ClerkApi, Desk
from cityhall_relay.web.duty_api import DutyApi
from cityhall_relay.web.exports import Exports
from cityhall_relay.web.people_api import PeopleApi
from cityhall_relay.web.revocation_api import RevocationDesk
from cityhall_relay.web.visit_api import VisitApi
from cityhall_wire.messages import people, visit
from cityhall_wire.messages.envelope import Keyring, Role
from cityhall_wire.messages.link import DutyChanged, Entry, Extend, LinkMessage, Panic

RELAY_DB = "relay.db"
KEYS_DB = "keys.db"

Online = Callable[[str], bool | None]


class Relay(NamedTuple):
    """A relay without its sockets."""

    city: CityFile
    store: RelayStore
    keys: Store
    vault: Vault
    changes: Changes
    housekeeping: Housekeeping
    sessions: Sessions
    submissions: Submissions
    clerk_desk: ClerkDesk
    books: Books
    duty: DutyDesk
    slots: Slots
    visits: Visits
    bus_desk: BusDesk
    bus_app: Starlette
    clerk_app: Callable[[Online], ASGIApp]
    console: Console
    counter: Callable[[Online], Desks]
    revocation: Revocation
    attach: Callable[[Gate], None]

    def close(self) -> None:
        """Let the next process have the state."""
        self.store.close()
        self.keys.close()


def build(settings: RelaySettings, clock: Clock, check: Check) -> Relay:
    """Open the state and put everything together. Raises SetupError."""
    file = load_city(settings.city_file)
    city, keyrings = file.city, _keyrings(settings, file)
    _check_sections(settings, file)
    key = load_signing_key(settings.signing_key)
    answers, changes = Answers(city.city, key, clock), Changes()

    store, keys, vault, bodies = _open_state(settings.state_dir, clock, f"the relay of {city.city}")

    jobs = Jobs(store, clock)
    undertaker = Undertaker(store, vault, bodies, answers, clock)
    sessions = Sessions(store, jobs, city, clock, changes)
    facts = Facts(store, jobs, clock)

    rules = Rules(city.limits, file.digest, _approved(settings))
    incidents = Incidents(store, clock, changes)
    revocation = Revocation(store, sessions, incidents, answers, changes, clock)
    identity, locks = Identity(store, revocation.suspend_clone), Locks(store, incidents, rules, clock)
    sync = SyncDesk(store, jobs, sessions, Inventory(store, jobs, facts), identity, answers, key, city.limits)
    release = ReleaseDesk(store, jobs, sessions, vault, answers, rules, clock)
    evidence = EvidenceDesk(store, jobs, sessions, answers, city, clock)
    books = Books(store, answers, incidents, city, clock, changes)
    link = LinkDesk(store, jobs, facts, sessions, answers, clock, books)
    duty = DutyDesk(store, sessions, incidents, answers, city, clock, changes)
    checklists = ChecklistDesk(store, answers, incidents, city, clock)
    boarding = BoardingDesk(store, answers, city, clock)

    # What each desk says to a sync and to a release. The first reason is the one that is read, so what nobody on the bus can
    # mend comes first.
    sync.heard += [duty.heard, checklists.heard]
    sync.locks.append(locks.of)
    sync.on_locked, sync.duty_until = locks.note, duty.until
    slots = Slots(store, answers, city, clock, changes)
    visits = Visits(store, sessions, answers, city, clock, changes)
    sync.additions += [books.in_plan, slots.in_plan]
    release.blockers += [locks.blocks, duty.blocks, checklists.blocks, books.blocks]
    evidence.noticed.append(duty.noticed)
    notes: dict[type[LinkMessage], Note] = {
        Entry: books.note,
        DutyChanged: duty.changed,
        Extend: duty.asked,
        Panic: revocation.panic,
        people.Checklist: checklists.note,
        people.SignedIn: boarding.signed_in,
        people.Substitute: boarding.substitute,
        visit.AtStop: visits.at_stop,
        visit.Feedback: visits.feedback,
        visit.DayWanted: slots.wanted,
    }
    bus_desk = BusDesk(city.city, keyrings, store, answers, clock, sessions, sync, release, evidence, link, notes)

    statements = Statements(store, vault, answers, clock, books.sheets_out, settings.broker is not None)
    cutting = Cutting(store, jobs, sessions, vault, bodies, statements, clock)
    # What a bus gets later (its tunnel) is cut here too, before the statement, which tells of all of it.
    revocation.steps = (
        Step("jobs", cutting.jobs),
        Step("keys", cutting.keys),
        Step("broker", cutting.broker),
        Step("statement", cutting.statement),
    )

    clerk_desk = ClerkDesk(store, jobs, facts, sessions, city, clock, changes, books)
    submissions = Submissions(store, jobs, sessions, vault, bodies, check, city, clock, changes)
    console = Console(settings, store, city, clock)
    clerks = Clerks(settings.clerks, console.accounts)
    audit = Audit(store, city, {Role.RELAY: (key.public_key(),)}, clock, changes)
    exports = Exports(audit, books)
    desks: tuple[Desk, ...] = (
        BooksDesk(books, clerks, clock),
        DutyApi(duty, clerks, store, city, clock),
        RevocationDesk(store, revocation, clerks, city),
        PeopleApi(store, city, clerks, clerk_desk, submissions, boarding, incidents, books, clock),
        VisitApi(slots, visits, clerks, city, clock),
        AuditApi(audit, exports, clerks),
    )

    first_pages = FirstPages(store, check, clock)

    def counter(online: Online) -> Desks:
        return Desks(
            city=city,
            store=store,
            sessions=sessions,
            visits=visits,
            slots=slots,
            clerk_desk=clerk_desk,
            submissions=submissions,
            duty=duty,
            books=books,
            first_pages=first_pages,
            changes=changes,
            clock=clock,
            online=online,
        )

    def clerk_app(online: Online) -> ASGIApp:
        api = ClerkApi(store, sessions, clerk_desk, submissions, clerks, city, changes, online, desks).app()
        console_pages: list[Pages] = [
            *counter_pages(counter(online), console.frame),
            *reading_pages(console.frame, store, city, books, incidents, audit, exports, clock),
        ]
        return console.app(api, console_pages)

    def attach(gate: Gate) -> None:
        gate.on_gone, revocation.on_lifted = revocation.gone, gate.admit
        cutting.cut = gate.cut

    housekeeping = Housekeeping(store, jobs, sessions, vault, bodies, undertaker, city, clock, changes)
    digests = Digests(store, answers, clock)
    housekeeping.chores += [console.tick, sessions.pass_on, duty.tick, digests.tick, checklists.look]

    def committed() -> None:
        undertaker.bury_all()  # before anybody hears of the end, it is true
        first_pages.sweep()
        revocation.go_on()
        changes.fire()

    store.after_commit = committed
    return Relay(
        city=file,
        store=store,
        keys=keys,
        vault=vault,
        changes=changes,
        housekeeping=housekeeping,
        sessions=sessions,
        submissions=submissions,
        clerk_desk=clerk_desk,
        books=books,
        duty=duty,
        slots=slots,
        visits=visits,
        bus_desk=bus_desk,
        bus_app=bus_app(bus_desk, store, bodies),
        clerk_app=clerk_app,
        console=console,
        counter=counter,
        revocation=revocation,
        attach=attach,
    )


def _open_state(folder: Path, clock: Clock, owner: str) -> tuple[SqliteStore, Store, Vault, Bodies]:
    with ExitStack() as undo:
        try:
            store = SqliteStore(files.private_folder(folder) / RELAY_DB, clock, owner)
            undo.callback(store.close)
            keys = Store(folder / KEYS_DB, key_migrations(), clock, owner)
            undo.callback(keys.close)
            vault, bodies = Vault(keys, folder / "wrapping", clock), Bodies(folder / "bodies")
        except TROUBLE as error:
            raise trouble(error, folder) from error
        undo.pop_all()
    return store, keys, vault, bodies


def _keyrings(settings: RelaySettings, file: CityFile) -> dict[str, Keyring]:
    unknown = [bus for bus in settings.buses if bus not in file.city.vehicles]
    if unknown:
        raise ConfigError(f"relay.toml: buses.{unknown[0]}: there is no vehicles.{unknown[0]} in {settings.city_file}")
    return {
        bus: {Role.LINK: (load_public_key(keys.link_key),), Role.PRINT: (load_public_key(keys.print_key),)}
        for bus, keys in settings.buses.items()
    }


def _check_sections(settings: RelaySettings, file: CityFile) -> None:
    for name, clerk in settings.clerks.items():
        for section in clerk.sections:
            if section not in file.city.sections:
                raise ConfigError(f"relay.toml: clerks.{name}: there is no sections.{section} in {settings.city_file}")


def _approved(settings: RelaySettings) -> frozenset[bytes]:
    return frozenset({software_digest(), *map(bytes.fromhex, settings.approved_software)})
