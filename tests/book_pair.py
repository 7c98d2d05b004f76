"""A bus and city hall with their books, without sockets: what the bus queued is posted when a test says so."""

import hashlib
import secrets
from pathlib import Path
from typing import Any

from bus_agent.agent.books import Books
from bus_agent.agent.commands import Commands
from bus_agent.agent.facts import Scribe
from bus_agent.agent.planning import Planner
from bus_agent.errors import RefusedError
from cityhall_base.city import parse_city
from cityhall_base.software import software_digest
from cityhall_relay.bus_desk import EVIDENCE, SYNC
from cityhall_wire.lifecycle import By, Event
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.link import PrinterSummary, Sync
from cityhall_wire.messages.relay import Plan
from cityhall_wire.modes import DutyMode
from tests.relay_city import CITY, Town
from tests.unit.test_bus_store import Bus

FEES = CITY.replace(b'name = "record"', b'name = "record"\nfee_yen = 300')
PAPER = "controlled"


class _Line:
    def wake(self) -> None: ...

    tell = wake


class Pair(Bus):
    """The bus of these tests is `bus-1` of `town`; both have one clock."""

    def __init__(self, top: Path) -> None:
        for name in ("hall", "bus"):
            (top / name).mkdir()
        self.town = Town(top / "hall", FEES, paper=False)
        super().__init__(top / "bus")

    def _open(self) -> None:
        super()._open()
        self.clock = self.town.clock
        self.scribe = Scribe("hase", "bus-1", self.town.keys.link["bus-1"], self.store, self.clock)
        self.planner = Planner(self.store, self.bodies, self.scribe)
        line: Any = _Line()
        city = parse_city(FEES, "city.toml").city
        self.books = Books(self.store, self.duty, self.scribe, city, self.clock, line.tell)
        self.planner.hears.append(self.books.hear)
        self.planner.spoils.append(self.books.void)
        self.commands = Commands(self.store, self.duty, self.scribe, line, self.books, self.roster)

    def printed(self, **changed: Any) -> str:
        """A document whose sheets lie in the printer's tray."""
        name = self.on_bus(approved=True, **changed)
        with self.store.event():
            drawn = 1 + max(job.drawn for job in self.store.jobs())
            self.store.change(name, drawn=drawn)
            for event in (Event.RELEASE, Event.DOUBT):
                self.store.step(name, event, By.PRINT_KEY)
        return name

    def drain(self) -> None:
        """Everything that waits goes out; what city hall refuses is dropped, as the outbox does."""
        for message in self.store.outgoing(-1):
            answer = self.town.relay.bus_desk.answer("bus-1", message.envelope, EVIDENCE)
            assert envelope.kind_in(answer) != "stale"
            with self.store.event():
                self.store.answered(message)

    def sync(self) -> Plan:
        """One plan, taken."""
        self.drain()
        fields: dict[str, Any] = {"nonce": secrets.token_bytes(32), "token": b"", "software": software_digest()}
        fields |= {"config": self.town.relay.city.digest, "mode": DutyMode.CITY_HALL, "session": None, "spooler": True}
        fields |= {"printer": PrinterSummary(state="idle"), "inventory": ()}
        fields |= {"inventory_digest": hashlib.sha256(b"[]").digest()} | self.books.in_sync()
        answer = self.town.relay.bus_desk.answer("bus-1", self.scribe.sign(Sync, **fields), SYNC)
        plan = envelope.verify(answer, {Role.RELAY: (self.town.keys.relay.public_key(),)}).expect(Plan)
        self.planner.apply(plan)
        return plan

    def settle(self) -> None:
        """Until neither side has anything to say."""
        for _ in range(4):
            self.sync()
        self.drain()

    @property
    def differences(self) -> list[str]:
        """Open ones, which both sides must see alike."""
        mine = [str(one) for one in self.books.book.differences()]
        assert mine == [str(one) for one in self.town.relay.books.book("bus-1").differences()]
        return mine

    def refusal(self, job: str) -> str:
        """Why a certificate would not be printed; empty where it would."""
        try:
            self.books.block(self.store.job(job))
        except RefusedError as error:
            return error.key
        return ""
