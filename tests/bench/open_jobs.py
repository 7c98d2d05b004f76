"""Open jobs of which each side knows something that the other does not know yet, written through both stores' own interfaces."""

import secrets
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.agent.bodies import Bodies as BusBodies
from bus_agent.agent.facts import Scribe
from bus_agent.agent.rows import Job as OnBoard
from bus_agent.agent.store import BusStore
from cityhall_base.clock import SystemClock
from cityhall_relay.bodies import Bodies
from cityhall_relay.boss import Relay
from cityhall_relay.jobs import Jobs
from cityhall_relay.store.rows import Job as AtCityHall
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.link import Doubt, HandOver, LinkMessage, NothingCameOut, Spoiled
from cityhall_wire.messages.printing import Evidence, Finding
from tests.seals import seal_header

_UUID: Final = "urn:uuid:00000000-0000-0000-0000-000000000001"
_INCARNATION: Final = secrets.token_hex(16)
_UP_TIME: Final = 100
_DOCUMENT: Final = b"a document"
_S, _E = JobState, Event
_Step = tuple[Event, By]


class Case(NamedTuple):
    """One history: what both sides know, what each alone knows, and where that ends on both.

    `found` are statements of the print key that nobody at city hall has read yet, `said` the link key's own.
    """

    of_twenty: int
    ends: JobState
    both: tuple[_Step, ...] = ()
    bus: tuple[_Step, ...] = ()
    city_hall: tuple[_Step, ...] = ()
    found: tuple[Finding, ...] = ()
    said: tuple[tuple[type[LinkMessage], dict[str, Any]], ...] = ()
    approves: bool = False  # the bus has not heard of it
    old_session: bool = False  # and it is over


_CARRIED: Final = (_E.CARRIED, By.LINK_KEY)
_RELEASED: Final = (_CARRIED, (_E.RELEASE, By.PRINT_KEY))
_SENDING: Final = (_E.SENDING, By.PRINT_KEY)
_SENT: Final = (_E.SENT, By.PRINT_KEY)
_COMPLETED: Final = (_E.COMPLETED, By.PRINT_KEY)
_PRINTED: Final = (*_RELEASED, _SENDING, _SENT, _COMPLETED)
_PROVES: Final = (Finding.SENDING, Finding.SENT, Finding.COMPLETED)
_DOUBTED: Final = (*_RELEASED, _SENDING, (_E.DOUBT, By.PRINT_KEY))

CASES: Final = (
    # The bus has news.
    Case(1, _S.ON_BUS, bus=(_CARRIED,)),
    Case(4, _S.PRINTED, _RELEASED, bus=_PRINTED[2:], found=_PROVES),
    Case(1, _S.UNCERTAIN, (*_RELEASED, _SENDING), bus=(_DOUBTED[-1],), found=(Finding.DOUBT,)),
    Case(1, _S.UNCERTAIN, _RELEASED, bus=((_E.DOUBT, By.LINK_KEY),), said=((Doubt, {"why": "spooler_gone"}),)),
    Case(1, _S.ON_BUS, _RELEASED, bus=((_E.NO_SHEET, By.PRINT_KEY),), found=(Finding.NO_SHEET,)),
    Case(
        2,
        _S.HANDED_OVER,
        _RELEASED,
        bus=(*_PRINTED[2:], (_E.HAND_OVER, By.CONCIERGE)),
        found=_PROVES,
        said=((HandOver, {}),),
    ),
    Case(
        1,
        _S.SPOILED,
        _PRINTED,
        bus=((_E.SPOIL, By.CONCIERGE),),
        said=((Spoiled, {"why": "jam", "sheets": ("A-000412",)}),),
    ),
    Case(1, _S.NOT_PRINTED, _DOUBTED, bus=((_E.NOTHING_CAME_OUT, By.CONCIERGE),), said=((NothingCameOut, {}),)),
    # City hall has news.
    Case(2, _S.ON_BUS, (_CARRIED,), approves=True),
    Case(2, _S.CANCELED, (_CARRIED,), city_hall=((_E.CANCEL, By.CLERK),)),
    Case(3, _S.CANCELED, (_CARRIED,), city_hall=((_E.SESSION_END, By.RELAY),), old_session=True),
    Case(1, _S.EXPIRED, (_CARRIED,), city_hall=((_E.EXPIRE, By.RELAY),)),
)
"""Twenty jobs."""


