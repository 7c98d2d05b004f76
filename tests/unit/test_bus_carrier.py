"""Carriage over a line that is cut: what crosses twice is never more than the two ranges in flight."""

import asyncio
import random
from pathlib import Path

import pytest

from bus_agent.agent.carrier import Carrier
from bus_agent.agent.pulse import Pulse
from bus_agent.agent.rows import Job
from bus_agent.errors import LinkError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.limits import BODY_RANGE_BYTES, RANGES_IN_FLIGHT
from tests.unit.test_bus_store import Bus

AT_MOST_TWICE = BODY_RANGE_BYTES * RANGES_IN_FLIGHT
BODY = random.Random(1).randbytes(10 * BODY_RANGE_BYTES + 777)


class CutLine:
    """The other end of `Link.body`: delivers ranges out of step, and is cut after `cut` of them."""

    def __init__(self, cut: int = 10**9) -> None:
        self.cut, self.crossed, self.flying, self.most_flying = cut, 0, 0, 0

    async def body(self, job: str, start: int, end: int) -> bytes:
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            for _ in range(2 + (start // BODY_RANGE_BYTES) % 2 * 3):
                await asyncio.sleep(0)
            if self.cut <= 0:
                raise LinkError("cut")
            self.cut -= 1
            self.crossed += end - start
            return BODY[start:end]
        finally:
            self.flying -= 1


class Awake:
    """What the carrier needs of the syncer."""

    def __init__(self) -> None:
        self.planned, self.woken = Pulse(), 0

    def wake(self) -> None:
        self.woken += 1


def carry(bus: Bus, name: str, line: CutLine) -> Awake:
    awake = Awake()
    carrier = Carrier(bus.store, bus.bodies, line, awake)  # type: ignore[arg-type]
    asyncio.run(carrier.carry(bus.store.job(name)))
    return awake


def offered(bus: Bus) -> str:
    name = bus.offered()
    bus.bodies.prepare(name, len(BODY))
    with bus.store.event():
        bus.store.change(name, body_size=len(BODY))
    return name


@pytest.fixture
def bus(tmp_path: Path) -> Bus:
    return Bus(tmp_path)


def on_disk(bus: Bus, job: Job) -> bytes:
    return (bus.top / "bodies" / job.job).read_bytes()


def test_a_body_is_carried_whole_with_two_ranges_in_flight(bus: Bus) -> None:
    name, line = offered(bus), CutLine()
    awake = carry(bus, name, line)
    job = bus.store.job(name)
    assert (job.state, job.received, line.crossed) == (JobState.ON_BUS, len(BODY), len(BODY))
    assert on_disk(bus, job) == BODY
    assert line.most_flying == RANGES_IN_FLIGHT
    assert awake.woken == 1


@pytest.mark.parametrize("cut", range(11))
def test_a_cut_line_goes_on_where_it_was_and_repeats_at_most_what_was_in_flight(bus: Bus, cut: int) -> None:
    name, first, second = offered(bus), CutLine(cut), CutLine()
    with pytest.raises(LinkError):
        carry(bus, name, first)
    assert bus.store.job(name).received % BODY_RANGE_BYTES == 0
    bus.restart()
    carry(bus, name, second)
    assert on_disk(bus, bus.store.job(name)) == BODY
    assert first.crossed + second.crossed - len(BODY) <= AT_MOST_TWICE


def test_a_job_that_ended_meanwhile_is_not_carried_on(bus: Bus) -> None:
    name = offered(bus)

    class Ending(CutLine):
        async def body(self, job: str, start: int, end: int) -> bytes:
            if bus.store.job(name).state is JobState.OFFERED and start:
                bus.order(name, JobState.EXPIRED)
                bus.bodies.prepare(name, len(BODY))
            return await super().body(job, start, end)

    carry(bus, name, Ending())
    assert bus.store.job(name).state is JobState.EXPIRED


def test_what_belongs_to_no_job_is_deleted_at_the_start(bus: Bus) -> None:
    name = offered(bus)
    bus.bodies.prepare("j" + "f" * 24, 10)
    bus.bodies.keep_only({name})
    assert [path.name for path in (bus.top / "bodies").iterdir()] == [name]
