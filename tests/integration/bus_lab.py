"""The bus's real spooler, openers and printer, with a city hall of three lines and an agent that a test holds in its hand."""

import base64
import io
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import pikepdf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.ipc import address
from bus_agent.ipc.channel import BlockingChannel
from bus_agent.ipc.messages import (
    Answered,
    Committed,
    Declined,
    FromSpooler,
    Intent,
    Print,
    Recover,
    Requested,
    StandBy,
    Statement,
    Status,
    Step,
)
from cityhall_base.city import parse_city, sign_city
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.printing import Evidence, Finding, ReleaseRequest
from cityhall_wire.messages.relay import Refusal, Release
from cityhall_wire.modes import DutyMode
from provisioning.demo import paper
from provisioning.demo.panel import Panel
from provisioning.demo.printer import PrinterFolder
from provisioning.demo.process import Command, Part
from provisioning.demo.stage import Director
from provisioning.files import me
from tests.integration.printer_line import PrinterLine
from tests.relay_city import private_pem, public_pem
from tests.seals import seal_header

BUS: Final = "bus-1"
TOP: Final = Path(__file__).parents[2]
WAIT_S: Final = 15.0

_CITY: Final = """
city = "hase"
name = "hase"
[sections.citizen]
name = "citizen"
name_en = "Residents"
phone = "0265-00-1101"
[papers.controlled]
name = "controlled"
controlled = true
[services.resident-record]
name = "record"
name_en = "Record"
section = "citizen"
class = "certificate"
paper = "controlled"
[services.two-approvers]
name = "two"
name_en = "Two"
section = "citizen"
class = "certificate"
paper = "controlled"
second_approver = true
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
[printers.only]
uri = "{uri}"
paper = "controlled"
{profile}
[vehicles.bus-1]
name = "bus 1"
printer = "only"
[limits]
release_s = 5
printer_silence_s = 5
printer_poll_ms = 50
cancel_confirm_s = 1
"""

M = TypeVar("M", bound=msgspec.Struct)


def certificate(pages: int = 1, filler: int = 0) -> bytes:
    """A PDF of blank A4 pages, like no other; `filler` random bytes make it longer."""
    pdf, out = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        pdf.add_blank_page(page_size=(595.276, 841.89))
    pdf.Root.Filler = pdf.make_stream(secrets.token_bytes(max(filler, 16)))
    pdf.save(out)
    return out.getvalue()


class Sealed(NamedTuple):
    """One sealed job, as city hall holds it."""

    job: str
    session: str
    document: bytes
    key: bytes
    header: bytes
    body: bytes


def seal_document(document: bytes, pages: int = 1, **changed: Any) -> Sealed:
    """What intake would have made of it."""
    job, key = f"j{secrets.token_hex(12)}", seal.new_content_key()
    own = {"job": job, "impressions": pages, "sheets": pages, "joint_seal": pages > 1}
    header = headers.encode_header(seal_header(document, key, **own | changed))
    return Sealed(job, f"s{secrets.token_hex(12)}", document, key, header, bytes(seal.seal(key, header, document)))


