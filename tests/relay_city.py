"""A small city for the relay's tests: its files, a clock that tests own, and a bus made by hand from the wire alone."""

import asyncio
import hashlib
import secrets
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_base.city import parse_city
from cityhall_base.clock import SystemClock
from cityhall_base.printers import PDF
from cityhall_base.software import software_digest
from cityhall_relay import boss
from cityhall_relay.intake.report import Drawing, IntakeLimits, Report
from cityhall_relay.settings import load_relay
from cityhall_relay.store.rows import Job, Session
from cityhall_relay.submission import Accepted, Submission
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.books import BookEntry, Column
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import envelope, link, printing, relay
from cityhall_wire.messages.envelope import Opened, Role
from cityhall_wire.modes import DutyMode
from cityhall_wire.sheets import between

CITY = b"""
city = "hase"
name = "\xe9\x95\xb7\xe8\xb0\xb7\xe5\xb8\x82"
[sections.citizen]
name = "citizen"
name_en = "Residents"
phone = "0265-00-1101"
[sections.tax]
name = "tax"
name_en = "Taxes"
phone = "0265-00-1102"
[papers.controlled]
name = "controlled"
controlled = true
[services.resident-record]
name = "record"
name_en = "Record"
section = "citizen"
class = "certificate"
paper = "controlled"
max_sheets = 3
[services.two-approvers]
name = "two"
name_en = "Two"
section = "citizen"
class = "certificate"
paper = "controlled"
second_approver = true
[services.claim-form]
name = "form"
name_en = "Form"
section = "citizen"
class = "form"
paper = "controlled"
sides = "two-sided-long-edge"
max_sheets = 2
flatten = true
[services.tax-certificate]
name = "tax"
name_en = "Tax"
section = "tax"
class = "certificate"
paper = "controlled"
[stops.hall]
name = "hall"
district = "north"
latitude = 35.7
longitude = 138.0
[timetable]
duty_from = "00:00"
duty_until = "24:00"
weekdays = [1, 2, 3, 4, 5, 6, 7]
enters = false
[printers.counting]
uri = "ipp://localhost:631/ipp/print"
paper = "controlled"
[printers.silent]
uri = "ipp://localhost:632/ipp/print"
paper = "controlled"
proof = "state"
[printers.raster]
uri = "ipp://localhost:633/ipp/print"
paper = "controlled"
formats = ["image/pwg-raster"]
[printers.metered]
uri = "ipp://localhost:634/ipp/print"
paper = "controlled"
proof = "counter"
[vehicles.bus-1]
name = "bus 1"
printer = "counting"
[vehicles.bus-2]
name = "bus 2"
printer = "silent"
[vehicles.bus-3]
name = "bus 3"
printer = "raster"
[vehicles.bus-4]
name = "bus 4"
printer = "metered"
"""
CONFIG = parse_city(CITY, "city.toml").digest
BUSES = ("bus-1", "bus-2", "bus-3", "bus-4")
CLERKS = ("clerk-1", "clerk-2")
PRINTER = "urn:uuid:00000000-0000-0000-0000-000000000001"
MORNING = 1_795_219_200_000  # 2026-11-21 09:00 JST, in UTC milliseconds


@contextmanager
def in_memory(prefix: str) -> Iterator[Path]:
    """A folder on no disk, where a commit costs nothing: for tests of thousands of them."""
    shm = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    with tempfile.TemporaryDirectory(prefix=prefix, dir=shm if shm.is_dir() else None) as name:
        yield Path(name)


class TestClock:
    """Both times stand still until a test moves them."""

    __test__ = False

    def __init__(self) -> None:
        self.now = MORNING

    def utc_ms(self) -> int:
        return self.now

    def boottime(self) -> float:
        return self.now / 1000

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


