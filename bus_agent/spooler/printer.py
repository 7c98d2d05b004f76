"""The printer: what spooler and opener ask of any path to one, and the path itself (RFC 8011): seven operations, nothing on disk.

ipp, ipps and USB (through ipp-usb) differ in the connection only. Each call opens one of its own and is over within seconds. No
resident's name ever goes to a printer: job-name is the attempt's id and the user is the vehicle.
"""

from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import urlsplit

from bus_agent.errors import PrinterRefusesError
from bus_agent.spooler import exchange, ipp, reading
from bus_agent.spooler.exchange import Addresses, Endpoint, Patience
from bus_agent.spooler.ipp import Attribute, Attributes, Group, Operation, Syntax
from bus_agent.spooler.reading import Inspection, JobStatus, PrinterStatus

USER: Final = "mobile-cityhall"
HISTORY_JOBS: Final = 200
"""Asked for at most; a printer that tells of as many may know of more."""

_ASK: Final = Patience(5, 10)
"""A printer on the vehicle's own network answers in milliseconds; one that wakes up, within about two seconds."""

_SEND: Final = Patience(60, 170)
"""While it takes the document a printer may stop reading to warm up. The spooler waits for 180 s."""

_IPP_PORT: Final = 631
_DESCRIBE: Final = ["printer-state", "printer-state-reasons", "printer-uuid", "printer-up-time", "media-ready"]
_COUNTER: Final = "printer-impressions-completed"
_SUPPLIES: Final = ["printer-supply", "marker-types", "marker-levels", "marker-colors"]
_JOB: Final = ["job-id", "job-name", "job-state", "job-state-reasons", "job-printer-up-time"]
_JOB_PROOF: Final = ["job-impressions-completed", "time-at-completed"]
_SUCCESSFUL: Final = 0x00FF


class Ticket(Protocol):
    """What a seal header says about how its document is printed."""

    @property
    def media(self) -> str: ...
    @property
    def sides(self) -> str: ...
    @property
    def document_format(self) -> str: ...


class PrinterPath(Protocol):
    """All that spooler and opener ask of a printer. Every call raises PrinterError."""

    def look_up(self) -> None:
        """Find the address now, for a process that gives up the files in which names are looked up."""

    def describe(self) -> PrinterStatus:
        """One cheap question, asked before each print."""

    def inspect(self) -> Inspection:
        """Supplies and counter too, for the screens."""

    def create_job(self, name: str, ticket: Ticket) -> int:
        """The printer's job id, of a job without a document yet."""

    def send_document(self, job: int, ticket: Ticket, document: bytearray) -> None:
        """Returns when the printer has taken it whole."""

    def job(self, job: int) -> JobStatus:
        """One job."""

    def jobs(self) -> list[JobStatus]:
        """Whatever the printer still knows of; HISTORY_JOBS or more are perhaps not all."""

    def cancel(self, job: int) -> None:
        """Ask for the job's end; `job` shows whether it came."""


def path_at(address: str, counts_all: bool = False) -> "Printer":
    """The one place where a path is chosen. `address` is as the profile writes it: a URI, for ipps with `#` and the pin behind."""
    uri, _, certificate = address.partition("#")
    return Printer(uri, certificate, counts_all)


