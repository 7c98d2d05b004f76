"""From the printer's words to a finding. `judge` is the rule, `watch` asks until it has an answer.

A machine never guesses "printed": `completed` counts only with every impression counted, under the same job-name, without a
reset of printer-up-time. Not found, reset, silence, too few or too many: a person must look. So too where the printer stood
between the first sheet and the last: it may have come out twice or crumpled, whatever the printer counts afterwards.
"""

import asyncio
import contextlib
import logging
from typing import Final, NamedTuple

from bus_agent.errors import PrinterError, PrinterRefusesError
from bus_agent.spooler.printer import JobStatus, Printer
from cityhall_base.clock import Clock
from cityhall_base.printer_state import stands
from cityhall_wire.limits import Limits
from cityhall_wire.messages.printing import Finding

_SLACK_S: Final = 3
"""printer-up-time is in whole seconds, and an answer may be a second old."""

_DRIFT: Final = 0.01
"""A printer's clock may run 1 % slow; crystals are a thousand times better."""


_NOT_THERE: Final = frozenset({0x0406, 0x0407})
"""client-error-not-found, client-error-gone (RFC 8011 appendix B.1.4)."""

log = logging.getLogger(__name__)


class UpTime(NamedTuple):
    """printer-up-time `seconds` as read at `at` (seconds of a clock that measures)."""

    seconds: int
    at: float

    def behind(self, seconds: int, now: float) -> bool:
        """Whether a later reading is lower than it can be without a restart of the printer."""
        elapsed = now - self.at
        return seconds < self.seconds + elapsed * (1 - _DRIFT) - _SLACK_S

    def fits(self, seconds: int, now: float) -> bool:
        """Whether a later reading is neither lower nor higher than the time that went by."""
        elapsed = now - self.at
        ahead = seconds > self.seconds + elapsed * (1 + _DRIFT) + _SLACK_S
        return elapsed >= 0 and not ahead and not self.behind(seconds, now)


class Watched(NamedTuple):
    """What is being watched, and what would prove that it came out."""

    job: int
    name: str
    impressions: int
    counts_impressions: bool
    up_time: UpTime
    lies: tuple[str, ...] = ()  # printer-state-reasons that stop nothing, by the profile


class Verdict(NamedTuple):
    """A finding, its reason, and the printer's last word."""

    finding: Finding
    why: str
    seen: JobStatus | None = None


def judge(seen: JobStatus, watched: Watched, now: float) -> Verdict | None:
    """What the printer's answer means; None while it is still at work."""
    if seen.name != watched.name:
        return Verdict(Finding.DOUBT, "another_job", seen)
    if seen.up_time is not None and watched.up_time.behind(seen.up_time, now):
        return Verdict(Finding.DOUBT, "printer_restarted", seen)
    if not seen.ended:
        return None
    if not watched.counts_impressions or seen.impressions is None:
        return Verdict(Finding.DOUBT, "printer_does_not_count", seen)
    return _ended(seen, watched)


def _ended(seen: JobStatus, watched: Watched) -> Verdict:
    if seen.state == "completed":
        if seen.impressions == watched.impressions:
            return Verdict(Finding.COMPLETED, "printed", seen)
        return Verdict(Finding.DOUBT, "impressions_differ", seen)
    if seen.state == "canceled" and seen.impressions == 0:
        return Verdict(Finding.CANCELED_AT_PRINTER, "canceled", seen)
    return Verdict(Finding.DOUBT, seen.state, seen)


async def watch(printer: Printer, watched: Watched, limits: Limits, clock: Clock) -> Verdict:
    """Ask every `printer_poll_ms` until the printer has ended the job, or has said nothing for `printer_silence_s`."""
    heard, last, stood = clock.boottime(), None, False
    while True:
        try:
            last = await asyncio.to_thread(printer.job, watched.job)
            stood = stood or await asyncio.to_thread(_stands_between_sheets, printer, last, watched)
        except PrinterError as error:
            if _not_there(error):
                return Verdict(Finding.DOUBT, "job_not_found", last)
            if clock.boottime() - heard > limits.printer_silence_s:
                return Verdict(Finding.DOUBT, "printer_silent", last)
        else:
            heard = clock.boottime()
            if verdict := judge(last, watched, heard):
                return _doubted(verdict) if stood else verdict
        await asyncio.sleep(limits.printer_poll_ms / 1000)


def _stands_between_sheets(printer: Printer, seen: JobStatus, watched: Watched) -> bool:
    if seen.ended or not 0 < (seen.impressions or 0) < watched.impressions:
        return False
    if seen.state == "processing-stopped":
        return True
    try:
        status = printer.describe()
    except PrinterError:
        return False  # it has told of the job, so it is not silent; it is asked again at the next look
    return stands(status.state, status.reasons, watched.lies)


def _doubted(verdict: Verdict) -> Verdict:
    if verdict.finding is not Finding.COMPLETED:
        return verdict
    return verdict._replace(finding=Finding.DOUBT, why="stood_between_sheets")


async def try_to_cancel(printer: Printer, job: int) -> None:
    """Cancel-Job without waiting for its effect; what the printer does with it is for a person to see."""
    try:
        await asyncio.to_thread(printer.cancel, job)
    except PrinterError as error:
        log.warning("job %d could not be canceled at the printer: %s", job, error)


async def cancel(printer: Printer, watched: Watched, limits: Limits, clock: Clock, why: str) -> Verdict:
    """Cancel-Job, then up to `cancel_confirm_s` for its end; unconfirmed is a doubt (invariant I10)."""
    until, last = clock.boottime() + limits.cancel_confirm_s, None
    while clock.boottime() < until:
        try:
            last = await asyncio.to_thread(_cancel_and_look, printer, watched.job)
        except PrinterError as error:
            log.info("%s: %s", watched.name, error)
        else:
            if verdict := judge(last, watched, clock.boottime()):
                return verdict._replace(why=why)
        await asyncio.sleep(limits.printer_poll_ms / 1000)
    return Verdict(Finding.DOUBT, "cancel_unconfirmed", last)


def _cancel_and_look(printer: Printer, job: int) -> JobStatus:
    # Again at each look: a printer that was silent for the first may hear the second, and one that has heard refuses it.
    with contextlib.suppress(PrinterRefusesError):
        printer.cancel(job)
    return printer.job(job)


def _not_there(error: PrinterError) -> bool:
    return isinstance(error, PrinterRefusesError) and error.status in _NOT_THERE
