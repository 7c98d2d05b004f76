"""The agent's memory over restarts, and what a plan of city hall does to it."""

import secrets
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.hours import DutyHours
from bus_agent.agent.movement import Journey
from bus_agent.agent.planning import Planner, path
from bus_agent.agent.pulse import Pulse
from bus_agent.agent.roster import Roster
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore, count_journal
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    ModeForbidsError,
    NoLeaseError,
    NoSessionError,
    NotApprovedError,
    NotCarriedError,
    SpoolerGoneError,
    UnknownJobError,
    WrongStateError,
)
from bus_agent.ipc.messages import Status
from cityhall_base.errors import StoreInUseError
from cityhall_base.timetable import Timetable
from cityhall_wire import headers, seal
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import ENDS, By, Event, JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages import envelope
from cityhall_wire.messages.link import CiphertextDeleted, HandOver, PrinterSummary
from cityhall_wire.messages.relay import Lease, Offer, Order, Plan, SessionView
from cityhall_wire.modes import DutyMode
from tests.relay_city import TestClock
from tests.unit.test_bus_verify import SEAL

ALWAYS = Timetable(duty_from="00:00", duty_until="24:00", weekdays=(1, 2, 3, 4, 5, 6, 7), enters=False)
SESSION = "s" + "1" * 24
LINK = Ed25519PrivateKey.generate()


class Line:
    """Stands in for the syncer: hears when something is to be said."""

    def __init__(self) -> None:
        self.woken, self.planned = 0, Pulse()

    def wake(self) -> None:
        self.woken += 1

    tell = wake


class Bus:
    """Store, bodies and planner of one bus; `restart` is a power cut with everything committed."""

    def __init__(self, top: Path, timetable: Timetable = ALWAYS, journey: Journey | None = None) -> None:
        self.top, self.clock, self.timetable, self.journey = top, self._new_clock(), timetable, journey
        self.limits, self.line = Limits(), self._new_line()
        self._open()

    def _new_clock(self) -> TestClock:
        return TestClock()

    def _new_line(self) -> Line:
        return Line()

    def _open(self) -> None:
        self.store = BusStore(self.top / "agent.db", self.clock)
        self.bodies = Bodies(self.top)
        self.scribe = Scribe("hase", "bus-1", LINK, self.store, self.clock)
        self.planner = Planner(self.store, self.bodies, self.scribe)
        self.duty = Duty(self.store, self.clock, DutyMode.ROUTE_BUS, lease_s=600)
        hours = DutyHours(self.store, self.timetable, self.limits, self.clock)
        syncer = cast(Syncer, self.line)
        self.roster = Roster(self.store, self.duty, self.scribe, syncer, hours, self.clock, self.journey)

    def restart(self) -> None:
        self.store.close()
        self._open()

    def plan(self, **fields: Any) -> None:
        empty: dict[str, Any] = {"token": b"t", "inventory_wanted": False, "lease": None, "session": None}
        empty |= {"offers": (), "orders": ()} | fields
        plan = Plan(v=1, city="hase", bus="bus-1", re=bytes(32), at=self.clock.utc_ms(), **empty)
        self.duty.hear(plan, b"n" * 32, self.clock.boottime())
        self.planner.apply(plan)

    def offered(self, **changed: Any) -> str:
        name = "j" + secrets.token_hex(12)
        header = msgspec.structs.replace(SEAL, job=name)
        fields: dict[str, Any] = {
            "session": SESSION,
            "body_size": seal.sealed_size(header.size),
            "approved": False,
        } | changed
        self.plan(offers=(Offer(seal_header=headers.encode_header(header), **fields),))
        return name

    def on_bus(self, **changed: Any) -> str:
        name = self.offered(**changed)
        with self.store.event():
            self.store.change(name, received=self.store.job(name).body_size)
            self.store.step(name, Event.CARRIED, By.LINK_KEY)
        return name

    def order(self, name: str, state: JobState, **fields: Any) -> None:
        values = {"attempt": 1, "approved": False} | fields
        self.plan(orders=(Order(job=name, state=state, **values),))


@pytest.fixture
def bus(tmp_path: Path) -> Bus:
    return Bus(tmp_path)


def test_each_start_is_a_higher_boot(bus: Bus) -> None:
    boots = [bus.store.boot]
    for _ in range(3):
        bus.restart()
        boots.append(bus.store.boot)
    assert boots == [1, 2, 3, 4]


def test_jobs_mode_and_outbox_survive_a_restart(bus: Bus) -> None:
    name = bus.on_bus(approved=True)
    bus.roster.change(DutyMode.CITY_HALL)
    with bus.store.event():
        bus.scribe.queue(HandOver, name, attempt=1)
    before = bus.store.job(name), bus.store.outgoing(-1)
    bus.restart()
    assert (bus.store.job(name), bus.store.outgoing(-1)) == before
    assert bus.duty.mode is DutyMode.CITY_HALL
    assert bus.duty.lease_left_s == 0


def test_the_journal_chain_holds_and_is_counted_without_a_new_boot(bus: Bus) -> None:
    bus.on_bus()
    with pytest.raises(StoreInUseError):
        count_journal(bus.top / "agent.db", bus.clock)
    rows = bus.store.verify_journal()
    bus.store.close()
    assert count_journal(bus.top / "agent.db", bus.clock) == rows
    bus._open()
    assert bus.store.boot == 2


def test_facts_go_out_in_the_order_in_which_they_happened(bus: Bus) -> None:
    names = [bus.offered() for _ in range(3)]
    with bus.store.event():
        for name in names:
            bus.scribe.queue(HandOver, name, attempt=1)
    seen = []
    while waiting := bus.store.outgoing(2):
        seen += [message.job for message in waiting]
        with bus.store.event():
            for message in waiting:
                bus.store.answered(message)
    assert seen == names


