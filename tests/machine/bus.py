"""A bus: agent and spooler as their bosses wire them, on one box, with a model printer and a line."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import msgspec

from bus_agent.agent.bodies import Bodies
from bus_agent.agent.books import Books
from bus_agent.agent.carrier import Carrier
from bus_agent.agent.commands import Commands
from bus_agent.agent.duty import Duty, OnBoard
from bus_agent.agent.facts import Scribe
from bus_agent.agent.guard import Guard
from bus_agent.agent.hours import DutyHours
from bus_agent.agent.link import Ends
from bus_agent.agent.panic import Panic
from bus_agent.agent.planning import Planner
from bus_agent.agent.printing import Printing
from bus_agent.agent.readiness import Readiness
from bus_agent.agent.release import ReleaseCourier
from bus_agent.agent.roster import Roster
from bus_agent.agent.store import STORE, BusStore
from bus_agent.agent.syncer import Digests, Syncer
from bus_agent.spooler.case import Tools
from bus_agent.spooler.desk import Desk
from bus_agent.spooler.evidence import Identity, Signer
from bus_agent.spooler.front import Front
from cityhall_base.city import CityFile
from cityhall_base.software import software_digest
from tests.machine.gates import Gates
from tests.machine.line import Asked, Line, ModelLink
from tests.machine.opener import ModelOpener, ModelStandby
from tests.machine.printer import ModelPrinter
from tests.machine.printer_path import Path
from tests.machine.socket_pair import AgentEnd, SocketPair
from tests.machine.virtual import BoxClock, Process
from tests.relay_city import Keys

OLD_SOFTWARE = b"an older program than city hall allows"[:32]


@dataclass
class Box:
    """What stays when the programs on it are killed."""

    name: str
    top: FilePath
    file: CityFile
    keys: Keys
    clock: BoxClock
    line: Line
    printer: ModelPrinter
    gates: Gates
    opened: Callable[..., None]
    heard: Callable[[str, msgspec.Struct], None]
    wire: SocketPair = field(init=False)
    keeps_back: int = 0
    """So many of the print key's next statements the agent keeps from city hall: it has been taken over."""

    kept_back: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wire = SocketPair(self.name, self.gates, self.heard)

    @property
    def profile(self) -> Any:
        """Of its printer."""
        return self.file.city.printers[self.file.city.vehicles[self.name].printer]


class Agent:
    """`bus-agent run` without its sockets; see `bus_agent.agent.boss`."""

    def __init__(self, box: Box, process: Process) -> None:
        self.box, self.process = box, process
        city, bus, limits, clock = box.file.city, box.name, box.file.city.limits, box.clock
        self.store = store = BusStore(box.top / STORE, clock, f"{bus} of {city.city}")
        self._watch_writing()
        self.bodies = bodies = Bodies(box.top)
        vehicle = city.vehicles[bus]
        on_board = OnBoard(city.printers[vehicle.printer].lies, city.papers)
        self.duty = duty = Duty(store, clock, vehicle.first_mode, limits.lease_s, on_board)
        link = ModelLink(box.line, Ends(city.city, bus, box.keys.relay.public_key()), clock)
        scribe = Scribe(city.city, bus, box.keys.link[bus], store, clock)
        planner = Planner(store, bodies, scribe)
        digests = Digests(software_digest(), box.file.digest)
        self.syncer = syncer = Syncer(store, link, scribe, planner, duty, digests, limits, clock)
        carrier = Carrier(store, bodies, link, syncer)
        line: Any = AgentEnd(box.wire, process)
        courier = ReleaseCourier(store, link, syncer, limits, clock)
        self.printing = Printing(store, bodies, duty, syncer, line, courier, box.keys.print[bus].public_key())
        guard = Guard(store, duty, line, scribe, syncer, limits, clock)
        readiness = Readiness(store, duty, line, syncer.planned)
        self.books = books = Books(store, duty, scribe, city, clock, syncer.tell)
        books.join(planner, syncer)
        hours = DutyHours(store, city.timetable, limits, clock)
        roster = Roster(store, duty, scribe, syncer, hours, clock)
        panic = Panic(store, bodies, duty, roster, scribe, syncer)
        self.commands = Commands(store, duty, scribe, syncer, books, roster)
        store.on_commit(syncer.planned.beat)
        bodies.keep_only({job.job for job in store.jobs() if job.body_kept})
        for machine in (syncer, carrier, guard, panic, readiness, roster):
            process.spawn(machine.run())
        box.wire.agent = line
        process.soon(box.wire.connect)

    def kill(self) -> None:
        """SIGKILL."""
        if not self.process.dead:
            self.process.kill()
            self.store.close()
            self.box.wire.agent_gone()

    def _watch_writing(self) -> None:
        record, gates, bus = self.store.record, self.box.gates, self.box.name

        def passing(kind: str, job: str = "", **body: Any) -> None:
            gates.passing(f"agent writes {kind}", bus)
            record(kind, job, **body)

        self.store.record = passing
        queue, box = self.store.queue, self.box

        def keeping_back(kind: str, job: str, envelope: bytes) -> None:
            if kind == "evidence" and box.keeps_back:
                box.keeps_back -= 1
                box.kept_back.append(Asked(bus, "/1/evidence", envelope, {}))
                return
            queue(kind, job, envelope)

        self.store.queue = keeping_back  # type: ignore[method-assign]


class Spooler:
    """`bus-agent spooler` without its socket; see `bus_agent.spooler.main`."""

    def __init__(self, box: Box, process: Process, software: bytes | None = None) -> None:
        self.box, self.process = box, process
        self._front = front = Front(agent_uid=0)
        self.path = path = Path(box.name, box.printer, process, box.gates, box.clock)
        identity = Identity(
            box.file.city.city, box.name, secrets.token_hex(16), software or software_digest(), box.file.digest
        )
        signer = Signer(box.keys.print[box.name], identity, box.clock)
        self._openers: list[ModelOpener] = []
        self._turn = 0
        standby: Any = ModelStandby(self._start_opener, front.look)
        relay_key, clock = box.keys.relay.public_key(), box.clock
        tools = Tools(box.file.city, box.profile, path, relay_key, signer, clock, standby, front.say)
        self.desk = Desk(tools)
        self._inbox: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        process.spawn(front.report(tools, self.desk))
        process.spawn(self._read())
        box.wire.spooler = self
        process.soon(box.wire.connect)

    def kill(self) -> None:
        """SIGKILL, its openers with it."""
        if not self.process.dead:
            self.process.kill()
            for opener in self._openers:
                opener.end()
            self.box.wire.spooler_gone()

    def met(self, turn: int) -> None:
        """The agent has connected."""
        front: Any = self._front
        self._turn = turn
        front._agent = self
        front.look()

    def left(self) -> None:
        """The agent is gone."""
        front: Any = self._front
        front._agent = None
        self.desk.agent_gone()

    def hear(self, call: Callable[..., None], *args: Any) -> None:
        """`met`, `left` or a word for the desk: in order, and between two the loop turns, as `Front._converse` waits."""
        self.process.soon(self._inbox.put_nowait, lambda: call(*args))

    async def _read(self) -> None:
        while True:
            (await self._inbox.get())()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """To the agent: the front's channel."""
        self.box.wire.to_agent(message, self._turn)

    def _start_opener(self) -> ModelOpener:
        opener = ModelOpener(self.path, self.box.opened)
        self._openers = [one for one in self._openers if not one.gone] + [opener]
        return opener
