"""The agent's side of a print: written down before it is answered, moved only by the print key's word."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.agent.printing import Printing
from bus_agent.agent.pulse import Pulse
from bus_agent.errors import BusyError, LinkError, SpoolerGoneError
from bus_agent.ipc.messages import Committed, Declined, Intent, Print, Recover, Requested, Statement, Step
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.printing import Evidence, Finding
from tests.unit.test_bus_store import Bus, ready
from tests.unit.test_bus_verify import REQUEST

PRINT = Ed25519PrivateKey.generate()
INCARNATION = "0" * 32


class Line:
    """The spooler's end: what was sent to it, and what the store held at that moment."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.sent, self.states = bus, list[Any](), list[JobState]()
        self.on_message: Callable[[Any], None] = lambda message: None
        self.on_connect: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None
        self.first = asyncio.Event()

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        assert not self.bus.store._store.db.conn.in_transaction
        self.sent.append(message)
        self.first.set()
        self.states += [job.state for job in self.bus.store.jobs()]


class Courier:
    def __init__(self) -> None:
        self.fetched: list[Requested] = []

    def fetch(self, requested: Requested, line: Line) -> None:
        self.fetched.append(requested)


class Line2CityHall:
    """What printing needs of the syncer."""

    def __init__(self) -> None:
        self.planned, self.down = Pulse(), False

    def tell(self) -> None:
        pass

    async def flush(self) -> None:
        if self.down:
            raise LinkError("dead zone")


class Scene:
    def __init__(self, top: Path) -> None:
        self.bus = Bus(top)
        self.name = ready(self.bus)
        self.line, self.courier, self.syncer = Line(self.bus), Courier(), Line2CityHall()
        syncer, line, courier = cast(Any, self.syncer), cast(Any, self.line), cast(Any, self.courier)
        bus = self.bus
        self.printing = Printing(bus.store, bus.bodies, bus.duty, syncer, line, courier, PRINT.public_key())

    @property
    def state(self) -> tuple[JobState, int]:
        job = self.bus.store.job(self.name)
        return job.state, job.attempt

    def hear(self, message: Any) -> None:
        self.line.on_message(message)

    def requested(self, attempt: int = 1) -> Requested:
        request = msgspec.structs.replace(REQUEST, job=self.name, attempt=attempt)
        return Requested(job=self.name, attempt=attempt, envelope=envelope.sign(request, PRINT))

    def evidence(self, finding: Finding, n: int = 1, why: str = "why", **changed: Any) -> bytes:
        fields: dict[str, Any] = {
            "v": 1,
            "city": "hase",
            "bus": "bus-1",
            "incarnation": INCARNATION,
            "nonce": b"n" * 32,
        }
        fields |= {"job": self.name, "attempt": 1, "n": n, "at": 1, "finding": finding, "why": why}
        key = changed.pop("key", PRINT)
        return envelope.sign(Evidence(**(fields | changed)), key)

    def states(self, *findings: Finding, **changed: Any) -> None:
        for n, finding in enumerate(findings, 1):
            raw = self.evidence(finding, n, **changed)
            self.hear(Statement(job=self.name, attempt=1, evidence=raw))

    def outgoing(self) -> list[str]:
        rows = self.bus.store._store.db.query("select kind from outbox order by id")
        return [row["kind"] for row in rows]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_committed_is_said_after_the_commit(scene: Scene) -> None:
    scene.hear(scene.requested())
    assert scene.state == (JobState.RELEASING, 1)
    scene.hear(Intent(job=scene.name, attempt=1, step=Step.CREATE_JOB))
    sending = scene.evidence(Finding.SENDING)
    scene.hear(Intent(job=scene.name, attempt=1, step=Step.SEND_DOCUMENT, printer_job=7, evidence=sending))
    assert [message.step for message in scene.line.sent if isinstance(message, Committed)] == list(Step)
    assert scene.line.states == [JobState.RELEASING, JobState.PRINTING]
    assert scene.bus.store.job(scene.name).printer_job == 7
    assert scene.outgoing() == ["evidence"]


def test_no_sheet_opens_the_next_attempt(scene: Scene) -> None:
    scene.hear(scene.requested())
    scene.states(Finding.SENDING, Finding.NO_SHEET)
    assert scene.state == (JobState.ON_BUS, 2)
    assert scene.bus.store.job(scene.name).request == b""


def test_a_refused_request_has_used_no_attempt(scene: Scene) -> None:
    scene.hear(scene.requested())
    scene.states(Finding.NO_SHEET, why="print.refused")
    assert scene.state == (JobState.ON_BUS, 1)


def test_a_statement_about_another_request_of_the_same_attempt_moves_no_job(scene: Scene) -> None:
    scene.hear(scene.requested())
    for finding in (Finding.NO_SHEET, Finding.COMPLETED):
        scene.states(finding, nonce=b"o" * 32, incarnation="1" * 32)
    assert scene.state == (JobState.RELEASING, 1)
    assert scene.outgoing() == ["evidence"]  # both have number 1, and city hall gets what was said under it first


def test_a_repeated_statement_is_posted_once(scene: Scene) -> None:
    scene.hear(scene.requested())
    for _ in range(3):
        scene.states(Finding.SENDING, Finding.COMPLETED)
    assert scene.state == (JobState.PRINTED, 1)
    assert scene.outgoing() == ["evidence", "evidence"]


def test_only_the_print_key_moves_a_job(scene: Scene) -> None:
    scene.hear(scene.requested())
    scene.states(Finding.COMPLETED, key=Ed25519PrivateKey.generate())
    assert scene.state == (JobState.RELEASING, 1)
    assert scene.outgoing() == []


def test_a_late_statement_is_posted_and_moves_nothing(scene: Scene) -> None:
    scene.hear(scene.requested())
    scene.states(Finding.NO_SHEET)
    scene.states(Finding.COMPLETED, incarnation="1" * 32)
    assert scene.state == (JobState.ON_BUS, 2)
    assert scene.outgoing() == ["evidence", "evidence"]


def test_after_a_restart_the_spooler_is_asked_for_each_job_at_the_printer(scene: Scene) -> None:
    requested = scene.requested()
    scene.hear(requested)
    scene.line.on_connect()
    (recover,) = [message for message in scene.line.sent if isinstance(message, Recover)]
    assert (recover.request, recover.printer_job) == (requested.envelope, 0)


def print_now(scene: Scene, answer: Callable[[], None]) -> None:
    async def press() -> None:
        scene.line.first.clear()
        pressed = asyncio.create_task(scene.printing.print(scene.name))
        sent = asyncio.create_task(scene.line.first.wait())
        await asyncio.wait((pressed, sent), return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()
        answer()
        await pressed

    asyncio.run(press())


def test_print_returns_when_an_opener_waits_for_its_key(scene: Scene) -> None:
    print_now(scene, lambda: scene.hear(scene.requested()))
    assert isinstance(scene.line.sent[0], Print)
    assert len(scene.courier.fetched) == 1


def test_the_spoolers_no_is_the_concierges_sentence(scene: Scene) -> None:
    with pytest.raises(BusyError):
        print_now(scene, lambda: scene.hear(Declined(job=scene.name, attempt=1, key=BusyError.key)))
    with pytest.raises(SpoolerGoneError):
        print_now(scene, scene.line.on_gone)
    assert scene.state == (JobState.ON_BUS, 1)


def test_without_a_line_no_attempt_begins(scene: Scene) -> None:
    scene.syncer.down = True
    with pytest.raises(LinkError):
        print_now(scene, lambda: None)
    assert scene.line.sent == []