def test_a_statement_is_heard_once(bus: Bus) -> None:
    with bus.store.event():
        heard = [bus.store.first_hearing("j", "i" * 32, b"n", n) for n in (1, 1, 2, 1)]
    assert heard == [True, False, True, False]


def test_a_state_changes_by_its_table_only(bus: Bus) -> None:
    name = bus.offered()
    with bus.store.event(), pytest.raises(LifecycleError):
        bus.store.step(name, Event.COMPLETED, By.PRINT_KEY)
    with bus.store.event(), pytest.raises(ValueError, match="table"):
        bus.store.change(name, state=JobState.PRINTED)
    assert bus.store.job(name).state is JobState.OFFERED


def test_the_same_plan_twice_changes_nothing(bus: Bus) -> None:
    name = bus.on_bus()
    for _ in range(2):
        bus.order(name, JobState.ON_BUS, approved=True)
    rows = bus.store.verify_journal()
    bus.order(name, JobState.ON_BUS, approved=True)
    assert bus.store.verify_journal() == rows
    assert bus.store.job(name).approved


def test_an_offer_that_does_not_fit_its_header_is_not_taken(bus: Bus) -> None:
    name = bus.offered(body_size=5)
    with pytest.raises(UnknownJobError):
        bus.store.job(name)


def test_an_end_deletes_the_ciphertext_says_so_and_is_forgotten_at_the_order(bus: Bus) -> None:
    name = bus.on_bus()
    bus.order(name, JobState.CANCELED)
    assert not (bus.top / "bodies" / name).exists()
    (message,) = bus.store.outgoing(-1)
    assert message.kind == envelope.kind_of(CiphertextDeleted)
    bus.order(name, JobState.CANCELED)
    with bus.store.event():
        bus.store.answered(message)
    assert not bus.store.outgoing(-1)
    bus.order(name, JobState.CANCELED, forget=True)
    with pytest.raises(UnknownJobError):
        bus.store.job(name)


def test_city_halls_attempt_is_taken_where_both_see_the_job_on_the_bus(bus: Bus) -> None:
    name = bus.on_bus()
    bus.order(name, JobState.ON_BUS, attempt=3)
    assert bus.store.job(name).attempt == 3


def test_an_end_can_be_followed_from_every_state() -> None:
    starts = set(JobState) - ENDS
    for start in starts:
        assert path(start, JobState.HANDED_OVER), start
    assert path(JobState.HANDED_OVER, JobState.CANCELED) == []


def test_a_numbers_catch_up_goes_above_what_city_hall_heard(bus: Bus) -> None:
    bus.scribe.outrun(41)
    assert bus.store.boot == 42
    bus.restart()
    assert bus.store.boot == 43


def session_view(session: str = SESSION) -> SessionView:
    return SessionView(session=session, section="citizen", clerk="clerk-1", stop="hall", slot=0, seconds_left=900)


def on_duty(bus: Bus, mode: DutyMode = DutyMode.CITY_HALL) -> None:
    """In this mode, as if it had been told to city hall long ago."""
    bus.duty.mode = mode
    with bus.store.event():
        bus.store.put("mode", mode.encode())


def ready(bus: Bus) -> str:
    """A job that may be printed now."""
    name = bus.on_bus(approved=True)
    on_duty(bus)
    bus.duty.spooler = Status(incarnation="0" * 32, printer=PrinterSummary(state="idle"), busy=None)
    bus.plan(lease=Lease(nonce=b"n" * 32, seconds=60), session=session_view())
    bus.duty.check(bus.store.job(name))
    return name


def job_of(bus: Bus, name: str, **changed: Any) -> Job:
    return msgspec.structs.replace(bus.store.job(name), **changed)


def test_a_print_needs_everything_at_once(bus: Bus) -> None:
    name = ready(bus)
    check = bus.duty.check
    for changed, refused in (
        ({"approved": False}, NotApprovedError),
        ({"received": 10}, NotCarriedError),
        ({"state": JobState.OFFERED}, NotCarriedError),
        ({"state": JobState.PRINTED}, WrongStateError),
        ({"session": "s" + "2" * 24}, NoSessionError),
    ):
        with pytest.raises(refused):
            check(job_of(bus, name, **changed))
    bus.duty.mode = DutyMode.ON_THE_WAY
    with pytest.raises(ModeForbidsError):
        check(bus.store.job(name))
    bus.duty.mode = DutyMode.CITY_HALL
    bus.duty.spooler = None
    with pytest.raises(SpoolerGoneError):
        check(bus.store.job(name))


def test_a_lapsed_lease_stops_printing_and_what_is_at_the_printer(bus: Bus) -> None:
    name = ready(bus)
    assert bus.duty.why_end(bus.store.job(name)) is None
    bus.clock.forward(61)
    with pytest.raises(NoLeaseError):
        bus.duty.check(bus.store.job(name))
    assert bus.duty.why_end(bus.store.job(name)) == "lease_lapsed"


def test_a_lease_for_another_nonce_is_none(bus: Bus) -> None:
    bus.plan(lease=Lease(nonce=bytes(32), seconds=60), session=session_view())
    assert bus.duty.lease_left_s == 0


def test_after_a_restart_nothing_starts_and_nothing_is_stopped_before_city_hall_has_spoken(bus: Bus) -> None:
    name = ready(bus)
    bus.restart()
    job = bus.store.job(name)
    assert bus.duty.why_end(job) is None
    with pytest.raises((NoLeaseError, SpoolerGoneError)):
        bus.duty.check(job)
    bus.clock.forward(601)
    assert bus.duty.why_end(job) is not None
    bus.restart()
    bus.plan(session=None)
    assert bus.duty.why_end(job) is not None