class Printer:
    """One printer by its URI; `counts_all` where its own counter is to be read at each description."""

    def __init__(self, uri: str, certificate_sha256: str = "", counts_all: bool = False) -> None:
        parts, secure = urlsplit(uri), None
        if parts.scheme == "ipps":
            from bus_agent.spooler.tls import Pinned

            secure = Pinned(certificate_sha256)
        self.endpoint = Endpoint(parts.hostname or "", parts.port or _IPP_PORT, parts.path, secure)
        self._uri = uri
        self._addresses: Addresses = ()
        self._describe = [*_DESCRIBE, _COUNTER] if counts_all else _DESCRIBE

    def look_up(self) -> None:
        """See PrinterPath."""
        self._addresses = exchange.look_up(self.endpoint)

    def describe(self) -> PrinterStatus:
        """Get-Printer-Attributes (RFC 8011 section 4.2.5)."""
        return reading.printer_status(self.attributes(self._describe))

    def inspect(self) -> Inspection:
        """The same operation, for more."""
        found = self.attributes([*_DESCRIBE, _COUNTER, *_SUPPLIES])
        return Inspection(reading.printer_status(found), reading.supplies(found))

    def attributes(self, names: list[str]) -> Attributes:
        """Those of the printer's attributes that it has; raises PrinterError."""
        return self._ask(Operation.GET_PRINTER_ATTRIBUTES, [_requested(names)]).first(Group.PRINTER)

    def create_job(self, name: str, ticket: Ticket) -> int:
        """Create-Job (section 4.2.4). It refuses what it cannot do exactly as asked."""
        answer = self._ask(
            Operation.CREATE_JOB,
            [
                Attribute(Syntax.NAME, "job-name", name),
                Attribute(Syntax.BOOLEAN, "ipp-attribute-fidelity", True),
            ],
            template=[
                Attribute(Syntax.INTEGER, "copies", 1),
                Attribute(Syntax.KEYWORD, "media", ticket.media),
                Attribute(Syntax.KEYWORD, "sides", str(ticket.sides)),
            ],
        )
        return reading.needed(answer.first(Group.JOB), "job-id")

    def send_document(self, job: int, ticket: Ticket, document: bytearray) -> None:
        """Send-Document with last-document true (section 4.3.1); the bytes go from `document` to the socket."""
        attributes = [
            Attribute(Syntax.MIME_TYPE, "document-format", ticket.document_format),
            Attribute(Syntax.BOOLEAN, "last-document", True),
        ]
        self._ask(Operation.SEND_DOCUMENT, attributes, job=job, body=memoryview(document))

    def job(self, job: int) -> JobStatus:
        """Get-Job-Attributes (section 4.3.4)."""
        answer = self._ask(Operation.GET_JOB_ATTRIBUTES, [_requested([*_JOB, *_JOB_PROOF])], job=job)
        return reading.job_status(answer.first(Group.JOB))

    def jobs(self) -> list[JobStatus]:
        """Get-Jobs (section 4.2.6), for both values of which-jobs that every printer must know.

        First what has not ended: a job that ends between the two questions is told of twice, never left out.
        """
        found: dict[int, JobStatus] = {}
        for which in ("not-completed", "completed"):
            attributes = [
                Attribute(Syntax.INTEGER, "limit", HISTORY_JOBS),
                _requested([*_JOB, *_JOB_PROOF]),
                Attribute(Syntax.KEYWORD, "which-jobs", which),
            ]
            said = map(reading.job_status, self._ask(Operation.GET_JOBS, attributes).all(Group.JOB))
            found |= {job.id: job for job in said}
        return list(found.values())

    def cancel(self, job: int) -> None:
        """Cancel-Job (section 4.3.3)."""
        self._ask(Operation.CANCEL_JOB, [], job=job)

    def _ask(
        self,
        operation: Operation,
        attributes: Iterable[Attribute],
        *,
        job: int | None = None,
        template: Iterable[Attribute] = (),
        body: memoryview | None = None,
    ) -> ipp.Message:
        request_id = ipp.fresh_request_id()
        groups = [(Group.OPERATION, [*self._opening(job), *attributes])]
        groups += [(Group.JOB, list(template))] if template else []
        head = ipp.encode(operation, groups, request_id)
        pieces: list[bytes | memoryview] = [head] if body is None else [head, body]
        patience = _ASK if body is None else _SEND
        addresses = self._addresses or exchange.look_up(self.endpoint)
        answer = ipp.decode(exchange.post(self.endpoint, addresses, pieces, patience), request_id)
        if answer.code > _SUCCESSFUL:
            raise PrinterRefusesError(answer.code)
        return answer

    def _opening(self, job: int | None) -> Iterable[Attribute]:
        # RFC 8011 section 4.1.5: the target first (printer-uri, then job-id), then the user.
        yield Attribute(Syntax.URI, "printer-uri", self._uri)
        if job is not None:
            yield Attribute(Syntax.INTEGER, "job-id", job)
        yield Attribute(Syntax.NAME, "requesting-user-name", USER)


def _requested(names: list[str]) -> Attribute:
    return Attribute(Syntax.KEYWORD, "requested-attributes", names)
