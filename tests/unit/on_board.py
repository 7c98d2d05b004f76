"""A bus with people and checklists, without its line: the agent's own parts, over a clock that tests own."""

from pathlib import Path
from typing import Any, Final, cast

import msgspec
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from bus_agent.agent.books import Books
from bus_agent.agent.checks import WELL
from bus_agent.agent.commands import Commands
from bus_agent.agent.finding import Finding
from bus_agent.agent.people import People
from bus_agent.agent.syncer import LinkState, Syncer
from bus_agent.agent.tour import Tour
from bus_agent.errors import LinkError
from bus_agent.settings import PowerSettings
from cityhall_base.city import City, parse_city
from cityhall_wire import strict_json
from cityhall_wire.messages.envelope import Envelope
from cityhall_wire.messages.link import LinkMessage
from cityhall_wire.messages.relay import Answer
from tests.relay_city import CITY, MORNING, TestClock
from tests.unit.test_bus_store import Bus, Line

PIN: Final = "482913"
CHEAP: Final = Argon2id(salt=b"s" * 16, length=32, iterations=1, lanes=1, memory_cost=8).derive_phc_encoded(
    PIN.encode()
)
"""The hash of PIN at the least cost: these tests are not about how long a try takes."""

CONCIERGES: Final = f'[concierges.c-1]\npin = "{CHEAP}"\n[concierges.c-2]\npin = "{CHEAP}"\n'.encode()
TEST_SERVICE: Final = b"""
[services.test-page]
name = "test"
name_en = "Test"
section = "citizen"
class = "test"
paper = "controlled"
"""
LISTS: Final = b"""
[checklists.opening.items.lamp]
text = "\xe9\x9b\xbb\xe6\xba\x90"
text_en = "lamp"
[checklists.opening.items.line]
text = "line"
text_en = "line"
box = "line"
[checklists.closing.items.locked]
text = "locked"
text_en = "locked away"
"""


class BootClock(TestClock):
    """CLOCK_BOOTTIME begins anew with each boot of the kernel."""

    booted_at = MORNING - 600_000

    def boottime(self) -> float:
        return (self.now - self.booted_at) / 1000


class AskedLine(Line):
    """It answers what it is asked, too."""

    def __init__(self) -> None:
        super().__init__()
        self.state = LinkState(up=True, since_ms=0)
        self.asked: list[dict[str, Any]] = []
        self.answer: Answer | None = None

    async def ask(self, kind: type[LinkMessage], **fields: Any) -> Answer:
        self.asked.append(fields)
        if self.answer is None:
            raise LinkError
        return self.answer


class DayBooks:
    """Stands in for counts and coins, which are well or not; what waits for somebody is known to the real ones."""

    def __init__(self, books: Books) -> None:
        self.says, self._books = WELL, books

    def _say(self) -> Finding:
        return self.says

    sheets_agree = cash_agrees = fees_settled = _say

    def unclaimed(self) -> Finding:
        return self._books.unclaimed() if self.says is WELL else self.says


class OnBoard(Bus):
    """`restart` is the program's, `reboot` the kernel's."""

    clock: BootClock
    line: AskedLine

    def __init__(self, top: Path, more: bytes = CONCIERGES, power: PowerSettings | None = None, **changed: Any) -> None:
        self.file = parse_city(CITY + more, "city.toml")
        self.city: City = self.file.city
        self.boots, self.power = 1, power
        super().__init__(top, **changed)

    def _new_clock(self) -> BootClock:
        return BootClock()

    def _new_line(self) -> AskedLine:
        return AskedLine()

    def _open(self) -> None:
        super()._open()
        line = cast(Syncer, self.line)
        books = Books(self.store, self.duty, self.scribe, self.city, self.clock, line.tell)
        self.day_books = DayBooks(books)
        self.commands = Commands(self.store, self.duty, self.scribe, line, books, self.roster)
        boot = f"boot-{self.boots}"
        self.people = People(self.city, self.store, self.scribe, line, self.duty, boot, self.clock, self.day_books)
        self.people.wire(self.commands)
        duty = self.duty
        self.books, parts = books, (self.store, self.scribe, line, duty, self.roster, books, self.clock)
        self.tour = Tour(self.file, *parts, self.power)
        self.tour.wire(self.commands, self.planner)

    def reboot(self) -> None:
        self.boots += 1
        self.clock.booted_at = self.clock.now - 20_000  # 20 s until the agent is up
        self.restart()

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and payload of everything that waits to go out."""
        envelopes = [strict_json.decode(one.envelope, Envelope) for one in self.store.outgoing(-1)]
        return [(one.kind, strict_json.decode(one.payload, dict[str, Any])) for one in envelopes]

    @staticmethod
    def without(city: City, who: str) -> City:
        """The city after somebody has left its service."""
        left = {name: one for name, one in city.concierges.items() if name != who}
        return msgspec.structs.replace(city, concierges=left)
