"""The relay that is measured: `python -m tests.bench.console_host FOLDER` is one real relay with its sockets, and its work.

Visits and documents go through the relay's own desks in the relay's own loop, signed by the buses' keys as they come from the wire;
HTTP and the reading of PDFs are left out of that work. It ends with its standard input, where each line says what to do next.
"""

import argparse
import asyncio
import contextlib
import cProfile
import itertools
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import mock

import msgspec

from cityhall_base import pin
from cityhall_base.clock import SystemClock, business_day
from cityhall_relay import serve
from cityhall_relay.boss import Relay
from cityhall_relay.bus_desk import EVIDENCE, RELEASE, SYNC
from cityhall_relay.settings import load_relay
from cityhall_relay.store.rows import Session
from cityhall_relay.submission import Submission
from cityhall_wire import seal
from cityhall_wire.books import BookEntry, Column, line_of
from cityhall_wire.messages import link
from cityhall_wire.messages.printing import Finding
from tests.console_lab import PASSWORD, SECRET
from tests.relay_city import CITY, CLERKS, HandMadeBus, Keys, box_of_paper, two_pages, write_city
from tests.relay_tls import write_tls

BUSES: Final = tuple(f"bus-{n}" for n in range(1, 11))
SECTIONS: Final = {"citizen": "resident-record", "tax": "tax-certificate"}
BOARDS: Final = 50
A_SECOND: Final = 5
OF_A_VISIT: Final = 10
"""Documents: a bus has one in two seconds, and the next visitor sits down after twenty."""

FIRST_SLOT, LAST_SLOT = 100, 999
"""The slot of a call is what a board is recognized by; the day's own have smaller numbers."""

AUDITOR, BOSS = "audit-1", "boss-1"
_HOPS: Final = (Finding.SENDING, Finding.SENT, Finding.COMPLETED)
_STEP_S: Final = 0.01
"""Between two steps of one document: on the wire each is a request of its own, and the relay does other things meanwhile."""


class Called(msgspec.Struct, tag="called"):
    """A section's key was pressed. `at` is the monotonic clock before the relay heard of it."""

    at: float
    slot: int
    section: str
    session: str
    clerk: str


class Up(msgspec.Struct, tag="up"):
    """It listens."""

    port: int


class Worked(msgspec.Struct, tag="worked"):
    """What was done in `seconds`: documents from the clerk to the resident's hand, and each one's seconds inside the relay."""

    documents: int
    seconds: float
    busy_s: list[float]
    behind_s: float  # how far the work was behind its rhythm at the worst


Said = Called | Up | Worked


def clerk_of(n: int) -> str:
    """The first ten have visits; the others answer for one section or the other."""
    return f"board-{n + 1}"


def sections_of(n: int) -> tuple[str, ...]:
    """Every third answers for all, as do those who have visits."""
    return () if n < len(BUSES) or n % 3 == 0 else (tuple(SECTIONS)[n % 3 - 1],)


def english(n: int) -> bool:
    """A fifth of the boards."""
    return n % 5 == 4