def private_pem(key: Any) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def public_pem(key: Ed25519PrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def token(clerk: str) -> str:
    return f"token-of-{clerk}"


class Keys(NamedTuple):
    """The city's signing keys, all in one hand as only a test holds them."""

    relay: Ed25519PrivateKey
    link: dict[str, Ed25519PrivateKey]
    print: dict[str, Ed25519PrivateKey]


def write_city(top: Path, city: bytes = CITY, buses: Sequence[str] = BUSES) -> Keys:
    """Everything that relay.toml names but TLS, and relay.toml with ports that the kernel chooses."""
    new = Ed25519PrivateKey.generate
    keys = Keys(new(), {bus: new() for bus in buses}, {bus: new() for bus in buses})
    (top / "city.toml").write_bytes(city)
    (top / "relay.pem").write_bytes(private_pem(keys.relay))
    (top / "relay.pem").chmod(0o600)
    lines = ['city_file = "city.toml"', 'state_dir = "state"', 'signing_key = "relay.pem"']
    server = ['host = "127.0.0.1"', "port = 0", 'cert = "tls/relay.crt"', 'key = "tls/relay.key"']
    lines += ["[bus_listener]", *server, 'ca = "tls/ca.crt"', "[clerk_listener]", *server]
    for bus in buses:
        for name, key in (("link", keys.link[bus]), ("print", keys.print[bus])):
            (top / f"{bus}.{name}.pem").write_bytes(public_pem(key))
        lines += [f"[buses.{bus}]", f'link_key = "{bus}.link.pem"', f'print_key = "{bus}.print.pem"']
    for clerk in CLERKS:
        digest = hashlib.sha256(token(clerk).encode()).hexdigest()
        lines += [f"[clerks.{clerk}]", f'token_sha256 = "{digest}"', 'may = ["books", "duty", "revoke"]']
    (top / "relay.toml").write_text("\n".join(lines))
    tomllib.loads((top / "relay.toml").read_text())
    return keys


async def two_pages(document: bytes, limits: IntakeLimits, drawing: Drawing | None = None) -> Report:
    """Stands in for the disposable process where a test is not about it: as many pages as the document says."""
    pages = int(document.split(b" ", 1)[0]) if document[:1].isdigit() else 1
    made = (drawing.document_format, document * 2) if drawing else (PDF, b"")
    return Report(pages=pages, sizes=(), document_format=made[0], isolation=(), drawn=made[1])


PAPER = ("A-000001", "A-005000")
"""What lies in the drawer of every bus of a test that is not about paper."""


def box_of_paper(n: int = 1, first: str = PAPER[0], last: str = PAPER[1], paper: str = "controlled") -> BookEntry:
    """The line that a bus writes when paper is put into its drawer."""
    part, entry = between(first, last), "e" + secrets.token_hex(12)
    about: dict[str, Any] = {"paper": paper, "sheets": part.sheets, "numbers": (str(part),)}
    return BookEntry(id=entry, n=n, at=MORNING, by="concierge", column=Column.RECEIVED, **about)


def stock(parts: boss.Relay) -> None:
    """A relay to which every bus has said that it has paper."""
    with parts.store.event():
        for bus in BUSES:
            parts.books.write(bus, box_of_paper())


class Town:
    """A relay without sockets, which can be stopped and started again over the same state."""

    def __init__(self, top: Path, city: bytes = CITY, *, paper: bool = True) -> None:
        self.top, self.clock = top, TestClock()
        self.keys = write_city(top, city)
        self.relay = self._build()
        if paper:
            stock(self.relay)

    def restart(self) -> None:
        self.relay.close()
        self.relay = self._build()

    def session(self, clerk: str = "clerk-1", bus: str = "bus-1", section: str = "citizen") -> Session:
        return self.relay.sessions.open(clerk, bus, section, "hall", 3)

    def send(
        self,
        session: Session,
        document: bytes = b"a document",
        service: str = "resident-record",
        number: str | None = None,
        copies: int = 1,
        flatten: bool = False,
    ) -> Accepted:
        ask = Submission(
            clerk=session.clerk,
            session=session.session,
            service=service,
            number=number or secrets.token_hex(16),
            copies=copies,
            flatten=flatten,
        )
        return asyncio.run(self.take(ask, document))

    async def take(self, ask: Submission, document: bytes) -> Accepted:
        async def read() -> bytes:
            return document

        return await self.relay.submissions.take(ask, read)

    def job(self, name: str) -> Job:
        job = self.relay.store.job(name)
        assert job is not None
        return job

    def state(self, name: str) -> JobState:
        return self.job(name).state

    def _build(self) -> boss.Relay:
        built = boss.build(load_relay(self.top / "relay.toml"), self.clock, two_pages)
        built.housekeeping.start()
        return built


WALL = SystemClock()


class HandMadeBus:
    """Says what a bus says, signed by its keys, through `post(path, envelope)`; holds nothing but what a test gives it."""

    def __init__(
        self,
        keys: Keys,
        bus: str,
        post: Callable[[str, bytes], bytes],
        clock: Callable[[], int] = WALL.utc_ms,
        config: bytes = CONFIG,
    ) -> None:
        self.config = config
        self._keys, self.bus, self.post, self.clock = keys, bus, post, clock
        self._trusted = {Role.RELAY: (keys.relay.public_key(),)}
        self.boot, self.seq, self.token = 1, 0, b""
        self.held: dict[str, link.Holding] = {}
        self.incarnation = secrets.token_hex(16)

    def opened(self, answer: bytes, re: bytes | None = None) -> Opened:
        opened = envelope.verify(answer, self._trusted)
        if re is not None:
            assert getattr(opened.message, "re", None) == re
        return opened

    def says(self, path: str, message: msgspec.Struct, key: Ed25519PrivateKey) -> Any:
        """The message that answers."""
        raw = envelope.sign(message, key)
        sent = envelope.verify(raw, {role: (key.public_key(),) for role in Role})
        return self.opened(self.post(path, raw), sent.digest).message

    def gets_paper(self) -> None:
        """Its concierge puts a box into the drawer, where the test's relay has not been told of one."""
        self.fact(link.Entry, entry=box_of_paper())

    def place(self) -> dict[str, Any]:
        self.seq += 1
        return {
            "v": PROTOCOL_VERSION,
            "city": "hase",
            "bus": self.bus,
            "boot": self.boot,
            "seq": self.seq,
            "at": self.clock(),
        }

    def sync_message(self, **changed: Any) -> link.Sync:
        inventory = tuple(self.held.values())
        fields: dict[str, Any] = {
            "nonce": secrets.token_bytes(32),
            "token": self.token,
            "software": software_digest(),
            "config": self.config,
            "mode": DutyMode.CITY_HALL,
            "session": None,
            "printer": link.PrinterSummary(state="idle"),
            "spooler": True,
            "inventory_digest": hashlib.sha256(msgspec.json.encode(inventory)).digest(),
            "inventory": inventory,
        }
        return link.Sync(**self.place() | fields | changed)

    def sync(self, **changed: Any) -> relay.Plan:
        plan = self.says("/1/sync", self.sync_message(**changed), self._keys.link[self.bus])
        assert isinstance(plan, relay.Plan), plan
        self.token = plan.token
        return plan

    def hold(self, offer: relay.Offer, state: JobState = JobState.ON_BUS, **changed: Any) -> link.Holding:
        job = headers.decode_seal_header(offer.seal_header).job
        fields: dict[str, Any] = {
            "job": job,
            "state": state,
            "attempt": 1,
            "received": offer.body_size,
            "approved": offer.approved,
        }
        self.held[job] = link.Holding(**fields | changed)
        return self.held[job]

    def now(self, job: str, **changed: Any) -> None:
        self.held[job] = msgspec.structs.replace(self.held[job], **changed)

    def request(self, of: Job, /, opener: seal.OpenerKey, **changed: Any) -> printing.ReleaseRequest:
        fields: dict[str, Any] = {
            "v": PROTOCOL_VERSION,
            "city": "hase",
            "bus": self.bus,
            "incarnation": self.incarnation,
            "nonce": secrets.token_bytes(32),
            "job": of.job,
            "attempt": of.attempt,
            "at": MORNING,
            "session": of.session,
            "seal_digest": of.seal_digest,
            "opener_key": opener.public,
            "mode": DutyMode.CITY_HALL,
            "software": software_digest(),
            "config": self.config,
            "printer_uuid": PRINTER,
            "printer_up_time": 100,
        }
        return printing.ReleaseRequest(**fields | changed)

    def asks(self, request: printing.ReleaseRequest) -> Any:
        return self.says("/1/release", request, self._keys.print[self.bus])

    def evidence(self, request: printing.ReleaseRequest, finding: printing.Finding, n: int, **changed: Any) -> Any:
        fields: dict[str, Any] = {"why": "seen", "printer_uuid": PRINTER, "printer_up_time": 105, "impressions": 0}
        said = printing.Evidence(
            v=PROTOCOL_VERSION,
            city="hase",
            bus=self.bus,
            incarnation=self.incarnation,
            nonce=request.nonce,
            job=request.job,
            attempt=request.attempt,
            n=n,
            at=1,
            finding=finding,
            **fields | changed,
        )
        return self.says("/1/evidence", said, self._keys.print[self.bus])

    def fact(self, kind: type[link.LinkMessage], **fields: Any) -> Any:
        return self.says("/1/evidence", kind(**self.place() | fields), self._keys.link[self.bus])


def desk_bus(town: Town, bus: str = "bus-1") -> HandMadeBus:
    """A bus that talks to the desk directly, without HTTP."""
    from cityhall_relay.bus_desk import EVIDENCE, RELEASE, SYNC

    kinds = {"/1/sync": SYNC, "/1/release": RELEASE, "/1/evidence": EVIDENCE}

    def post(path: str, raw: bytes) -> bytes:
        return town.relay.bus_desk.answer(bus, raw, kinds[path])

    return HandMadeBus(town.keys, bus, post, town.clock.utc_ms, town.relay.city.digest)


class OnBus(NamedTuple):
    """A job that is approved and carried, and the bus that holds it."""

    town: Town
    bus: HandMadeBus
    session: Session
    name: str

    @property
    def job(self) -> Job:
        return self.town.job(self.name)

    @property
    def state(self) -> JobState:
        return self.town.state(self.name)

    def release(self) -> tuple[printing.ReleaseRequest, relay.Release]:
        request = self.bus.request(self.job, seal.OpenerKey())
        answer = self.bus.asks(request)
        assert isinstance(answer, relay.Release), answer
        return request, answer


def carried(town: Town, bus: str = "bus-1", *, approve: bool = True, document: bytes = b"a document") -> OnBus:
    """Session, intake, approval, offer and carriage."""
    session = town.session(bus=bus)
    job = town.send(session, document).job
    if approve:
        town.relay.clerk_desk.approve(session.clerk, job.job)
    box = desk_bus(town, bus)
    box.hold(box.sync().offers[0])
    box.sync()
    return OnBus(town, box, session, job.job)
