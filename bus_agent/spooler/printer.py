"""The printer, by direct IPP over HTTP (RFC 8011, RFC 8010 section 4): seven operations, every answer bounded, nothing on disk.

Each call opens a connection of its own and blocks for at most TIMEOUT_S a step. No resident's name ever goes to a printer:
job-name is the attempt's id and the user is the vehicle.
"""

import http.client
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import cups

from bus_agent.errors import PrinterAnswerError, PrinterRefusesError, PrinterSilentError
from bus_agent.spooler import ipp
from bus_agent.spooler.ipp import JOB, OPERATION, Attribute, Attributes
from cityhall_wire.headers import SealHeader

USER: Final = "mobile-cityhall"
TIMEOUT_S: Final = 5
"""A printer on the vehicle's own network answers in milliseconds; one that wakes up, within about two seconds."""

SEND_TIMEOUT_S: Final = 60
"""While it takes the document a printer may stop reading to warm up."""

ANSWER_BYTES: Final = 256 * 1024
"""Get-Jobs of 500 jobs is about 100 kB."""

_PRINTER_STATES: Final = {3: "idle", 4: "processing", 5: "stopped"}
_JOB_STATES: Final = {
    3: "pending",
    4: "pending-held",
    5: "processing",
    6: "processing-stopped",
    7: "canceled",
    8: "aborted",
    9: "completed",
}
_DESCRIBE: Final = ["printer-state", "printer-state-reasons", "printer-uuid", "printer-up-time"]
_JOB: Final = ["job-id", "job-name", "job-state", "job-state-reasons", "job-printer-up-time"]


class PrinterStatus(NamedTuple):
    """RFC 8011 section 5.4.11 and 5.4.12, PWG 5100.13 printer-uuid, RFC 8011 section 5.4.29 (seconds since power-on)."""

    state: str
    reasons: tuple[str, ...]
    uuid: str
    up_time: int


class JobStatus(NamedTuple):
    """One job as the printer tells it. `impressions` and `up_time` are None where it does not say."""

    id: int
    name: str
    state: str
    reasons: tuple[str, ...]
    impressions: int | None  # job-impressions-completed
    up_time: int | None  # job-printer-up-time, seconds

    @property
    def ended(self) -> bool:
        """The printer will do no more for it (RFC 8011 section 5.3.7)."""
        return self.state in {"canceled", "aborted", "completed"}


