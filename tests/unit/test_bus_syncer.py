"""When the bus asks for a plan, and when it only tells: each plan costs 1.7 kB of a metered line. What it tells goes in batches."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent.agent.link import Link
from bus_agent.agent.outbox import EVIDENCE
from bus_agent.agent.syncer import Digests, Syncer
from bus_agent.errors import RejectedError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import BATCH_ENVELOPES, Opened, Role
from cityhall_wire.messages.link import CiphertextDeleted, HandOver, LinkMessage
from cityhall_wire.messages.relay import Answer, DeletionReceipt, Order, Plan, Receipt, Refusal, Stale
from tests.unit.test_bus_store import LINK, Bus

SYNC = "/1/sync"
OWN: dict[str, Any] = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": 1}


def receipt(said: LinkMessage) -> Answer:
    if isinstance(said, CiphertextDeleted):
        return DeletionReceipt(**OWN, job=said.job, seal_digest=said.seal_digest, state=JobState.CANCELED)
    assert isinstance(said, HandOver)
    return Receipt(**OWN, job=said.job, state=JobState.ON_BUS, attempt=1)


class CityHall:
    """Answers what it is asked, in memory."""

    def __init__(self, job: str) -> None:
        self.asked: list[str] = []
        self.batches: list[list[LinkMessage]] = []
        self.answer: Callable[[list[LinkMessage]], list[Answer]] = lambda said: [receipt(one) for one in said]
        self.orders: tuple[Order, ...] = ()
        self.heard = asyncio.Event()
        self._job = job

    async def ask(self, path: str, raw: bytes, timeout_s: float | None = None) -> tuple[bytes, Opened]:
        self.asked.append(path)
        self.heard.set()
        plan = Plan(**OWN, token=b"t", inventory_wanted=False, lease=None, session=None, offers=(), orders=self.orders)
        return raw, Opened("plan", plan, b"", "")

    async def ask_all(self, path: str, raws: Sequence[bytes]) -> list[Opened]:
        self.asked.append(path)
        self.heard.set()
        keyring = {Role.LINK: (LINK.public_key(),)}
        said = [cast(LinkMessage, envelope.verify(raw, keyring).message) for raw in raws]
        self.batches.append(said)
        return [Opened(envelope.kind_of(type(one)), one, b"", "") for one in self.answer(said)]


def syncer_of(bus: Bus, line: CityHall) -> Syncer:
    digests = Digests(bytes(32), bytes(32))
    return Syncer(bus.store, cast(Link, line), bus.scribe, bus.planner, bus.duty, digests, Limits(), bus.clock)


def what_was_asked(top: Path, *does: Callable[[Bus, Syncer, str], None]) -> list[str]:
    """The addresses that the bus asked, start included, after each of `does` has been answered."""
    bus = Bus(top)
    job = bus.on_bus()
    line = CityHall(job)

    async def run() -> None:
        syncer = syncer_of(bus, line)
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


def dead_zone(top: Path, facts: int) -> tuple[Bus, CityHall, list[str]]:
    """A bus whose concierge has handed over so many jobs since anybody heard of it; their names, in that order."""
    bus = Bus(top)
    jobs = [bus.on_bus() for _ in range(facts)]
    with bus.store.event():
        for job in jobs:
            bus.scribe.queue(HandOver, job, attempt=1)
    return bus, CityHall(jobs[0]), jobs


def told(line: CityHall) -> list[list[str]]:
    return [[cast(HandOver, one).job for one in batch] for batch in line.batches]


def test_a_hundred_facts_go_in_two_requests_before_the_sync(tmp_path: Path) -> None:
    bus, line, (job,) = dead_zone(tmp_path, 1)
    with bus.store.event():
        for _ in range(99):
            bus.scribe.queue(HandOver, job, attempt=1)
    asyncio.run(syncer_of(bus, line).once())
    assert line.asked == [EVIDENCE, EVIDENCE, SYNC]
    assert list(map(len, line.batches)) == [BATCH_ENVELOPES, 100 - BATCH_ENVELOPES]
    assert [one.seq for batch in line.batches for one in batch] == list(range(1, 101))


def test_what_has_no_answer_yet_is_said_again_in_its_order(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 5)
    line.answer = lambda said: [receipt(one) for one in said[:2]]
    asyncio.run(syncer_of(bus, line).flush())
    assert told(line) == [jobs, jobs[2:], jobs[4:]]


def test_a_batch_that_is_refused_whole_is_said_one_by_one_until_the_bad_one_is_found(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 4)

    def answer(said: list[LinkMessage]) -> list[Answer]:
        if jobs[1] in {cast(HandOver, one).job for one in said}:
            raise RejectedError(400)
        return [receipt(one) for one in said]

    line.answer = answer
    asyncio.run(syncer_of(bus, line).flush())
    assert told(line) == [jobs, jobs[:1], jobs[1:], jobs[1:2], jobs[2:]]
    assert journal(bus, "not_taken") == jobs[1:2]


def test_a_bus_that_may_not_speak_loses_nothing(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 3)

    def answer(said: list[LinkMessage]) -> list[Answer]:
        raise RejectedError(403)

    line.answer = answer
    with pytest.raises(RejectedError):
        asyncio.run(syncer_of(bus, line).flush())
    assert [message.job for message in bus.store.outgoing(-1)] == jobs


def test_what_waits_behind_a_stale_fact_gets_new_numbers_with_it(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 4)

    def answer(said: list[LinkMessage]) -> list[Answer]:
        if said[0].boot < 8:
            return [receipt(said[0]), Stale(**OWN, boot=7, seq=9)]
        return [receipt(one) for one in said]

    line.answer = answer
    asyncio.run(syncer_of(bus, line).flush())
    assert told(line) == [jobs, jobs[1:]]
    assert [(one.boot, one.seq) for one in line.batches[1]] == [(8, 1), (8, 2), (8, 3)]


def test_one_refusal_in_a_batch_is_about_one_fact(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 3)
    line.answer = lambda said: [receipt(said[0]), Refusal(**OWN, reason="wrong_state"), receipt(said[2])]
    asyncio.run(syncer_of(bus, line).flush())
    assert told(line) == [jobs]
    assert journal(bus, "receipted") == [jobs[0], jobs[2]]
    assert journal(bus, "not_taken") == [jobs[1]]


def test_what_a_plan_makes_the_bus_say_goes_out_in_the_same_turn(tmp_path: Path) -> None:
    bus, line, jobs = dead_zone(tmp_path, 2)
    line.orders = tuple(Order(job=job, state=JobState.CANCELED, attempt=1, approved=False) for job in jobs)
    asyncio.run(syncer_of(bus, line).once())
    assert line.asked == [EVIDENCE, SYNC, EVIDENCE]
    assert [type(one) for one in line.batches[1]] == [CiphertextDeleted, CiphertextDeleted]
    assert not bus.store.jobs()


def journal(bus: Bus, kind: str) -> list[str]:
    """The jobs of all rows of a kind."""
    return [job for (job,) in bus.store._store.db.execute("select job from journal where kind = ? order by n", [kind])]
