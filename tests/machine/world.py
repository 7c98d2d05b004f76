"""One city hall, two buses, their people and their bad days. What a rule of `machine.py` does is a method here."""

import contextlib
import functools
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from bus_agent.agent.books import Books
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.store import STORE, BusStore
from cityhall_base.city import CityFile, parse_city
from cityhall_relay import boss
from cityhall_relay.settings import load_relay
from cityhall_relay.store.rows import Session
from cityhall_wire.modes import DutyMode
from tests import relay_city
from tests.machine.bus import OLD_SOFTWARE, Agent, Box, Spooler
from tests.machine.gates import Gates, Mishap
from tests.machine.line import Asked, Fate, Line, Reply
from tests.machine.printer import ModelPrinter
from tests.machine.relay import Relay, checked
from tests.machine.truth import Truth, pages_of
from tests.machine.virtual import BoxClock, Process, Time, run_all
from tests.machine.watchman import Violation, Watchman
from tests.relay_city import BUSES, CITY, PAPER, Keys

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder in memory, where the machine has one
UUID: Final = "urn:uuid:00000000-0000-0000-0000-00000000000"


_FATES: Final = {Mishap.LOSE_ANSWER: Fate.ANSWER_LOST, Mishap.DOUBLE: Fate.DOUBLED, Mishap.HOLD: Fate.HELD}


def _nothing() -> None: ...


class Ground(NamedTuple):
    """What every world begins with: keys and files, made once."""

    top: Path
    keys: Keys
    file: CityFile
    holder: Any


@functools.cache
def ground() -> Ground:
    """Made once in a process; databases are made by a first start, so that a world only copies them."""
    holder = tempfile.TemporaryDirectory(prefix="machine-", dir=MEMORY if MEMORY.is_dir() else None)
    top = Path(holder.name) / "ground"
    hall = top / "hall"
    hall.mkdir(parents=True)
    made, file, clock = relay_city.write_city(hall, CITY), parse_city(CITY, "city.toml"), BoxClock(Time())
    boss.build(load_relay(hall / "relay.toml"), clock, checked).close()
    for bus in BUSES:
        (top / bus).mkdir()
        _put_paper_in(BusStore(top / bus / STORE, clock, f"{bus} of {file.city.city}"), bus, made, file, clock)
    return Ground(top, made, file, holder)


def _put_paper_in(store: BusStore, bus: str, keys: Keys, file: CityFile, clock: BoxClock) -> None:
    # Its line waits in the outbox; the first drain brings it to city hall.
    scribe = Scribe(file.city.city, bus, keys.link[bus], store, clock)
    duty = Duty(store, clock, DutyMode.ROUTE_BUS, file.city.limits.lease_s)
    Books(store, duty, scribe, file.city, clock, _nothing).receive("controlled", *PAPER)
    store.close()


