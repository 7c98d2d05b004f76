"""The agent's place on a real bus, taken by somebody who holds all that the agent holds, and the print key not.

City hall, broker, printer, spooler and openers are real; the agent is stopped, and a test speaks with its link key, its
certificate, its ciphertext and its end of the spooler's socket. A counting line stands between spooler and printer.
"""

import hashlib
import secrets
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent.agent.store import STORE
from bus_agent.ipc.messages import Recover, Requested, Statement
from bus_agent.settings import load_agent_settings
from bus_agent.spooler.ipp import Operation
from cityhall_base import keys, tls
from cityhall_base.city import load_city
from cityhall_relay.client.api import CityHall
from cityhall_relay.settings import load_clerk
from cityhall_wire import headers
from cityhall_wire.messages import envelope, printing, relay
from provisioning import small_city
from provisioning.demo.parts import House
from provisioning.small_city import BUS, SECTION, SERVICE, STOP
from tests.integration.bus_lab import WAIT_S, HandAgent, Sealed
from tests.integration.tcp_proxy import Ear, TcpProxy
from tests.relay_city import HandMadeBus

_HEAD: Final = 64 * 1024
"""Of a request: its HTTP header and the operation stand in it."""


TOKEN: Final = "select value from meta where name = 'token'"


class CountingHouse(House):
    """A house whose spooler reaches its printer through a line that counts IPP operations, and which can be asked what it keeps."""

    def __init__(self, where: Path, **changed: Any) -> None:
        super().__init__(where, apart=False, **changed)
        self.operations: Counter[int] = Counter()

    def _plan(self) -> small_city.Plan:
        plan, self.line = super()._plan(), TcpProxy(self.ports.printer, ear=self._ear)
        uri = plan.printer.uri.replace(str(self.ports.printer), str(self.line.port))
        return plan._replace(printer=plan.printer._replace(uri=uri))

    def stop(self) -> None:
        super().stop()
        self.line.close()

    @property
    def documents_sent(self) -> int:
        """How often Send-Document went to the printer."""
        return self.operations[Operation.SEND_DOCUMENT]

    def copies(self, document: bytes) -> int:
        """How often it came out."""
        digest = hashlib.sha256(document).hexdigest()
        return sum(paper.sha256 == digest for paper in self.papers())

    def asked(self, path: Path, question: str, *values: str) -> list[Any]:
        """First column, as a database of the house has it now."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return [row[0] for row in db.execute(question, values)]

    def releases(self, job: str) -> list[Any]:
        """Keys that left city hall for it, and are not destroyed."""
        return self.asked(self.relay_db, "select envelope from releases where job = ?", job)

    @property
    def relay_db(self) -> Path:
        """City hall's database."""
        return self.city.city.relay / "state" / "relay.db"

    def _ear(self) -> Ear:
        seen = bytearray()

        def hear(data: bytes, down: bool) -> None:
            if down or len(seen) > _HEAD:
                return
            seen.extend(data)
            _, _, body = bytes(seen).partition(b"\r\n\r\n")
            if len(body) >= 4:  # version, then the operation (RFC 8010 section 3.1.1); one request a connection
                self.operations[int.from_bytes(body[2:4], "big")] += 1
                seen.extend(bytes(_HEAD))

        return hear


class Desk:
    """A clerk in one live session."""

    def __init__(self, house: House) -> None:
        self.clerk = CityHall(load_clerk(house.city.clerk_toml), patience_s=30)
        self.session = str(self.clerk.open_session(BUS, SECTION, STOP, 1)["session"])

    def send(self, document: bytes, *, approve: bool = True) -> str:
        """The job."""
        job = str(self.clerk.send(document, self.session, SERVICE, secrets.token_hex(16))["job"])
        if approve:
            self.clerk.approve(job)
        return job

    def state(self, job: str) -> str:
        """As the clerk's screen shows it."""
        return str(self.clerk.job(job)["state"])


