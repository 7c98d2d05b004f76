"""A clock that is wrong by half a century, at city hall or on the bus: order holds, nothing prints wrongly, and it is said."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.agent.duty import Duty
from bus_agent.agent.store import BusStore
from cityhall_base.clock import Clock
from cityhall_wire import seal
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import relay
from cityhall_wire.modes import DutyMode
from tests.relay_city import MORNING, TestClock, Town, carried, desk_bus

EPOCH = 0
FAR = 4_102_444_800_000  # 2100-01-01
WRONG = pytest.mark.parametrize("now", [EPOCH, FAR], ids=["1970", "2100"])


class At(TestClock):
    """Stands where it is put; what counts seconds since boot goes on by itself."""

    def __init__(self, now: int, boottime: float = 100.0) -> None:
        self.now, self.up = now, boottime

    def boottime(self) -> float:
        return self.up


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="borders-") as name:
        town = Town(Path(name))
        yield town
        town.relay.close()


@WRONG
def test_a_bus_with_a_wrong_clock_is_locked_until_it_is_right_and_its_messages_keep_their_order(
    town: Town, now: int
) -> None:
    bus = desk_bus(town)
    for at in (now, MORNING, now):
        plan = bus.sync(at=at)
        assert (plan.locked, plan.lease is None) == ((None, False) if at == MORNING else ("clock_wrong", True))
    bus.seq -= 2
    stale = bus.says("/1/sync", bus.sync_message(at=FAR), town.keys.link["bus-1"])
    assert isinstance(stale, relay.Stale)


@WRONG
def test_a_certificate_prints_once_while_the_buss_clock_is_wrong(town: Town, now: int) -> None:
    on_bus = carried(town)
    request = on_bus.bus.request(on_bus.job, seal.OpenerKey(), at=now)
    assert isinstance(on_bus.bus.asks(request), relay.Release)
    again = on_bus.bus.request(on_bus.job, seal.OpenerKey(), at=now)
    assert isinstance(on_bus.bus.asks(again), relay.Refusal)


@WRONG
def test_a_relay_that_starts_with_a_wrong_clock_prints_nothing_of_before_and_serves_what_is_new(
    town: Town, now: int
) -> None:
    on_bus = carried(town)
    town.relay.close()
    town.clock.now = now
    town.relay = town._build()
    town.relay.housekeeping.tick()
    # In 2100 its day is over and its key is gone; in 1970 it has not waited yet. Neither way is a sheet printed twice.
    assert town.state(on_bus.name) in (JobState.ON_BUS, JobState.EXPIRED, JobState.CANCELED)
    if now == FAR:
        assert town.state(on_bus.name) in (JobState.EXPIRED, JobState.CANCELED)
        assert not town.relay.vault.holds(on_bus.name)
    for session in town.relay.store.live_sessions():
        town.relay.sessions.close(session.clerk, session.session)
    fresh = carried(town, bus="bus-2")
    fresh.release()
    assert fresh.state is JobState.RELEASING
    assert town.relay.store.verify_journal()


def test_a_clock_that_is_set_right_again_loses_no_row_and_no_order(town: Town) -> None:
    bus = desk_bus(town)
    for now in (EPOCH, MORNING, FAR, MORNING, EPOCH):
        town.clock.now = now
        bus.sync()
    assert town.relay.store.bus("bus-1").seq == bus.seq
    assert town.relay.store.verify_journal() > 4


def duty(clock: Clock, top: Path) -> Duty:
    return Duty(BusStore(top / "agent.db", clock), clock, DutyMode.CITY_HALL, 600)


@WRONG
def test_a_lease_is_counted_since_boot_whatever_the_wall_clock_says(now: int) -> None:
    clock = At(now)
    with tempfile.TemporaryDirectory(prefix="borders-") as name:
        held, nonce = duty(clock, Path(name)), b"n" * 32
        fields = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": now, "token": b"", "session": None}
        lease = relay.Lease(nonce=nonce, seconds=600)
        plan = relay.Plan(**fields, inventory_wanted=False, lease=lease, offers=(), orders=())  # type: ignore[arg-type]
        held.hear(plan, nonce, clock.boottime())
        clock.now = FAR if now == EPOCH else EPOCH
        assert held.lease_left_s == 600
        clock.up += 601
        assert held.lease_left_s == 0
