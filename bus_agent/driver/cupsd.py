"""The private cupsd of one job: its two configuration files, its queue with the PPD, and the way of a document through it.

CUPS only converts here. The queue's device is a file in the room; what becomes of the job at the printer is between the
opener and the printer. So nothing depends on cupsd's memory of a job, which a kill -9 makes it lose or repeat.
"""

import os
import re
import subprocess
import time
from typing import Any, Final

import cups

from bus_agent.driver.room import JOB
from bus_agent.driver.stream import OUTPUT_BYTES, Document
from bus_agent.errors import DriverError, DriverFileError, DriverFilterError, DriverPagesError, DriverTooLargeError

CUPSD: Final = "/usr/sbin/cupsd"
OUTPUT: Final = JOB / "output"

_QUEUE: Final = "queue"
_START_S: Final = 10
_LOOK_S: Final = 0.02
"""Between two looks at a job that takes a second a page, over a socket of its own."""

_JOB_STOPPED: Final = 6
_JOB_COMPLETED: Final = 9
_PPD_REFUSED: Final = (cups.IPP_STATUS_ERROR_DOCUMENT_FORMAT_ERROR, cups.IPP_STATUS_ERROR_DOCUMENT_FORMAT_NOT_SUPPORTED)

_STARTED: Final = re.compile(rb"^. \[[^]]*\] \[Job 1\] Started filter \S+ \(PID (\d+)\)", re.MULTILINE)
_ENDED_WELL: Final = re.compile(rb"^. \[[^]]*\] \[Job 1\] PID (\d+) \(\S+\) exited with no errors", re.MULTILINE)

_CONF: Final = f"""\
Listen {JOB}/socket
LogLevel debug
MaxLogSize 0
Browsing No
WebInterface No
DefaultAuthType None
HostNameLookups Off
PreserveJobFiles No
PreserveJobHistory Yes
ErrorPolicy abort-job
<Policy default>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
"""

# The folder of filters and daemons is the machine's; all that is written lies in the room.
_FILES: Final = f"""\
ServerRoot {JOB}/root
RequestRoot {JOB}/spool
TempDir {JOB / "tmp"}
CacheDir {JOB}/cache
StateDir {JOB}/state
ErrorLog {JOB}/log/error
AccessLog {JOB}/log/access
PageLog {JOB}/log/page
FileDevice Yes
"""


class Cupsd:
    """Started by the first process of a locked room, with whose end it ends."""

    def __init__(self, ppd: bytes) -> None:
        for name in ("root", "spool", "tmp", "cache", "state", "log"):
            (JOB / name).mkdir(0o700)
        for name, content in (
            ("cupsd.conf", _CONF.encode()),
            ("cups-files.conf", _FILES.encode()),
            ("printer.ppd", ppd),
        ):
            (JOB / name).write_bytes(content)
        argv = [CUPSD, "-f", "-c", str(JOB / "cupsd.conf"), "-s", str(JOB / "cups-files.conf")]
        # Whatever a filter says stays in the room: its words may be the document's.
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._process = subprocess.Popen(argv, env={"LANG": "C.UTF-8", "PATH": os.defpath}, cwd="/", **quiet)
        self._connection = self._connect()
        self._add_queue()

    def convert(self, document: Document, pieces: Any) -> int:
        """Feed it `pieces` (an iterator of bytes) and wait for the end: size of OUTPUT in bytes. Raises DriverError."""
        # As the seal header has it, 1:1; a driver that scales "to fit" would make another document of it.
        options = {"media": document.media, "sides": str(document.sides), "print-scaling": "none", "job-sheets": "none"}
        try:
            job = self._connection.createJob(_QUEUE, "document", options)
            self._connection.startDocument(_QUEUE, job, "document", "application/pdf", 1)
            for piece in pieces:
                self._connection.writeRequestData(piece, len(piece))
            self._connection.finishDocument(_QUEUE)
            return self._judge(document, self._ended(job))
        except (cups.IPPError, cups.HTTPError, RuntimeError) as error:
            raise DriverError(type(error).__name__) from None

    def _connect(self) -> Any:
        cups.setServer(str(JOB / "socket"))
        cups.setUser("driver")
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self._process.poll() is None:
            if (JOB / "socket").is_socket():
                try:
                    return cups.Connection()
                except RuntimeError:
                    pass  # bound and not listening yet
            time.sleep(_LOOK_S / 10)
        raise DriverError("cupsd did not start")

    def _add_queue(self) -> None:
        try:
            self._connection.addPrinter(_QUEUE, filename=str(JOB / "printer.ppd"), device=f"file://{OUTPUT}")
            self._connection.enablePrinter(_QUEUE)
            self._connection.acceptJobs(_QUEUE)
        except (cups.IPPError, cups.HTTPError, RuntimeError) as error:
            raise DriverFileError(type(error).__name__) from None

    def _ended(self, job: int) -> dict[str, Any]:
        while True:
            seen: dict[str, Any] = self._connection.getJobAttributes(
                job, requested_attributes=["job-state", "job-impressions-completed"]
            )
            if int(seen["job-state"]) >= _JOB_STOPPED:
                return seen
            if self._process.poll() is not None:
                raise DriverError("cupsd ended")
            time.sleep(_LOOK_S)

    def _judge(self, document: Document, seen: dict[str, Any]) -> int:
        size = OUTPUT.stat().st_size if OUTPUT.exists() else 0
        if size >= OUTPUT_BYTES:
            raise DriverTooLargeError
        if (
            int(seen["job-state"]) != _JOB_COMPLETED
            or not size
            or not _all_ended_well((JOB / "log/error").read_bytes())
        ):
            raise DriverFilterError
        # A second witness; a filter that counts no pages (0) says nothing.
        if int(seen.get("job-impressions-completed", 0)) not in (0, document.impressions):
            raise DriverPagesError
        return size


def _all_ended_well(log: bytes) -> bool:
    """Whether each filter that cupsd's log (LogLevel debug) names has ended by itself with status 0.

    Its "completed" does not say so: process_children() in cups/scheduler/main.c passes over SIGKILL, SIGTERM and SIGPIPE, so
    that a filter killed for want of memory leaves a torso and a completed job.
    """
    started = set(_STARTED.findall(log))
    return bool(started) and started <= set(_ENDED_WELL.findall(log))