class HostileAgent(HandAgent):
    """Speaks to the spooler as a test has it, and to city hall with the agent's keys."""

    def __init__(self, house: "CountingHouse") -> None:
        self.house, self.settings = house, load_agent_settings(house.city.bus.bus_toml)
        at, trusted = self.settings.relay, keys.load_public_key(self.settings.relay_public_key)
        context = tls.client_context(at.ca, at.cert, at.key)
        self._http = httpx.Client(base_url=at.url, verify=context, timeout=20, trust_env=False)
        self.link_key = keys.load_signing_key(self.settings.link_key)
        known = SimpleNamespace(relay=_Public(trusted), link={BUS: self.link_key}, print={})
        self.link = HandMadeBus(known, BUS, self.post)  # type: ignore[arg-type]
        self.link.boot = 1_000_000  # above every boot of the agent whose place this is
        (self.link.token,) = house.asked(house.city.bus.state / STORE, TOKEN)
        self.config = load_city(self.settings.city_file).digest
        print_key = keys.load_public_key(self.settings.print_public_key)
        self._here = SimpleNamespace(
            socket=self.settings.spooler_socket,
            print_key=_Public(print_key),
            top=house.dir,
            city_hall=SimpleNamespace(release=lambda _sealed, requested: self.post("/1/release", requested)),
        )

    def leave_to_the_agent(self) -> None:
        """Put the token where the honest agent finds it: what he says next must not look like a second box's."""
        with closing(sqlite3.connect(self.house.city.bus.state / STORE)) as db, db:
            db.execute("update meta set value = ? where name = 'token'", [self.link.token])

    def connect(self) -> None:
        """To the spooler."""
        super().__init__(self._here)  # type: ignore[arg-type]

    def post(self, path: str, raw: bytes) -> bytes:
        """City hall's answer, as it comes."""
        return self._http.post(path, content=raw).content

    def status(self, path: str, raw: bytes) -> int:  # type: ignore[override]
        """The HTTP status of the answer."""
        return self._http.post(path, content=raw).status_code

    def ask(self, requested: bytes) -> relay.Release | str:
        """The release, or the reason why not."""
        answer = self.link.opened(self.post("/1/release", requested)).message
        if isinstance(answer, relay.Release):
            return answer
        assert isinstance(answer, relay.Refusal), answer
        return answer.reason

    def tell(self, statement: bytes) -> Any:
        """Bring evidence to city hall."""
        return self.link.opened(self.post("/1/evidence", statement)).message

    def sync(self, **changed: Any) -> relay.Plan:
        """What the honest agent would say, or not."""
        return self.link.sync(config=self.config, **changed)

    def carry(self, job: str) -> Sealed:
        """Fetch the ciphertext, and say so."""
        offers = {headers.decode_seal_header(one.seal_header).job: one for one in self.sync().offers}
        offer = offers[job]
        body = self._http.get(f"/1/body/{job}", headers={"Range": f"bytes=0-{offer.body_size - 1}"})
        assert body.status_code == 206
        self.link.hold(offer)
        self.sync()
        return Sealed(job, offer.session, b"", b"", offer.seal_header, body.content)

    def requested(self, sealed: Sealed, attempt: int = 1, **changed: Any) -> bytes:
        """Press print: the spooler's signed request."""
        self.press_print(sealed, attempt, **changed)
        return self.expect(Requested).envelope

    def statement(self) -> bytes:
        """The spooler's next statement."""
        return self.expect(Statement, WAIT_S).evidence

    def read(self, statement: bytes) -> printing.Evidence:
        """What it says."""
        return envelope.verify(statement, self._keyring).expect(printing.Evidence)


class _Public:
    """As a private key that says nothing but its public half."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def public_key(self) -> Ed25519PublicKey:
        return self._key


def recover(sealed: Sealed, request: bytes, attempt: int = 1, printer_job: int = 0, sent: bytes = b"") -> Recover:
    """What a lying agent asks."""
    return Recover(
        job=sealed.job,
        attempt=attempt,
        request=request,
        seal_header=sealed.header,
        printer_job=printer_job,
        sent=sent,
    )
