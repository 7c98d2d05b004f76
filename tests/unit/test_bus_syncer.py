"""When the bus asks for a plan, and when it only tells: each plan costs 1.7 kB of a metered line."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from bus_agent.agent.link import Link
from bus_agent.agent.syncer import EVIDENCE, Digests, Syncer
from cityhall_wire.lifecycle import JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages.envelope import Opened
from cityhall_wire.messages.link import HandOver
from cityhall_wire.messages.relay import Plan, Receipt
from tests.unit.test_bus_store import Bus

SYNC = "/1/sync"


class CityHall:
    """Answers what it is asked, in memory."""

    def __init__(self, job: str) -> None:
        self.asked: list[str] = []
        self.heard = asyncio.Event()
        self._job = job

    async def ask(self, path: str, raw: bytes, timeout_s: float | None = None) -> tuple[bytes, Opened]:
        self.asked.append(path)
        self.heard.set()
        fields: dict[str, Any] = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": 1}
        if path == EVIDENCE:
            receipt = Receipt(**fields, job=self._job, state=JobState.ON_BUS, attempt=1)
            return raw, Opened("receipt", receipt, b"", "")
        plan = Plan(**fields, token=b"t", inventory_wanted=False, lease=None, session=None, offers=(), orders=())
        return raw, Opened("plan", plan, b"", "")


def what_was_asked(top: Path, *does: Callable[[Bus, Syncer, str], None]) -> list[str]:
    """The addresses that the bus asked, start included, after each of `does` has been answered."""
    bus = Bus(top)
    job = bus.on_bus()
    line = CityHall(job)

    async def run() -> None:
        digests = Digests(bytes(32), bytes(32))
        syncer = Syncer(bus.store, cast(Link, line), bus.scribe, bus.planner, bus.duty, digests, Limits(), bus.clock)
        running = asyncio.create_task(syncer.run())
        async with asyncio.timeout(10):
            for one in (lambda *_: None, *does):
                line.heard.clear()
                one(bus, syncer, job)
                await line.heard.wait()
        running.cancel()

    asyncio.run(run())
    return line.asked


def hand_over(bus: Bus, syncer: Syncer, job: str) -> None:
    with bus.store.event():
        bus.scribe.queue(HandOver, job, attempt=1)
    syncer.tell()


def hint(bus: Bus, syncer: Syncer, job: str) -> None:
    syncer.wake()


def minute(bus: Bus, syncer: Syncer, job: str) -> None:
    bus.clock.forward(Limits().sync_s)
    syncer.tell()


def test_a_start_asks_for_a_plan_and_a_fact_only_tells(tmp_path: Path) -> None:
    assert what_was_asked(tmp_path, hand_over, hand_over) == [SYNC, EVIDENCE, EVIDENCE]


def test_a_hint_asks_for_a_plan(tmp_path: Path) -> None:
    assert what_was_asked(tmp_path, hint, hand_over, hint) == [SYNC, SYNC, EVIDENCE, SYNC]


def test_a_plan_is_asked_for_in_its_rhythm_however_much_is_told(tmp_path: Path) -> None:
    assert what_was_asked(tmp_path, hand_over, minute) == [SYNC, EVIDENCE, SYNC]
