"""The spooler's way to the model printer: each operation passes two points, and a dead spooler's goes nowhere."""

from collections.abc import Callable
from typing import TypeVar

from bus_agent.errors import PrinterSilentError
from bus_agent.spooler.printer import Ticket
from bus_agent.spooler.reading import Inspection, JobStatus, PrinterStatus
from cityhall_base.clock import Clock
from tests.machine.gates import Gates
from tests.machine.printer import ModelPrinter
from tests.machine.virtual import Process

T = TypeVar("T")


class StalledError(Exception):
    """The sender waits for an answer that does not come."""


class Path:
    """A PrinterPath. With `breaks_off` the next document breaks off in the middle, and that is what happens then."""

    def __init__(self, bus: str, printer: ModelPrinter, process: Process, gates: Gates, clock: Clock) -> None:
        self._bus, self._printer, self.process, self._gates, self.clock = bus, printer, process, gates, clock
        self.breaks_off: Callable[[], None] | None = None

    def stall(self) -> None:
        """For `breaks_off`."""
        raise StalledError

    def passing(self, point: str) -> None:
        """A point of this bus."""
        self._gates.passing(point, self._bus)

    def look_up(self) -> None:
        """Nothing to look up."""

    def describe(self) -> PrinterStatus:
        """See PrinterPath."""
        self._before("describe")
        return self._after("describe", self._printer.describe())

    def inspect(self) -> Inspection:
        """See PrinterPath."""
        self._alive()
        return self._printer.inspect()

    def create_job(self, name: str, ticket: Ticket) -> int:
        """See PrinterPath."""
        self._before("create_job")
        return self._after("create_job", self._printer.create_job(name, ticket))

    def send_document(self, job: int, ticket: Ticket, document: bytearray) -> None:
        """See PrinterPath."""
        self._before("send_document")
        broken, self.breaks_off = self.breaks_off, None
        self._printer.send_document(job, bytes(document), torso=broken is not None)
        if broken is not None:
            broken()
            raise PrinterSilentError("the line to the printer broke")
        self._after("send_document", None)

    def job(self, job: int) -> JobStatus:
        """See PrinterPath."""
        self._before("job")
        return self._after("job", self._printer.job(job))

    def jobs(self) -> list[JobStatus]:
        """See PrinterPath."""
        self._alive()
        return self._printer.all_jobs()

    def cancel(self, job: int) -> None:
        """See PrinterPath."""
        self._before("cancel")
        self._printer.cancel(job)
        self._after("cancel", None)

    def _before(self, operation: str) -> None:
        self.passing(f"before {operation}")
        self._alive()

    def _after(self, operation: str, answer: T) -> T:
        self.passing(f"after {operation}")
        self._alive()
        return answer

    def _alive(self) -> None:
        if self.process.dead:
            raise PrinterSilentError("its spooler is gone")
