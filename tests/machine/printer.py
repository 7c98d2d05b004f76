"""A printer that tells by IPP's words, and the paper that comes out of it, which is the truth.

It works two seconds on a sheet, forgets an ended job after a minute and all of them with its power, begins to count its jobs at 1
again, and calls half a document completed: what real ones do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bus_agent.errors import PrinterRefusesError, PrinterSilentError
from bus_agent.spooler.printer import Ticket
from bus_agent.spooler.reading import Inspection, JobStatus, PrinterStatus
from tests.machine.virtual import Time

SHEET_S: Final = 2.0
REMEMBERS_S: Final = 60.0
_NOT_FOUND: Final = 0x0406
_NOT_POSSIBLE: Final = 0x0404
_FORMAT_ERROR: Final = 0x0411
_ENDED: Final = frozenset({"completed", "canceled", "aborted"})


class Sheet(NamedTuple):
    """What lies in the tray. `document` is what the printer was given of it."""

    name: str  # the job-name, which is the attempt's id
    page: int
    pages: int
    document: bytes
    whole: bool


@dataclass
class PrinterJob:
    """One job in the printer's memory."""

    id: int
    name: str
    state: str = "pending-held"
    document: bytes = b""
    torso: bool = False
    pages: int = 0
    impressions: int = 0
    sheet_since: float | None = None
    canceled: bool = False
    ended_at: float | None = None


@dataclass
class ModelPrinter:
    """`sending` runs when a document's first byte comes, `begun` with its first sheet; `pages_of` reads a document."""

    time: Time
    uuid: str
    pages_of: Callable[[bytes], int]
    sending: Callable[[str], None]
    begun: Callable[[str, bytes], None]
    on: bool = True
    silent: bool = False
    paper_out: bool = False
    deaf_to_cancel: bool = False
    refuses_documents: bool = False
    since: float = 0.0
    counter: int = 5000
    jobs: dict[int, PrinterJob] = field(default_factory=dict)
    tray: list[Sheet] = field(default_factory=list)

    def describe(self) -> PrinterStatus:
        """See PrinterPath."""
        self._answer()
        working = next(self._queue(), None) is not None
        state = ("stopped" if self.paper_out else "processing") if working else "idle"
        reasons = ("media-empty-error",) if self.paper_out else ()
        return PrinterStatus(state, reasons, self.uuid, self._up_time(), ("iso_a4_210x297mm",), self.counter)

    def inspect(self) -> Inspection:
        """See PrinterPath."""
        return Inspection(self.describe(), ())

    def create_job(self, name: str, ticket: Ticket) -> int:
        """See PrinterPath."""
        self._answer()
        number = max(self.jobs, default=0) + 1
        self.jobs[number] = PrinterJob(number, name)
        return number

    def send_document(self, number: int, document: bytes, torso: bool = False) -> None:
        """See PrinterPath; with `torso` only half of it came before the line broke."""
        self._answer()
        job = self._job(number)
        if job.state != "pending-held":
            raise PrinterRefusesError(_NOT_POSSIBLE)
        self.sending(job.name)
        if self.refuses_documents:
            self._end(job, "aborted")
            raise PrinterRefusesError(_FORMAT_ERROR)
        job.document, job.torso, job.pages, job.state = bytes(document), torso, self.pages_of(document), "pending"
        self.advance()

    def job(self, number: int) -> JobStatus:
        """See PrinterPath."""
        self._answer()
        return self._status(self._job(number))

    def all_jobs(self) -> list[JobStatus]:
        """See PrinterPath's `jobs`."""
        self._answer()
        return [self._status(job) for job in self.jobs.values()]

    def cancel(self, number: int) -> None:
        """See PrinterPath."""
        self._answer()
        job = self._job(number)
        if job.state in _ENDED:
            raise PrinterRefusesError(_NOT_POSSIBLE)
        if not self.deaf_to_cancel:
            job.canceled = True
            self.advance()

    def switch(self, on: bool) -> None:
        """Off, it loses its jobs, and a sheet on its way stays where it is."""
        self.advance()
        if not on:
            self.jobs.clear()
        elif not self.on:
            self.since = self.time.now
        self.on = on

    def cut(self) -> None:
        """Off, and on again."""
        self.switch(on=False)
        self.switch(on=True)

    def advance(self) -> None:
        """What it has done by now."""
        if not self.on:
            return
        while (job := next(self._queue(), None)) is not None and self._work(job):
            pass
        for job in list(self.jobs.values()):
            if job.canceled and job.state == "pending-held":
                self._end(job, "canceled")
            if job.ended_at is not None and self.time.now - job.ended_at > REMEMBERS_S:
                del self.jobs[job.id]

    def _work(self, job: PrinterJob) -> bool:
        """Whether it got a step further."""
        if job.sheet_since is None:
            if job.canceled or job.impressions == job.pages:
                self._end(job, "canceled" if job.canceled else "completed")
                return True
            if self.paper_out:
                job.state = "processing-stopped"
                return False
            if not job.impressions:
                self.begun(job.name, job.document)
            job.state, job.sheet_since = "processing", self.time.now
            self.tray.append(Sheet(job.name, job.impressions + 1, job.pages, job.document, whole=False))
            return True
        if self.time.now - job.sheet_since < SHEET_S:
            return False
        job.sheet_since, job.impressions = job.sheet_since + SHEET_S, job.impressions + 1
        self.counter += 1
        self._finish(job)
        self._next_sheet(job)
        return True

    def _finish(self, job: PrinterJob) -> None:
        at = next(at for at, one in enumerate(self.tray) if (one.name, one.page) == (job.name, job.impressions))
        # Of half a document the last page is not what was sealed, and no printer says so.
        whole = not (job.torso and job.impressions == job.pages)
        self.tray[at] = self.tray[at]._replace(whole=whole)

    def _next_sheet(self, job: PrinterJob) -> None:
        if job.canceled or self.paper_out or job.impressions == job.pages:
            job.sheet_since = None
        else:
            self.tray.append(Sheet(job.name, job.impressions + 1, job.pages, job.document, whole=False))

    def _end(self, job: PrinterJob, state: str) -> None:
        job.state, job.ended_at, job.sheet_since = state, self.time.now, None

    def _queue(self) -> Iterator[PrinterJob]:
        return (job for job in list(self.jobs.values()) if job.document and job.state not in _ENDED)

    def _answer(self) -> None:
        self.advance()
        if self.silent or not self.on:
            raise PrinterSilentError

    def _job(self, number: int) -> PrinterJob:
        if number not in self.jobs:
            raise PrinterRefusesError(_NOT_FOUND)
        return self.jobs[number]

    def _up_time(self) -> int:
        return int(self.time.now - self.since)

    def _status(self, job: PrinterJob) -> JobStatus:
        reasons = ("job-data-insufficient",) if job.state == "pending-held" else ()
        ended = None if job.ended_at is None else int(job.ended_at - self.since)
        return JobStatus(job.id, job.name, job.state, reasons, job.impressions, self._up_time(), ended)
