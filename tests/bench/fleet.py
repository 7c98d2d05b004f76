"""A relay and some agents as processes, each bus behind a slow line of its own. No printer or broker: only states travel."""

import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from bus_agent.agent.bodies import Bodies as BusBodies
from bus_agent.agent.facts import Scribe
from bus_agent.agent.store import STORE, BusStore
from bus_agent.settings import AgentSettings, load_agent_settings, load_spooler_settings
from cityhall_base import keys
from cityhall_base.city import load_city
from cityhall_base.clock import SystemClock
from cityhall_relay import boss
from cityhall_relay.bodies import Bodies
from cityhall_relay.boss import RELAY_DB
from cityhall_relay.intake.check import check
from cityhall_relay.settings import load_relay
from cityhall_wire.lifecycle import ENDS
from provisioning import small_city
from provisioning.bus_folder import BusFolder
from provisioning.city import init_city
from provisioning.city_folder import Addresses, CityFolder
from provisioning.demo.blueprint import environment
from provisioning.demo.bytecode import compile_ours
from provisioning.demo.probe import LOOPBACK, accepts, free_ports, snapshot
from provisioning.demo.process import Command, Part
from provisioning.demo.wait import wait_until
from provisioning.errors import WalkError
from provisioning.files import me
from provisioning.small_city import SECTION, STOP
from provisioning.vehicle import admit, install_bus_config, make_bus_keys
from tests.bench.open_jobs import Bus, Case, CityHall, fill
from tests.bench.slow_line import Pace, SlowLine

_ON_DUTY: Final = 'first_mode = "city_hall"\n'
LIMITS: Final = {"unapproved_s": 3600, "approved_s": 3600, "session_idle_s": 3600, "printer_silence_s": 600}
"""A prepared state is used again for minutes, and nothing of it shall be too old."""


PATIENCE_S: Final = 150.0
_OPEN: Final = ("select count(*) from meta where name = 'token'", "select count(*) from outbox")


class Run(NamedTuple):
    """Seconds since the line was up."""

    true_s: float  # every state is true on both sides
    gone_s: float  # and what ended is gone from the bus, with both sides' deletion receipts


