"""Which box is the bus: one bus is never suspended, whatever a power cut does to it; two from one disk image always are.

The real relay and the real store and syncer of the bus, in memory; the line between them does what a seed says.
"""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pytest

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.link import Link
from bus_agent.agent.planning import Planner
from bus_agent.agent.store import STORE, BusStore
from bus_agent.agent.syncer import Digests, Syncer
from bus_agent.errors import LinkError
from cityhall_base.software import software_digest
from cityhall_relay.bus_desk import EVIDENCE, SYNC
from cityhall_relay.errors import NotSuspendedError
from cityhall_relay.identity import TOKEN_BYTES, generation
from cityhall_relay.incidents import What
from cityhall_relay.store.rows import Bus
from cityhall_wire import strict_json
from cityhall_wire.limits import Limits
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope, Opened, Role
from cityhall_wire.modes import DutyMode
from tests.relay_city import CONFIG, Town, carried, desk_bus, in_memory

BUS: Final = "bus-1"
SEEDS: Final = 200
KINDS: Final = {"/1/sync": SYNC, "/1/evidence": EVIDENCE}


class PowerCutError(BaseException):
    """Nothing after this line ran."""


class BadLine:
    """Stands in for bus_agent's Link: each request to the real desk, and what may happen to it on its way."""

    def __init__(self, town: Town, chance: random.Random) -> None:
        self.town, self.chance = town, chance
        self.bad = True
        self.seen: list[tuple[str, bytes]] = []

    async def ask(self, path: str, raw: bytes, timeout_s: float | None = None) -> tuple[bytes, Opened]:
        what = self.chance.random() if self.bad else 1.0
        if self.seen and what < 0.15:
            self._deliver(*self.chance.choice(self.seen))  # one of long ago comes late, or again
        self.seen.append((path, raw))
        if what < 0.25:
            raise LinkError("the request is lost")
        if what < 0.32:
            self._killed_before_its_commit(path, raw)
        answer = self._deliver(path, raw)
        if what < 0.45:
            again = self._deliver(path, raw)  # doubled: either answer may be the one that is taken
            answer = self.chance.choice((answer, again))
        if what < 0.60:
            raise LinkError("the answer is lost")
        if what < 0.61:
            self.town.restart()
        digest = envelope.digest(strict_json.decode(raw, Envelope).payload)
        opened = envelope.verify(answer, {Role.RELAY: (self.town.keys.relay.public_key(),)})
        assert getattr(opened.message, "re", None) == digest
        return answer, opened

    def _deliver(self, path: str, raw: bytes) -> bytes:
        return self.town.relay.bus_desk.answer(BUS, raw, KINDS[path])

    def _killed_before_its_commit(self, path: str, raw: bytes) -> None:
        store: Any = self.town.relay.store
        record = store.record

        def cut(*_: object, **__: object) -> None:
            raise PowerCutError

        store.record = cut
        try:
            self._deliver(path, raw)
        except PowerCutError:
            raise LinkError("city hall is gone") from None
        finally:
            store.record = record


class Box:
    """One box: the real store, duty, planner, scribe and syncer over one folder."""

    def __init__(self, town: Town, top: Path, line: BadLine) -> None:
        self.town, self.top, self.line = town, top, line
        self.boot()

    def boot(self) -> None:
        clock = self.town.clock
        self.store = BusStore(self.top / STORE, clock)
        self.duty = Duty(self.store, clock, DutyMode.CITY_HALL, 600)
        scribe = Scribe("hase", BUS, self.town.keys.link[BUS], self.store, clock)
        planner = Planner(self.store, Bodies(self.top), scribe)
        digests = Digests(software_digest(), CONFIG)
        self.syncer = Syncer(self.store, cast(Link, self.line), scribe, planner, self.duty, digests, Limits(), clock)

    def power_cut(self) -> None:
        self.store.close()
        self.boot()

    async def speaks(self, *, cut: bool = False) -> None:
        """One turn of its syncer; with `cut` the power goes while the answer's token is written down."""
        put = self.store.put
        if cut:

            def gone(name: str, value: bytes) -> None:
                if name == "token":
                    raise PowerCutError
                put(name, value)

            self.store.put = gone  # type: ignore[method-assign]
        try:
            await self.syncer.once()
        except (LinkError, PowerCutError):
            pass
        finally:
            self.store.put = put  # type: ignore[method-assign]
        if cut:
            self.power_cut()

    def image(self, to: Path) -> None:
        """The disk, copied while the box runs: what is committed is in it."""
        to.mkdir()
        for name in (STORE, f"{STORE}-wal"):
            shutil.copy(self.top / name, to / name)


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with in_memory("theft-") as path:
        yield path


@pytest.fixture(scope="module")
def town(memory: Path) -> Iterator[Town]:
    (memory / "hall").mkdir()
    town = Town(memory / "hall")
    yield town
    town.relay.close()


def fresh(town: Town) -> None:
    """City hall has never heard of the bus."""
    store = town.relay.store
    with store.event():
        for one in store.suspensions(BUS):
            store.save_suspension(msgspec.structs.replace(one, lifted_at=1))
        store.save_bus(Bus(bus=BUS))


def row(town: Town) -> Bus:
    return town.relay.store.bus(BUS)