class World:
    """Everything. `faults` are what went wrong in a process; a rule that ends with one fails."""

    def __init__(self, others: str = "bus-2") -> None:
        self._undo = contextlib.ExitStack()
        seeded = random.Random(0)
        for name, make in (("token_bytes", seeded.randbytes), ("token_hex", lambda size: seeded.randbytes(size).hex())):
            self._undo.enter_context(mock.patch(f"secrets.{name}", make))
        self._first = ground()
        self.top = Path(
            self._undo.enter_context(tempfile.TemporaryDirectory(prefix="world-", dir=self._first.top.parent))
        )
        shutil.copytree(self._first.top, self.top, dirs_exist_ok=True)
        self.time, self.truth = Time(), Truth()
        self.gates = Gates(self.happen)
        self.watchman = Watchman(self._first.file, self._first.keys, self.truth)
        self.faults: list[BaseException] = []
        self.hall_clock = BoxClock(self.time)
        self._buried: list[Process] = []
        self.boxes = {bus: self._box(bus) for bus in ("bus-1", others)}
        self.agents: dict[str, Agent] = {}
        self.spoolers: dict[str, Spooler] = {}
        self.relay = self._start_relay()
        for bus in self.boxes:
            self._start_agent(bus)
            self._start_spooler(bus)
        self.run()

    def close(self) -> None:
        """Let everything go."""
        for bus in self.boxes:
            self.agents[bus].kill()
            self.spoolers[bus].kill()
        self.relay.kill()
        for process in [*self._processes(), *self._buried]:
            process.bury()
        self._undo.close()

    # --- time ---

    def run(self) -> None:
        """Until nobody has anything left to do; raises what went wrong in any process."""
        run_all(self._processes)
        for box in self.boxes.values():
            box.printer.advance()
        self.truth.read(box.printer.tray for box in self.boxes.values())
        if self.faults:
            raise self.faults[0]

    def wait(self, seconds: float, leaps: int = 1) -> None:
        """Time passes in so many leaps."""
        for _ in range(leaps):
            self.time.now += seconds / leaps
            for box in self.boxes.values():
                box.printer.advance()
            self.truth.read(box.printer.tray for box in self.boxes.values())
            self.run()

    def look(self) -> None:
        """The watchman's round."""
        agents = {bus: agent for bus, agent in self.agents.items() if not agent.process.dead}
        self.watchman.look(None if self.relay.process.dead else self.relay, agents)

    # --- people at city hall ---

    def live_session(self, bus: str) -> Session | None:
        """As city hall has it."""
        if self.relay.process.dead:
            return None
        return next((one for one in self.relay.parts.store.live_sessions() if one.bus == bus), None)

    def end_session(self, bus: str) -> None:
        """The clerk closes it."""
        if session := self.live_session(bus):
            self.relay.parts.sessions.close(session.clerk, session.session)

    # --- mishaps ---

    def happen(self, mishap: Mishap, bus: str) -> None:
        """At a point, or by a rule. What city hall itself is about concerns the first bus."""
        bus = bus or next(iter(self.boxes))
        if mishap in _FATES:
            self.boxes[bus].line.fates.appendleft(_FATES[mishap])
        elif mishap in (Mishap.END_SESSION, Mishap.LEAVE_DUTY):
            self._somebody_comes_between(mishap, bus)
        else:
            self._break(mishap, bus)

    def _somebody_comes_between(self, mishap: Mishap, bus: str) -> None:
        # People's words wait for their turn in the program that hears them.
        agent = self.agents[bus]
        if mishap is Mishap.END_SESSION:
            self.relay.process.soon(self.end_session, bus)
        else:
            agent.process.soon(agent.commands.set_mode, DutyMode.ROUTE_BUS)

    def _break(self, mishap: Mishap, bus: str) -> None:
        agent, spooler, box = self.agents[bus], self.spoolers[bus], self.boxes[bus]
        acts: dict[Mishap, Callable[[], object]] = {
            Mishap.KILL_AGENT: agent.kill,
            Mishap.KILL_SPOOLER: spooler.kill,
            Mishap.KILL_RELAY: self.relay.kill,
            Mishap.CUT_PRINTER: box.printer.cut,
            Mishap.CUT_BOX: lambda: self._cut_box(bus),
            Mishap.CUT_ALL: lambda: self._cut_all(bus),
            Mishap.CUT_LINE: lambda: setattr(box.line, "up", False),
            Mishap.HALF_A_DOCUMENT: lambda: setattr(spooler.path, "breaks_off", _nothing),
            Mishap.KILL_SENDER: lambda: setattr(spooler.path, "breaks_off", spooler.kill),
            Mishap.STALL_SENDER: lambda: setattr(spooler.path, "breaks_off", spooler.path.stall),
            Mishap.FREEZE_AGENT: lambda: setattr(agent.process, "frozen", True),
            Mishap.FREEZE_SPOOLER: lambda: setattr(spooler.process, "frozen", True),
        }
        acts[mishap]()

    def start_again(self, software: bytes | None = None) -> None:
        """Whatever is dead is started, as the service manager does it."""
        if self.relay.process.dead:
            self._buried.append(self.relay.process)
            self.relay = self._start_relay()
        for bus in self.boxes:
            if self.agents[bus].process.dead:
                self._buried.append(self.agents[bus].process)
                self._start_agent(bus)
            if self.spoolers[bus].process.dead:
                self._buried.append(self.spoolers[bus].process)
                self._start_spooler(bus, software)

    def thaw(self) -> None:
        """Whoever was frozen goes on."""
        for process in self._processes():
            process.frozen = False

    # --- parts ---

    def _cut_box(self, bus: str) -> None:
        self.agents[bus].kill()
        self.spoolers[bus].kill()
        self.boxes[bus].clock.since = self.time.now

    def _cut_all(self, bus: str) -> None:
        self._cut_box(bus)
        self.boxes[bus].printer.cut()

    def _serve(self, asked: Asked) -> Reply:
        if asked.path != "/1/release" or self.relay.process.dead:
            return self.relay.serve(asked)
        before = self.watchman.before_release(asked.raw, self.relay.parts)
        reply = self.relay.serve(asked)
        if reply.status == 200:
            with self._noting():
                self.watchman.released(asked.bus, before, reply.body, self.time.now, self.hall_clock.utc_ms())
        return reply

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        # A program under test must not get a violation as an exception of its own: it might catch it.
        try:
            yield
        except (Violation, KeyError) as error:
            self.faults.append(error)

    def _box(self, bus: str) -> Box:
        printer = ModelPrinter(
            self.time,
            UUID + bus[-1],
            pages_of,
            lambda name: self._note(self.watchman.sending, bus, name),
            lambda name, document: self._note(self.watchman.begun, bus, name, document),
        )
        line = Line(bus, self._serve, self.gates)
        keys, clock = self._first.keys, BoxClock(self.time)
        return Box(
            bus, self.top / bus, self._first.file, keys, clock, line, printer, self.gates, self._opened, self._heard
        )

    def _opened(self, *said: Any) -> None:
        self._note(self.watchman.opened, *said, self.time.now)

    def _heard(self, bus: str, said: Any) -> None:
        for box in self.boxes.values():
            box.printer.advance()
        self.truth.read(box.printer.tray for box in self.boxes.values())
        self._note(self.watchman.heard, bus, said)

    def _note(self, judge: Any, *facts: Any) -> None:
        with self._noting():
            judge(*facts)

    def _process(self, name: str) -> Process:
        return Process(name, self.time, lambda _, error: self.faults.append(error))

    def _processes(self) -> list[Process]:
        agents = [agent.process for agent in self.agents.values()]
        spoolers = [spooler.process for spooler in self.spoolers.values()]
        return [self.relay.process, *agents, *spoolers]

    def _start_relay(self) -> Relay:
        return Relay(self.top / "hall", self.hall_clock, self._process("relay"), self.gates, self.hint)

    def _start_agent(self, bus: str) -> None:
        self.agents[bus] = Agent(self.boxes[bus], self._process(f"agent of {bus}"))

    def _start_spooler(self, bus: str, software: bytes | None = None) -> None:
        self.spoolers[bus] = Spooler(self.boxes[bus], self._process(f"spooler of {bus}"), software)

    def hint(self, bus: str) -> None:
        """ "Sync now": over the broker, which needs the same line."""
        agent = self.agents.get(bus)
        if agent is not None and self.boxes[bus].line.up:
            agent.process.soon(agent.syncer.wake)


__all__ = ["OLD_SOFTWARE", "World"]