class CityHall:
    """Gives releases; what a test changes in `release` is what it wants to see refused."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    def release(self, sealed: Sealed, requested: bytes, *, opener_key: bytes | None = None, **changed: Any) -> bytes:
        payload, request = opened_request(requested)
        key = opener_key or request.opener_key
        fields: dict[str, Any] = {
            "v": PROTOCOL_VERSION,
            "city": request.city,
            "bus": request.bus,
            "session": request.session,
            "job": request.job,
            "seal_digest": request.seal_digest,
            "attempt": request.attempt,
            "nonce": request.nonce,
            "opener_key_digest": headers.opener_key_digest(key),
            "mode": request.mode,
            "approvals": (headers.Approval(by="clerk-1", at=1),),
            "software": request.software,
            "config": request.config,
        }
        raw = headers.encode_header(headers.ReleaseHeader(**(fields | changed)))
        return self._sign(Release, payload, release_header=raw, wrapped_key=seal.wrap_for_opener(sealed.key, key, raw))

    def refuse(self, requested: bytes, reason: str) -> bytes:
        return self._sign(Refusal, opened_request(requested)[0], reason=reason)

    def _sign(self, kind: Any, payload: bytes, **fields: Any) -> bytes:
        message = kind(v=1, city="hase", bus=BUS, re=envelope.digest(payload), at=1, **fields)
        return envelope.sign(message, self.key)


def opened_request(raw: bytes) -> tuple[bytes, ReleaseRequest]:
    """Payload and message of a request, unverified."""
    data = base64.b64decode(json.loads(raw)["payload"])
    return data, msgspec.json.decode(data, type=ReleaseRequest)


class HandAgent:
    """The agent's end of the socket, one message after the other."""

    def __init__(self, lab: "BusLab") -> None:
        sock = address.connect(lab.socket, socket.SOCK_SEQPACKET)
        self._channel: BlockingChannel[FromSpooler] = BlockingChannel(sock, FromSpooler)
        self._keyring = {Role.PRINT: (lab.print_key.public_key(),)}
        self._lab = lab
        self._jobs: set[str] = set()
        self.close = self._channel.close

    def send(self, message: Any, fd: int | None = None) -> None:
        self._jobs.add(message.job)
        self._channel.send(message, fd)

    def send_raw(self, raw: bytes) -> None:
        self._channel._sock.send(raw)

    def expect(self, kind: type[M], timeout_s: float = WAIT_S) -> M:
        message = self.next(timeout_s)
        assert isinstance(message, kind), message
        return message

    def next(self, timeout_s: float = WAIT_S) -> Requested | Intent | Statement | Declined:
        """The next message about a job of ours; the last word on one of the agent before this is passed over."""
        while True:
            message = self._channel.receive(timeout_s).message
            if not isinstance(message, Status) and message.job in self._jobs:
                return message

    def status(self) -> Status:
        """The next word on printer and spooler."""
        while not isinstance(message := self._channel.receive(WAIT_S).message, Status):
            pass
        return message

    def hear_printer(self, *reasons: str) -> Status:
        """The spooler's next word of a printer that says exactly these reasons, whatever their suffixes."""
        while True:
            message = self._channel.receive(WAIT_S).message
            if isinstance(message, Status):
                said = {reason.rpartition("-")[0] for reason in message.printer.reasons}
                if said == set(reasons):
                    return message

    def press_print(self, sealed: Sealed, attempt: int = 1, body: bytes | None = None, **changed: Any) -> None:
        path = self._lab.top / sealed.job
        path.write_bytes(sealed.body if body is None else body)
        fd = os.open(path, os.O_RDONLY)
        fields = {"session": sealed.session, "mode": DutyMode.CITY_HALL, "seal_header": sealed.header}
        self.send(Print(job=sealed.job, attempt=attempt, **fields | changed), fd)
        os.close(fd)

    def stand_by(self, wanted: bool = True) -> None:
        """An opener may be needed soon, or no longer."""
        self._channel.send(StandBy(wanted=wanted))

    def answer(self, requested: Requested, raw: bytes) -> None:
        self.send(Answered(job=requested.job, attempt=requested.attempt, envelope=raw))

    def commit(self, step: Step) -> Intent:
        intent = self.expect(Intent)
        assert intent.step is step
        self.send(Committed(job=intent.job, attempt=intent.attempt, step=step))
        return intent

    def send_commit(self, sealed: Sealed, step: Step, attempt: int = 1) -> None:
        self.send(Committed(job=sealed.job, attempt=attempt, step=step))

    def evidence(self, raw: bytes | None = None) -> Evidence:
        raw = self.expect(Statement, 30).evidence if raw is None else raw
        return envelope.verify(raw, self._keyring).expect(Evidence)

    def until_released(self, sealed: Sealed, attempt: int = 1) -> bytes:
        """Press print and give the release: the spooler's request."""
        self.press_print(sealed, attempt)
        requested = self.expect(Requested)
        self.answer(requested, self._lab.city_hall.release(sealed, requested.envelope))
        return requested.envelope

    def until_sent(self, sealed: Sealed, attempt: int = 1) -> "AtPrinter":
        """All the way until the printer has the document."""
        request = self.until_released(sealed, attempt)
        self.commit(Step.CREATE_JOB)
        intent = self.commit(Step.SEND_DOCUMENT)
        assert intent.evidence is not None
        assert self.evidence(intent.evidence).finding is Finding.SENDING
        sent = self.expect(Statement, 30).evidence
        assert self.evidence(sent).finding is Finding.SENT
        return AtPrinter(request, intent.printer_job, sent)


class AtPrinter(NamedTuple):
    """What an agent has written down of an attempt whose document is at the printer."""

    request: bytes
    printer_job: int
    sent: bytes