class Work:
    """Five documents a second, each from the clerk's hand to the resident's."""

    def __init__(self, relay: Relay, keys: Keys) -> None:
        self._relay, self._slots = relay, itertools.cycle(range(FIRST_SLOT, LAST_SLOT + 1))
        self._buses = {bus: HandMadeBus(keys, bus, partial(self._post, bus), config=relay.city.digest) for bus in BUSES}
        self._sections = dict(zip(BUSES, itertools.cycle(SECTIONS)))
        self._sessions: dict[str, Session] = {}
        self._sent, self._lines = dict.fromkeys(BUSES, 0), dict.fromkeys(BUSES, 1)
        self._turns = {bus: asyncio.Lock() for bus in BUSES}
        self._busy: list[float] = []

    async def go_on(self) -> None:
        """Until canceled; then says what was done."""
        began, behind = time.monotonic(), 0.0
        try:
            async with asyncio.TaskGroup() as running:
                for n, bus in enumerate(itertools.cycle(BUSES)):
                    due = began + n / A_SECOND
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    behind = max(behind, time.monotonic() - due)
                    running.create_task(self._document(bus))
        finally:
            say(Worked(len(self._busy), time.monotonic() - began, self._busy, behind))

    async def _document(self, bus: str) -> None:
        async with self._turns[bus]:
            await self._whole_way(bus, self._sessions.get(bus) or await self._visit(bus))

    async def _whole_way(self, bus: str, session: Session) -> None:
        busy = 0.0
        for step in self._steps(bus, session, await self._submitted(session)):
            before = time.monotonic()
            step()
            busy += time.monotonic() - before
            await asyncio.sleep(_STEP_S)
        self._busy.append(busy)
        self._sent[bus] += 1
        if self._sent[bus] % OF_A_VISIT == 0:
            self._relay.sessions.close(session.clerk, self._sessions.pop(bus).session)

    async def _visit(self, bus: str) -> Session:
        box, name, slot = self._buses[bus], "s" + secrets.token_hex(12), next(self._slots)
        clerk, section = clerk_of(BUSES.index(bus)), self._sections[bus]
        box.sync()
        say(Called(time.monotonic(), slot, section, name, clerk))
        box.fact(link.Call, session=name, section=section, stop="hall", slot=slot)
        await asyncio.sleep(1 / A_SECOND)
        self._sessions[bus] = self._relay.sessions.accept(clerk, name)
        return self._sessions[bus]

    async def _submitted(self, session: Session) -> str:
        service, number = SECTIONS[session.section], secrets.token_hex(16)

        async def read() -> bytes:
            return f"1 {number}".encode()

        asked = Submission(clerk=session.clerk, session=session.session, service=service, number=number, copies=1)
        return (await self._relay.submissions.take(asked, read)).job.job

    def _steps(self, bus: str, session: Session, job: str) -> Iterator[Callable[[], object]]:
        box, store = self._buses[bus], self._relay.store
        yield lambda: self._relay.clerk_desk.approve(session.clerk, job)
        yield lambda: [box.hold(one) for one in box.sync().offers]
        yield box.sync
        row = store.job(job)
        assert row is not None
        request = box.request(row, seal.OpenerKey())
        yield lambda: box.asks(request)
        for n, finding in enumerate(_HOPS, 1):
            yield partial(box.evidence, request, finding, n, impressions=int(finding is Finding.COMPLETED))
        yield lambda: box.fact(link.HandOver, job=job, attempt=1, entry=self._issued(bus, job))
        box.held.pop(job, None)
        yield lambda: box.fact(link.CiphertextDeleted, job=job, seal_digest=row.seal_digest)

    def _issued(self, bus: str, job: str) -> BookEntry:
        self._lines[bus] += 1
        n = self._lines[bus]
        about: dict[str, Any] = {"paper": "controlled", "sheets": 1, "numbers": (f"A-{n:06}",), "job": job}
        at = SystemClock().utc_ms()
        return BookEntry(id=line_of(job), n=n, at=at, by="concierge", column=Column.ISSUED, **about)

    def _post(self, bus: str, path: str, raw: bytes) -> bytes:
        return self._relay.bus_desk.answer(
            bus, raw, {"/1/sync": SYNC, "/1/release": RELEASE, "/1/evidence": EVIDENCE}[path]
        )


def say(said: Said) -> None:
    """One line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def city() -> bytes:
    """That of tests/relay_city.py, with more buses."""
    more = (f'[vehicles.{bus}]\nname = "{bus}"\nprinter = "counting"\n' for bus in BUSES[len(CLERKS) * 2 :])
    return CITY + "".join(more).encode()


def furnish(relay: Relay) -> None:
    """Paper, today's slots, and everybody's account."""
    today = business_day(SystemClock().utc_ms())
    lines = ["date,bus,slot,start,end,stop,section"]
    for bus in BUSES:
        hours = ((n, 9 * 60 + 30 * (n - 1)) for n in range(1, 13))
        lines += [f"{today},{bus},{n},{_clock(at)},{_clock(at + 30)},hall,citizen" for n, at in hours]
    relay.slots.take("bench", "\n".join(lines).encode())
    hashed, accounts = pin.derive(PASSWORD), relay.console.accounts
    people = [(clerk_of(n), ["clerk"], sections_of(n)) for n in range(BOARDS)]
    people += [(AUDITOR, ["auditor"], ()), (BOSS, ["administrator"], ())]
    for who, roles, sections in people:
        accounts.add(who, roles, sections, "bench")
    with relay.store.event():
        for bus in BUSES:
            relay.books.write(bus, box_of_paper())
        for who, _, _ in people:
            accounts.set_password(who, hashed)
            accounts.set_app(who, SECRET, 0)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


async def _serve(top: Path) -> None:
    keys = write_city(top, city(), BUSES)
    write_tls(top)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin.buffer)
    with mock.patch.object(serve, "check", two_pages):
        async with serve.serving(load_relay(top / "relay.toml"), SystemClock()) as running:
            furnish(running.relay)
            say(Up(running.clerk_port))
            await commands.readline()
            work = asyncio.create_task(Work(running.relay, keys).go_on())
            await asyncio.wait({work, asyncio.ensure_future(commands.readline())}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", type=Path, help="where cProfile's figures go")
    asked = parser.parse_args()
    profile = cProfile.Profile() if asked.profile else contextlib.nullcontext()
    with profile:
        asyncio.run(_serve(asked.folder))
    if isinstance(profile, cProfile.Profile):
        profile.dump_stats(asked.profile)


if __name__ == "__main__":
    main()