class Bus(NamedTuple):
    """One bus's memory, its voice, and its spooler's key."""

    name: str
    store: BusStore
    bodies: BusBodies
    scribe: Scribe
    print_key: Ed25519PrivateKey


class CityHall(NamedTuple):
    """City hall's memory."""

    relay: Relay
    bodies: Bodies


class _Job(NamedTuple):
    name: str
    session: str
    header: bytes
    nonce: bytes
    case: Case

    @property
    def released(self) -> bool:
        return self.case.both[: len(_RELEASED)] == _RELEASED

    @property
    def body_size(self) -> int:
        return seal.sealed_size(len(_DOCUMENT))


def fill(city_hall: CityHall, bus: Bus, twenties: int, session: str, old_session: str) -> dict[str, Case]:
    """Twenty times so many jobs in both stores; what each is."""
    found = dict[str, Case]()
    for case in CASES * twenties:
        for _ in range(case.of_twenty):
            name, key = f"j{secrets.token_hex(12)}", seal.new_content_key()
            city = city_hall.relay.city.city.city
            header = headers.encode_header(seal_header(_DOCUMENT, key, job=name, city=city))
            job = _Job(name, old_session if case.old_session else session, header, secrets.token_bytes(32), case)
            _at_city_hall(city_hall, bus.name, job, key)
            _on_board(bus, job)
            found[name] = case
    return found


def _at_city_hall(city_hall: CityHall, bus: str, job: _Job, key: bytes) -> None:
    (relay, bodies), clock = city_hall, SystemClock()
    now, digest = clock.utc_ms(), headers.seal_digest(job.header)
    row = AtCityHall(
        job=job.name,
        session=job.session,
        bus=bus,
        service="resident-record",
        submission=secrets.token_hex(16),
        state=_S.SEALED,
        attempt=1,
        seal_header=job.header,
        seal_digest=digest,
        size=len(_DOCUMENT),
        body_size=job.body_size,
        created_at=now,
        changed_at=now,
        approved_at=now if job.released or job.case.approves else None,
        nonce=job.nonce if job.released else b"",
        printer_uuid=_UUID if job.released else "",
        printer_up_time=_UP_TIME if job.released else 0,
    )
    bodies.write(job.name, bytes(job.body_size))
    relay.vault.put(job.name, digest, key)
    steps = Jobs(relay.store, clock)
    with relay.store.event():
        steps.begin(row)
        for event, by in ((_E.OFFER, By.RELAY), *job.case.both, *job.case.city_hall):
            row = steps.step(row, event, by)


def _on_board(bus: Bus, job: _Job) -> None:
    bus.bodies.prepare(job.name, job.body_size)
    row = OnBoard(
        job=job.name,
        session=job.session,
        state=_S.OFFERED,
        attempt=1,
        approved=job.released,
        seal_header=job.header,
        body_size=job.body_size,
        received=job.body_size,
    )
    with bus.store.event():
        bus.store.add(row)
        for event, by in (*job.case.both, *job.case.bus):
            again = {"attempt": 2} if event is _E.NO_SHEET else {}
            bus.store.step(job.name, event, by, **again)
        for n, finding in enumerate(job.case.found, start=1):
            bus.store.queue("evidence", job.name, envelope.sign(_statement(bus, job, n, finding), bus.print_key))
        for kind, fields in job.case.said:
            bus.scribe.queue(kind, job.name, attempt=1, **fields)


def _statement(bus: Bus, job: _Job, n: int, finding: Finding) -> Evidence:
    return Evidence(
        v=PROTOCOL_VERSION,
        city=bus.scribe.city,
        bus=bus.name,
        incarnation=_INCARNATION,
        nonce=job.nonce,
        job=job.name,
        attempt=1,
        n=n,
        at=SystemClock().utc_ms(),
        finding=finding,
        why="seen",
        printer_uuid=_UUID,
        printer_up_time=_UP_TIME + n,
        printer_job=7,
        impressions=int(finding is Finding.COMPLETED),
    )