def test_a_single_bus_is_never_suspended_whatever_is_lost_doubled_late_or_cut_off_200_seeds(
    town: Town, memory: Path
) -> None:
    moved = 0
    for seed in range(SEEDS):
        chance, top = random.Random(seed), memory / f"one-{seed}"
        top.mkdir()
        fresh(town)
        box = Box(town, top, BadLine(town, chance))

        async def day(box: Box = box, chance: random.Random = chance) -> None:
            for _ in range(6):
                await box.speaks(cut=chance.random() < 0.15)
                assert not row(town).suspended, "a single bus"
                if chance.random() < 0.2:
                    box.power_cut()
            box.line.bad = False
            await box.speaks()

        asyncio.run(day())
        assert (row(town).suspended, row(town).locked, box.duty.lock.reason) == (False, "", ""), seed
        assert box.store.get("token") == row(town).next_token
        moved += generation(row(town).token)
        box.store.close()
        shutil.rmtree(top)
    assert moved > SEEDS, "tokens were shown, not only handed out"


@pytest.mark.parametrize("spoken", [0, 1, 3])
def test_two_boxes_from_one_image_are_both_suspended_at_the_latest_when_the_second_of_them_has_spoken_twice(
    town: Town, memory: Path, spoken: int
) -> None:
    for seed in range(20):
        chance = random.Random(1000 * spoken + seed)
        top, copy = memory / f"two-{spoken}-{seed}", memory / f"copy-{spoken}-{seed}"
        top.mkdir()
        fresh(town)
        line = BadLine(town, chance)
        line.bad = False
        first = Box(town, top, line)

        async def until_both_spoke(
            first: Box = first, chance: random.Random = chance, copy: Path = copy, line: BadLine = line
        ) -> list[Box]:
            for _ in range(spoken):
                await first.speaks()
            first.image(copy)
            boxes = [first, Box(town, copy, line)]
            turns = [0, 0]
            while min(turns) < 2:
                n = chance.randrange(2)
                await boxes[n].speaks()
                turns[n] += 1
            assert row(town).suspended, turns
            for box in boxes:  # and both hear it
                await box.speaks()
            return boxes

        boxes = asyncio.run(until_both_spoke())
        assert {box.duty.lock.reason for box in boxes} == {"clone"}
        assert [box.duty.lease_left_s for box in boxes] == [0, 0]
        assert all(box.duty.session is None for box in boxes)
        for box in boxes:
            box.store.close()


def test_a_clone_ends_the_session_and_what_is_before_its_release_and_is_an_incident(tmp_path: Path) -> None:
    town = Town(tmp_path)
    on_bus = carried(town)
    old = on_bus.bus.token
    on_bus.bus.sync()
    on_bus.bus.sync()
    assert on_bus.bus.sync(token=old).locked == "clone"
    assert (on_bus.state, on_bus.job.why) == ("canceled", "clone")
    assert town.relay.sessions.on_bus(BUS) is None
    assert [(one.what, one.open) for one in town.relay.store.incidents(BUS)] == [(What.CLONE, True)]
    plan = on_bus.bus.sync()
    assert (plan.locked, plan.lease, plan.session) == ("clone", None, None), "the right box is locked too"


def test_after_two_persons_let_it_back_in_the_first_box_to_speak_is_the_bus_and_the_second_is_a_clone(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path)
    bus, revocation = desk_bus(town), town.relay.revocation
    for _ in range(3):
        bus.sync()
    old, own = bus.token, bus.token
    bus.sync()
    own = bus.token
    bus.sync()
    bus.sync(token=old)
    assert row(town).suspended
    assert not revocation.reinstate(BUS, "clerk-1", "found")
    assert not revocation.reinstate(BUS, "clerk-1", "found"), "the same person twice is one person"
    assert bus.sync(token=own).locked == "clone"
    assert revocation.reinstate(BUS, "clerk-2", "found")
    plan = bus.sync(token=own)
    assert (plan.locked, plan.lease is not None) == (None, True)
    assert generation(plan.token) > generation(own)
    bus.sync()
    assert bus.sync(token=old).locked == "clone"
    assert [one.open for one in town.relay.store.incidents(BUS)] == [False, True]
    with pytest.raises(NotSuspendedError):
        revocation.reinstate("bus-2", "clerk-1", "found")


def test_a_city_hall_that_was_restored_from_a_backup_takes_the_newer_token_and_writes_it_down(tmp_path: Path) -> None:
    town = Town(tmp_path)
    bus = desk_bus(town)
    bus.sync()
    backup = row(town)
    for _ in range(5):
        bus.sync()
    with town.relay.store.event():
        town.relay.store.save_bus(backup)
    bus.boot += 1
    assert bus.sync().locked is None
    assert bus.sync().locked is None
    kinds = [kind for (kind,) in town.relay.store.db.execute("select kind from journal")]  # type: ignore[attr-defined]
    assert kinds.count("set_back") == 1
    assert "clone" not in kinds


@pytest.mark.parametrize("shown", [b"", b"x" * TOKEN_BYTES, b"\xff" * TOKEN_BYTES, b"short", bytes(32)])
def test_a_token_that_was_never_handed_out_is_a_second_box(tmp_path: Path, shown: bytes) -> None:
    town = Town(tmp_path)
    bus = desk_bus(town)
    bus.sync()
    bus.sync()
    assert bus.sync(token=shown).locked == "clone"


def test_a_stale_sync_never_reaches_the_token(tmp_path: Path) -> None:
    town = Town(tmp_path)
    bus = desk_bus(town)
    old = bus.sync_message()
    for _ in range(3):
        bus.sync()
    before = row(town)
    assert type(bus.says("/1/sync", old, town.keys.link[BUS])).__name__ == "Stale"
    assert row(town) == before