class Printer:
    """One printer by its ipp:// URI; `counts_impressions` is what its profile says."""

    def __init__(self, uri: str, counts_impressions: bool = True) -> None:
        parts = urlsplit(uri)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 631, parts.path
        self._uri, self._address = uri, self._host
        # A printer that cannot count may answer `unknown`, which the codec cannot read: then it is never asked.
        self._job_attributes = [*_JOB, *(["job-impressions-completed"] if counts_impressions else [])]

    def look_up(self) -> None:
        """Find the address now, for a process that gives up the files in which names are looked up."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise PrinterSilentError(type(error).__name__) from None
        self._address = str(found[0][4][0])

    def describe(self) -> PrinterStatus:
        """Get-Printer-Attributes (RFC 8011 section 4.2.5). Like all calls here it raises PrinterError."""
        groups = self._ask(cups.IPP_OP_GET_PRINTER_ATTRIBUTES, [_keywords("requested-attributes", _DESCRIBE)])
        found = groups[0] if groups else {}
        return PrinterStatus(
            _PRINTER_STATES.get(_integer(found, "printer-state") or 0, "unknown"),
            _words(found, "printer-state-reasons"),
            _word(found, "printer-uuid"),
            _needed(found, "printer-up-time"),
        )

    def create_job(self, name: str, header: SealHeader) -> int:
        """Create-Job (section 4.2.4): the printer's job id. It refuses what it cannot do exactly as asked."""
        groups = self._ask(
            cups.IPP_OP_CREATE_JOB,
            [
                Attribute(OPERATION, cups.IPP_TAG_NAME, "job-name", name),
                Attribute(OPERATION, cups.IPP_TAG_BOOLEAN, "ipp-attribute-fidelity", True),
                Attribute(JOB, cups.IPP_TAG_INTEGER, "copies", 1),
                Attribute(JOB, cups.IPP_TAG_KEYWORD, "media", header.media),
                Attribute(JOB, cups.IPP_TAG_KEYWORD, "sides", str(header.sides)),
            ],
        )
        return _needed(groups[0] if groups else {}, "job-id")

    def send_document(self, job: int, header: SealHeader, document: bytearray) -> None:
        """Send-Document with last-document true (section 4.3.1); the bytes go from `document` to the socket."""
        attributes = [
            _job_id(job),
            Attribute(OPERATION, cups.IPP_TAG_MIMETYPE, "document-format", header.document_format),
            Attribute(OPERATION, cups.IPP_TAG_BOOLEAN, "last-document", True),
        ]
        self._ask(cups.IPP_OP_SEND_DOCUMENT, attributes, memoryview(document), SEND_TIMEOUT_S)

    def job(self, job: int) -> JobStatus:
        """Get-Job-Attributes (section 4.3.4)."""
        attributes = [_job_id(job), _keywords("requested-attributes", self._job_attributes)]
        groups = self._ask(cups.IPP_OP_GET_JOB_ATTRIBUTES, attributes)
        return _job_status(groups[0] if groups else {})

    def jobs(self) -> list[JobStatus]:
        """Get-Jobs (section 4.2.6) with which-jobs all (PWG 5100.11): whatever the printer still knows of."""
        attributes = [
            _keywords("requested-attributes", self._job_attributes),
            Attribute(OPERATION, cups.IPP_TAG_KEYWORD, "which-jobs", "all"),
        ]
        return [_job_status(group) for group in self._ask(cups.IPP_OP_GET_JOBS, attributes)]

    def cancel(self, job: int) -> None:
        """Cancel-Job (section 4.3.3)."""
        self._ask(cups.IPP_OP_CANCEL_JOB, [_job_id(job)])

    def _ask(
        self, operation: int, attributes: list[Attribute], body: memoryview | None = None, timeout_s: int = TIMEOUT_S
    ) -> tuple[Attributes, ...]:
        head = ipp.encode(operation, self._opening(attributes))
        answer = ipp.decode(self._post([head] if body is None else [head, body], timeout_s), head)
        if answer.status >= cups.IPP_STATUS_REDIRECTION_OTHER_SITE:
            raise PrinterRefusesError(answer.status)
        return answer.groups

    def _opening(self, attributes: list[Attribute]) -> Iterable[Attribute]:
        # RFC 8011 section 4.1.5: the target first (printer-uri, then job-id), then the user.
        target = [attribute for attribute in attributes if attribute.name == "job-id"]
        yield Attribute(OPERATION, cups.IPP_TAG_URI, "printer-uri", self._uri)
        yield from target
        yield Attribute(OPERATION, cups.IPP_TAG_NAME, "requesting-user-name", USER)
        yield from (attribute for attribute in attributes if attribute not in target)

    def _post(self, pieces: list[bytes | memoryview], timeout_s: int) -> bytes:
        connection = http.client.HTTPConnection(self._address, self._port, timeout=timeout_s)
        length = sum(len(piece) for piece in pieces)
        headers = {"Content-Type": "application/ipp", "Content-Length": str(length), "Connection": "close"}
        headers["Host"] = f"{self._host}:{self._port}"
        try:
            connection.request("POST", self._path, iter(pieces), headers)
            answer = connection.getresponse()
            raw = answer.read(ANSWER_BYTES + 1)
        except OSError as error:
            raise PrinterSilentError(type(error).__name__) from None
        except http.client.HTTPException as error:
            raise PrinterAnswerError(type(error).__name__) from None
        finally:
            connection.close()
        if answer.status != http.client.OK or len(raw) > ANSWER_BYTES:
            raise PrinterAnswerError(f"HTTP {answer.status}, {len(raw)} bytes")
        return raw


def _job_id(job: int) -> Attribute:
    return Attribute(OPERATION, cups.IPP_TAG_INTEGER, "job-id", job)


def _keywords(name: str, values: list[str]) -> Attribute:
    return Attribute(OPERATION, cups.IPP_TAG_KEYWORD, name, values)


def _job_status(found: Attributes) -> JobStatus:
    return JobStatus(
        _needed(found, "job-id"),
        _word(found, "job-name"),
        _JOB_STATES.get(_integer(found, "job-state") or 0, "unknown"),
        _words(found, "job-state-reasons"),
        _integer(found, "job-impressions-completed"),
        _integer(found, "job-printer-up-time"),
    )


def _integer(found: Attributes, name: str) -> int | None:
    value = next(iter(found.get(name, ())), None)
    return value if isinstance(value, int) else None


def _needed(found: Attributes, name: str) -> int:
    value = _integer(found, name)
    if value is None or value < 0:
        raise PrinterAnswerError(f"no {name}")
    return value


def _word(found: Attributes, name: str) -> str:
    return str(next(iter(found.get(name, ())), ""))[:64]


def _words(found: Attributes, name: str) -> tuple[str, ...]:
    # As many and as long as a signed statement carries.
    return tuple(str(value)[:64] for value in found.get(name, ()) if value != "none")[:16]