class Fleet:
    """Made once; each run goes on from the state that `prepare` left."""

    def __init__(self, top: Path, buses: int) -> None:
        self._top, self.names = top, [f"moba-{n}" for n in range(1, buses + 1)]
        compile_ours()
        at = Addresses(LOOPBACK, *free_ports(3))
        self._city = CityFolder(top / "cityhall")
        owners, clock = small_city.one_owner(), SystemClock()
        init_city(self._city, self._toml(at), at, owners.city, clock)
        for name in self.names:
            request = make_bus_keys(self._bus(name), name, owners.bus)
            install_bus_config(self._bus(name), admit(self._city, request, clock), owners.bus)
            _without_broker(self._bus(name).bus_toml)
        _without_broker(self._city.relay_toml)
        self._relay_settings, self._port = load_relay(self._city.relay_toml), at.bus_port
        self._city_name = load_city(self._relay_settings.city_file).city.city
        both = (at.bus_port, at.clerk_port)
        self._relay = self._part(
            "relay", "cityhall_relay", "serve", self._city.relay_toml, lambda: all(map(accepts, both))
        )

        self._told: dict[str, Case] = {}
        self._live: dict[str, dict[str, str]] = {name: {} for name in self.names}

    def prepare(self, twenties: int) -> None:
        """A state in which each bus has twenty times so many open jobs; every run begins with it."""
        relay = boss.build(self._relay_settings, SystemClock(), check)
        try:
            city_hall = CityHall(relay, Bodies(self._relay_settings.state_dir / "bodies"))
            for name in self.names if twenties else ():
                old, clerk = relay.sessions.open(f"clerk-{name}", name, SECTION, STOP, 1), f"clerk-{name}"
                relay.sessions.close(clerk, old.session)
                session = relay.sessions.open(clerk, name, SECTION, STOP, 2)
                self._fill_bus(city_hall, name, twenties, session.session, old.session)
        finally:
            relay.close()
        for state in self._states():
            shutil.copytree(state, _kept(state))

    def run(self, pace: Pace, ready: Callable[[], None] = lambda: None, cut_after: int | None = None) -> Run:
        """From the prepared state until nothing is left to say; raises WalkError where the two sides then differ.

        `ready` is called before the line rises. Each line is reset once after `cut_after` bytes from city hall.
        """
        for state in self._states():
            shutil.rmtree(state)
            shutil.copytree(_kept(state), state)
        lines = {name: SlowLine(self._port, pace) for name in self.names}
        agents = [self._agent(name, line.port) for name, line in lines.items()]
        try:
            self._relay.start()
            for agent in agents:
                agent.start()
            wait_until(lambda: all(line.called for line in lines.values()), PATIENCE_S, "every bus calls city hall")
            ready()
            began = SystemClock().utc_ms()
            for line in lines.values():
                if cut_after is not None:
                    line.cut_after(cut_after)
                line.rise()
            for name in self.names:
                wait_until(partial(self._settled, name), PATIENCE_S, f"{name} has told and heard everything")
        finally:
            for part in (*agents, self._relay):
                part.stop()
            for line in lines.values():
                line.close()
        if cut_after is not None and not all(line.cuts for line in lines.values()):
            raise WalkError("the line was never cut")
        return self._read(began)

    def _fill_bus(self, city_hall: CityHall, name: str, twenties: int, session: str, old_session: str) -> None:
        at, clock = self._agent_settings(name), SystemClock()
        store, city = BusStore(at.state_dir / STORE, clock, f"{name} of {self._city_name}"), self._city_name
        try:
            scribe = Scribe(city, name, keys.load_signing_key(at.link_key), store, clock)
            print_key = keys.load_signing_key(load_spooler_settings(self._bus(name).spooler_toml).print_key)
            bus = Bus(name, store, BusBodies(at.state_dir), scribe, print_key)
            filled = fill(city_hall, bus, twenties, session, old_session)
        finally:
            store.close()
        self._told |= filled
        self._live[name] = {job: str(case.ends) for job, case in filled.items() if case.ends not in ENDS}

    # --- what is true ---

    def _settled(self, name: str) -> bool:
        """Whether the bus has a plan, has nothing more to tell, and holds what it should. It is not kept busy by the question."""
        with closing(_reader(self._agent_settings(name).state_dir / STORE)) as db:
            (planned,), (outgoing,) = (db.execute(query).fetchone() for query in _OPEN)
            return (
                bool(planned) and not outgoing and dict(db.execute("select job, state from jobs")) == self._live[name]
            )

    def _read(self, began: int) -> Run:
        """From the journals, when nobody writes them any more; `began` is in UTC milliseconds."""
        files = [self._relay_settings.state_dir / RELAY_DB]
        files += [self._agent_settings(name).state_dir / STORE for name in self.names]
        with ExitStack() as open_:
            relay, *buses = (open_.enter_context(closing(_reader(path))) for path in files)
            self._compare(relay, buses)
            first = _last(relay, began, "sync")
            changed = [_last(db, began, "step", "approved", "approval_gone", "attempt") for db in (relay, *buses)]
            gone = [_last(db, began, "forgotten") for db in buses]
        # A bus with nothing to tell has nothing to change either: its plan is all.
        return Run(max(first, *changed) / 1000, max(first, *changed, *gone) / 1000)

    def _compare(self, relay: sqlite3.Connection, buses: Sequence[sqlite3.Connection]) -> None:
        """Every job, on both sides; raises WalkError."""
        here = {row[0]: row[1:] for db in buses for row in db.execute("select job, state, attempt, approved from jobs")}
        there = {
            row[0]: row[1:] for row in relay.execute("select job, state, attempt, approved_at is not null from jobs")
        }
        signed = {job for (job,) in relay.execute("select job from receipts group by job having count(*) = 2")}
        for job, case in self._told.items():
            true = there[job] == here[job] if job in here else case.ends in ENDS and job in signed
            if not true or there[job][0] != case.ends:
                raise WalkError(f"{job}: {there[job]} at city hall, {here.get(job)} on the bus, expected {case.ends}")
        if here.keys() - self._told.keys() or there.keys() != self._told.keys():
            raise WalkError("there are jobs that nobody made")

    # --- where it all is ---

    def _bus(self, name: str) -> BusFolder:
        return BusFolder(self._top / name)

    def _agent_settings(self, name: str) -> AgentSettings:
        return load_agent_settings(self._bus(name).bus_toml)

    def _states(self) -> list[Path]:
        return [self._relay_settings.state_dir, *(self._agent_settings(name).state_dir for name in self.names)]

    def _toml(self, at: Addresses) -> bytes:
        printer = small_city.PrinterPlan("ipp://localhost:1/ipp/print")
        one = small_city.city_toml(small_city.Plan(at, printer, LIMITS))
        more = (
            f'[vehicles.{name}]\nname = "{name}"\nprinter = "moba-1-printer"\n{_ON_DUTY}' for name in self.names[1:]
        )
        # Nobody stands on these buses: they are city halls from their first start, or their sessions would end.
        return one.replace(b'first_mode = "route_bus"\n', _ON_DUTY.encode()) + "".join(more).encode()

    def _agent(self, name: str, port: int) -> Part:
        where = self._bus(name)
        settings = where.bus_toml.read_text()
        where.bus_toml.write_text(re.sub(r"(https://[^:]+):\d+", rf"\1:{port}", settings))
        return self._part(name, "bus_agent", "run", where.bus_toml, lambda: snapshot(where.api_socket) is not None)

    def _part(self, name: str, module: str, verb: str, config: Path, ready: Callable[[], bool]) -> Part:
        argv = (sys.executable, "-m", f"{module}.cli", verb, "--config", str(config))
        return Part(Command(name, argv, me(), environment(), self._top / f"{name}.log"), ready)


def _without_broker(config: Path) -> None:
    config.write_text(re.sub(r"\n\[broker\][^\[]*", "\n", config.read_text()))


def _kept(state: Path) -> Path:
    return state.with_name("prepared")


def _last(db: sqlite3.Connection, began: int, *kinds: str) -> int:
    """Milliseconds from `began` to the last such row of a journal; 0 where there is none."""
    which = ", ".join("?" for _ in kinds)
    query = f"select max(at) - ? from journal where at >= ? and kind in ({which})"  # noqa: S608 - question marks alone
    return int(db.execute(query, [began, began, *kinds]).fetchone()[0] or 0)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
