"""An IPP printer for what no real one does on demand: wrong counts, lost history, a swap, a counter. It says that it is a fake.

Built from the bus's own codec, so it is no witness of IPP; ippeveprinter is. Its state is plain attributes that a test changes
while it runs. It "prints" at once unless `hold` is set.
"""

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from bus_agent.spooler import ipp
from bus_agent.spooler.ipp import Attribute, Attributes, Group, Message, Operation, Syntax

PROCESSING, CANCELED, ABORTED, COMPLETED = 5, 7, 8, 9
NOT_FOUND: Final = 0x0406
NOT_POSSIBLE: Final = 0x0404


@dataclass
class FakeJob:
    """A job as the printer remembers it."""

    id: int
    name: str
    state: int = 4
    reasons: tuple[str, ...] = ("job-data-insufficient",)
    impressions: int = 0
    ended_at: int | None = None
    sha256: str = ""


@dataclass
class FakePrinter:
    """`pages` is what it takes each document for; `counted` what it says of it, where that differs."""

    uuid: str = "urn:uuid:00000000-0000-0000-0000-00000000000a"
    counter: int | None = 5000
    pages: int = 1
    counted: int | None = None
    hold: bool = False
    says_counts: bool = True
    media_ready: list[str] = field(default_factory=lambda: ["iso_a4_210x297mm"])
    reasons: list[str] = field(default_factory=lambda: ["none"])
    state: int = 3
    jobs: dict[int, FakeJob] = field(default_factory=dict)
    papers: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    on_since: float = field(default_factory=lambda: time.monotonic() - 1000)
    next_id: int = 1

    @property
    def up_time(self) -> int:
        return int(time.monotonic() - self.on_since)

    def power_cycle(self, *, keeps_jobs: bool = False) -> None:
        """Off and on again: printer-up-time begins anew, and so do the job ids."""
        self.on_since = time.monotonic()
        if not keeps_jobs:
            self.jobs.clear()
            self.next_id = 1

    def finish(self, job: FakeJob) -> None:
        """The sheets come out."""
        self.papers.append(job.sha256)
        job.state, job.reasons, job.ended_at = COMPLETED, ("job-completed-successfully",), self.up_time
        job.impressions = self.pages if self.counted is None else self.counted
        if self.counter is not None:
            self.counter += job.impressions

    def answer(self, raw: bytes) -> bytes:
        """IPP's answer to an IPP request."""
        request = ipp.parse(raw)
        self.asked.append(request.code)
        said = request.first(Group.OPERATION)
        match request.code:
            case Operation.GET_PRINTER_ATTRIBUTES:
                return self._reply(request, [(Group.PRINTER, self._printer(said))])
            case Operation.CREATE_JOB:
                job = FakeJob(self.next_id, str(said["job-name"][0]))
                self.jobs[job.id], self.next_id = job, self.next_id + 1
                return self._reply(request, [(Group.JOB, self._job(job))])
            case Operation.GET_JOBS:
                ended = said["which-jobs"] == ("completed",)
                found = [job for job in self.jobs.values() if (job.state >= CANCELED) is ended]
                return self._reply(request, [(Group.JOB, self._job(job)) for job in found])
        known = self.jobs.get(int(str(said["job-id"][0])))
        return self._about(request, raw, known) if known else self._reply(request, [], NOT_FOUND)

    def _about(self, request: Message, raw: bytes, job: FakeJob) -> bytes:
        if request.code == Operation.GET_JOB_ATTRIBUTES:
            return self._reply(request, [(Group.JOB, self._job(job))])
        if job.state >= CANCELED:
            return self._reply(request, [], NOT_POSSIBLE)
        if request.code == Operation.CANCEL_JOB:
            job.state, job.reasons, job.ended_at = CANCELED, ("job-canceled-by-user",), self.up_time
        else:
            job.sha256 = hashlib.sha256(_document(raw)).hexdigest()
            job.state, job.reasons = PROCESSING, ("job-printing",)
            if not self.hold:
                self.finish(job)
        return self._reply(request, [(Group.JOB, self._job(job))])

    def _printer(self, said: Attributes) -> Iterator[Attribute]:
        yield Attribute(Syntax.ENUM, "printer-state", self.state)
        yield Attribute(Syntax.KEYWORD, "printer-state-reasons", self.reasons)
        yield Attribute(Syntax.URI, "printer-uuid", self.uuid)
        yield Attribute(Syntax.INTEGER, "printer-up-time", self.up_time)
        if self.media_ready:
            yield Attribute(Syntax.KEYWORD, "media-ready", self.media_ready)
        if self.counter is not None and "printer-impressions-completed" in said["requested-attributes"]:
            yield Attribute(Syntax.INTEGER, "printer-impressions-completed", self.counter)

    def _job(self, job: FakeJob) -> Iterator[Attribute]:
        yield Attribute(Syntax.INTEGER, "job-id", job.id)
        yield Attribute(Syntax.NAME, "job-name", job.name)
        yield Attribute(Syntax.ENUM, "job-state", job.state)
        yield Attribute(Syntax.KEYWORD, "job-state-reasons", list(job.reasons))
        yield Attribute(Syntax.INTEGER, "job-printer-up-time", self.up_time)
        if self.says_counts:
            yield Attribute(Syntax.INTEGER, "job-impressions-completed", job.impressions)
        if job.ended_at is not None:
            yield Attribute(Syntax.INTEGER, "time-at-completed", job.ended_at)

    def _reply(self, request: Message, groups: Iterable[tuple[Group, Iterable[Attribute]]], status: int = 0) -> bytes:
        return ipp.encode(status, groups, request.request_id)


def _document(raw: bytes) -> bytes:
    # The tests' documents are PDFs, and no attribute before them has such bytes.
    return raw[raw.index(b"%PDF") :]


@contextmanager
def serving(printer: Any, port: int = 0) -> Iterator[int]:
    """`printer` behind HTTP on loopback: its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = printer.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/ipp")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Nothing: a test says itself what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
