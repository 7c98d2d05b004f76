"""What only a print shows: whether the printer counts, how long it remembers, and whether a job survives power-off.

The technician has agreed to all of it by asking for it. What a trial does not show stays unknown.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from bus_agent.errors import NotSwitchedOffError, PrinterError, PrinterRefusesError, TrialPrintError
from bus_agent.probe.page import PAGES, two_pages
from bus_agent.spooler.printer import PrinterPath
from bus_agent.spooler.reading import JobStatus, PrinterStatus
from cityhall_base.printers import PDF, Memory, Proof

_POLL_S: Final = 0.2
_PRINT_S: Final = 180
"""A cold laser printer takes half a minute to its first page."""

_COUNTER_S: Final = 5
"""As long as the spooler waits for a counter that lags."""

_BACK_S: Final = 300
"""A printer that was switched off and on starts within two minutes."""

_SLACK_S: Final = 1
"""printer-up-time is in whole seconds."""

T = TypeVar("T")

Ask = Callable[[str], str]
"""Say this to the technician and return what is answered."""


class PageTicket(NamedTuple):
    """How the test page is to be printed."""

    media: str
    sides: str = "one-sided"
    document_format: str = PDF


class Counted(NamedTuple):
    """What the printer said of a print of PAGES pages. None: it does not say."""

    job: int
    state: str
    impressions: int | None
    counter_before: int | None
    counter_after: int | None

    @property
    def proof(self) -> Proof:
        """The strongest that this print showed."""
        if self.impressions == PAGES:
            return Proof.IMPRESSIONS
        before, after = self.counter_before, self.counter_after
        return Proof.COUNTER if before is not None and after == before + PAGES else Proof.STATE


def print_pages(path: PrinterPath, ticket: PageTicket) -> Counted:
    """Print the test page; raises PrinterError, or TrialPrintError where it does not end as completed."""
    before = path.describe().counter
    with _sent(path, ticket, _name()) as job:
        ended = _until(lambda: _ended(path, job), _PRINT_S)
        if ended is None or ended.state != "completed":
            raise TrialPrintError(ended.state if ended else f"not ended within {_PRINT_S} s")
    if before is not None:
        _until(lambda: (path.describe().counter or 0) >= before + PAGES, _COUNTER_S)
    return Counted(job, ended.state, ended.impressions, before, path.describe().counter)


def known_for(path: PrinterPath, job: int, at_most_s: float) -> int:
    """Whole seconds for which the printer still knew that ended job, `at_most_s` where it knew it all the time."""
    begun = time.monotonic()
    seen = begun
    while seen - begun < at_most_s:
        try:
            path.job(job)
        except PrinterRefusesError:
            break
        seen = time.monotonic()
        time.sleep(_POLL_S)
    return int(min(seen - begun, at_most_s))


def survives_power_off(path: PrinterPath, ticket: PageTicket, ask: Ask) -> Memory:
    """Have the printer switched off while it holds a job; UNTESTED where it printed the job before.

    Raises PrinterError, or NotSwitchedOffError where printer-up-time shows that it was on all the time.
    """
    ask("Take the paper out of the printer, then press Enter.")
    before, begun, name = path.describe(), time.monotonic(), _name()
    with _sent(path, ticket, name) as job:
        if path.job(job).ended:
            return Memory.UNTESTED
        ask("It holds a test page now. Switch it off, count to ten, switch it on, put the paper in, then press Enter.")
        after = _until(lambda: _answers(path), _BACK_S)
        if after is None or after.up_time >= before.up_time + time.monotonic() - begun - _SLACK_S:
            raise NotSwitchedOffError
    kept = [one for one in path.jobs() if one.name == name]
    came_out = ask(
        "Wait a minute. Did a test page come out, or does its display show a job? Type y or n, then press Enter."
    )
    for one in kept:
        _cancel(path, one)
    if kept or came_out.strip().lower().startswith("y"):
        return Memory.KEPT
    return Memory.LOST if came_out.strip().lower().startswith("n") else Memory.UNTESTED


def _name() -> str:
    return f"probe-{secrets.token_hex(4)}"


@contextlib.contextmanager
def _sent(path: PrinterPath, ticket: PageTicket, name: str) -> Iterator[int]:
    """The test page as a job at the printer, which is taken back where anything goes wrong with the trial."""
    job = path.create_job(name, ticket)
    try:
        path.send_document(job, ticket, bytearray(two_pages()))
        yield job
    except BaseException:
        with contextlib.suppress(PrinterError):
            path.cancel(job)
        raise


def _ended(path: PrinterPath, job: int) -> JobStatus | None:
    seen = path.job(job)
    return seen if seen.ended else None


def _answers(path: PrinterPath) -> PrinterStatus | None:
    try:
        return path.describe()
    except PrinterError:
        return None


def _cancel(path: PrinterPath, job: JobStatus) -> None:
    if not job.ended:
        path.cancel(job.id)


def _until(look: Callable[[], T | None], seconds: float) -> T | None:
    """What `look` finds; None where it found nothing in time."""
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(_POLL_S)
    return found