def recover(sealed: Sealed, request: bytes, printer_job: int = 0, sent: bytes = b"") -> Recover:
    return Recover(
        job=sealed.job, attempt=1, request=request, seal_header=sealed.header, printer_job=printer_job, sent=sent
    )


class BusLab:
    """Message bus, printer and spooler in one short folder; with `uri` the spooler alone, for a printer that is there.

    `profile` is further lines of the printer's profile in city.toml, `settings` of spooler.toml; `through` makes a line between
    spooler and printer; the spooler runs `under` a command that runs it.
    """

    def __init__(
        self,
        top: Path,
        uri: str = "",
        profile: str = "",
        settings: str = "",
        through: Callable[[int], PrinterLine] | None = None,
        under: tuple[str, ...] = (),
    ) -> None:
        self._spooler_toml = settings
        self.top, self.socket = top, top / "spooler.sock"
        self.city_hall, self.print_key = CityHall(), Ed25519PrivateKey.generate()
        self.printer_folder = PrinterFolder(top / "printer")
        self.port = free_port()
        self.director = Director(self.printer_folder.stage, Panel(self.port))
        self.line = through(self.port) if through else None
        self._all_parts = not uri
        self._write_config(uri or f"ipp://127.0.0.1:{self.line.port if self.line else self.port}/ipp/print", profile)
        self.message_bus = self._part("message-bus", self.printer_folder.message_bus_argv(), self._message_bus_there)
        self.printer = self._part("printer", self.printer_folder.printer_argv(self.port), self._printer_there)
        argv = (sys.executable, "-m", "bus_agent.cli", "spooler", "--config", str(top / "spooler.toml"))
        self.spooler = self._part("spooler", (*under, *argv), self._spooler_there)

    def start(self, print_seconds: float = 0.0, *, spooler: bool = True) -> None:
        self.printer_folder.prepare(me(), sys.executable, print_seconds)
        for part in reversed(self._parts if spooler else self._parts[1:]):
            part.start()

    def stop(self) -> None:
        for part in self._parts:
            part.stop()
        if self.line:
            self.line.close()

    @property
    def _parts(self) -> tuple[Part, ...]:
        return (self.spooler, self.printer, self.message_bus) if self._all_parts else (self.spooler,)

    def papers(self) -> list[str]:
        """sha256 of each document that came out."""
        return [one.sha256 for one in paper.read(self.printer_folder.records)]

    def openers(self) -> list[int]:
        """Process ids of the spooler's children."""
        text = Path(f"/proc/{self.spooler.pid}/task/{self.spooler.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def _write_config(self, uri: str, profile: str) -> None:
        raw = _CITY.format(uri=uri, profile=profile).encode()
        parse_city(raw, "city.toml")
        (self.top / "city.toml").write_bytes(raw)
        (self.top / "city.toml.sig").write_bytes(sign_city(raw, self.city_hall.key))
        (self.top / "relay.pub").write_bytes(public_pem(self.city_hall.key))
        (self.top / "print.pem").write_bytes(private_pem(self.print_key))
        (self.top / "print.pem").chmod(0o600)
        lines = [f'bus = "{BUS}"', 'city_file = "city.toml"', 'relay_public_key = "relay.pub"']
        lines += ['print_key = "print.pem"', 'socket = "spooler.sock"', self._spooler_toml]
        (self.top / "spooler.toml").write_text("\n".join(lines))

    def _part(self, name: str, argv: tuple[str, ...], ready: Any) -> Part:
        env = {"PATH": f"{os.defpath}:/usr/sbin", "LANG": "C.UTF-8", "PYTHONPATH": str(TOP)}
        env |= {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.printer_folder.message_bus}", "TMPDIR": str(self.top)}
        return Part(Command(name, argv, me(), env, self.top / f"{name}.log"), ready)

    def _message_bus_there(self) -> bool:
        return self.printer_folder.message_bus.is_socket()

    def _printer_there(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _spooler_there(self) -> bool:
        try:
            address.connect(self.socket, socket.SOCK_SEQPACKET).close()
        except OSError:
            return False
        return True


@contextmanager
def bus_lab(
    top: Path, print_seconds: float = 0.0, uri: str = "", profile: str = "", settings: str = ""
) -> Iterator[BusLab]:
    """A running lab."""
    lab = BusLab(top, uri, profile, settings)
    try:
        lab.start(print_seconds)
        yield lab
    finally:
        lab.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
