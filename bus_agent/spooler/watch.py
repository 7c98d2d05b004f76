"""From the printer's words to a finding. `judge` is the rule, `watch` asks until it has an answer.

A machine never guesses "printed": `completed` counts only with the proof that the profile names, under the same job-name, at the
same printer, without a reset of printer-up-time. Not found, reset, silence, too few or too many: a person must look. So too
where the printer stood between the first sheet and the last: it may have come out twice or crumpled, whatever is counted then.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from bus_agent.errors import PrinterError, PrinterRefusesError
from bus_agent.spooler.printer import HISTORY_JOBS, PrinterPath
from bus_agent.spooler.reading import JobStatus, PrinterStatus
from cityhall_base.clock import Clock
from cityhall_base.printer_state import stands
from cityhall_base.printers import Proof
from cityhall_wire.limits import Limits
from cityhall_wire.messages.printing import Finding

_SLACK_S: Final = 3
"""printer-up-time is in whole seconds, and an answer may be a second old."""

_DRIFT: Final = 0.01
"""A printer's clock may run 1 % slow; crystals are a thousand times better."""

_SETTLE_S: Final = 5
"""How long after a job's end a printer's counter may still lag. A guess on the safe side: later than this is a doubt."""

PURSUIT_S: Final = 1.0
"""A printer that is off costs a packet a second on the vehicle's own network."""

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
    proof: Proof
    up_time: UpTime
    uuid: str  # of the printer that the release was asked for
    since: int = 0  # its printer-up-time then
    counter: int | None = None  # and its counter
    lies: tuple[str, ...] = ()  # printer-state-reasons that stop nothing, by the profile


class Look(NamedTuple):
    """What the printer said at one look. `printer` and `alone` are asked only once the job has ended."""

    seen: JobStatus
    printer: PrinterStatus | None = None
    alone: bool = False  # no other job can have moved the counter
    stood: bool = False  # between the first sheet and the last


class Verdict(NamedTuple):
    """A finding, its reason, and the printer's last words.

    `empty`: they prove that nothing of the job came out. `stood`: whatever it counts later proves no print any more.
    """

    finding: Finding
    why: str
    seen: JobStatus | None = None
    printer: PrinterStatus | None = None
    empty: bool = False
    stood: bool = False

    @property
    def open(self) -> bool:
        """Whether the printer may still hold the job."""
        return self.finding is Finding.DOUBT and not (self.seen and self.seen.ended)


def judge(look: Look, watched: Watched, now: float) -> Verdict | None:
    """What the printer's answer means; None while it is still at work or its counter not moved yet."""
    seen, printer = look.seen, look.printer
    if broken := _broken(look, watched, now):
        return Verdict(Finding.DOUBT, broken, seen, printer)
    if not seen.ended:
        return None
    if (found := _PROVES[watched.proof](look, watched)) is None:
        return None
    return Verdict(found.finding, found.why, seen, printer, found.empty)


def _broken(look: Look, watched: Watched, now: float) -> str:
    seen, printer = look.seen, look.printer
    if seen.name != watched.name:
        return "another_job"
    if printer is not None and printer.uuid != watched.uuid:
        return "another_printer"
    readings = (seen.up_time, printer.up_time if printer else None)
    if any(reading is not None and watched.up_time.behind(reading, now) for reading in readings):
        return "printer_restarted"
    return ""


class _Found(NamedTuple):
    finding: Finding
    why: str
    empty: bool = False


def _by_impressions(look: Look, watched: Watched) -> _Found | None:
    seen = look.seen
    if seen.impressions is None:
        return _Found(Finding.DOUBT, "printer_does_not_count")
    if seen.state != "completed":
        return _given_up(seen.state, seen.impressions)
    if seen.impressions == watched.impressions:
        return _Found(Finding.COMPLETED, "printed")
    return _Found(Finding.DOUBT, "impressions_differ")


def _by_counter(look: Look, watched: Watched) -> _Found | None:
    after = look.printer.counter if look.printer else None
    if look.printer is None or after is None or watched.counter is None:
        return _Found(Finding.DOUBT, "printer_does_not_count")
    grown = after - watched.counter
    if look.seen.state != "completed":
        # A sheet on its way is counted when it has come out, and until then the printer is at work.
        return _given_up(look.seen.state, grown) if grown or look.printer.state == "idle" else None
    if 0 <= grown < watched.impressions:
        return None
    if grown != watched.impressions:
        return _Found(Finding.DOUBT, "counter_differs")
    return _Found(Finding.COMPLETED, "printed") if look.alone else _Found(Finding.DOUBT, "not_alone")


def _by_nothing(look: Look, watched: Watched) -> _Found | None:
    return _Found(Finding.DOUBT, "printer_does_not_count")


def _given_up(state: str, impressions: int) -> _Found:
    # Aborted by the printer itself says less of a whole document than a cancel that was asked for.
    confirmed = state == "canceled" and not impressions
    return _Found(Finding.CANCELED_AT_PRINTER if confirmed else Finding.DOUBT, state, empty=not impressions)


_PROVES: Final[Mapping[Proof, Callable[[Look, Watched], _Found | None]]] = {
    Proof.IMPRESSIONS: _by_impressions,
    Proof.COUNTER: _by_counter,
    Proof.STATE: _by_nothing,
}


async def watch(printer: PrinterPath, watched: Watched, limits: Limits, clock: Clock) -> Verdict:
    """Ask every `printer_poll_ms` until the printer has ended the job, or has said nothing for `printer_silence_s`."""
    heard, last, stood = clock.boottime(), Look(_UNSEEN), False
    ended: float | None = None
    while True:
        try:
            last = await asyncio.to_thread(_look, printer, watched)
            stood = stood or last.stood
        except PrinterError as error:
            if _not_there(error):
                return _doubt("job_not_found", last)
            if clock.boottime() - heard > limits.printer_silence_s:
                return _doubt("printer_silent", last)._replace(stood=stood)
        else:
            heard = clock.boottime()
            if verdict := judge(last, watched, heard):
                return _doubted(verdict) if stood else verdict
            ended = (ended or heard) if last.seen.ended else None
            if ended is not None and heard - ended > _SETTLE_S:
                return _doubt("counter_differs", last)
        await asyncio.sleep(limits.printer_poll_ms / 1000)


_UNSEEN: Final = JobStatus(0, "", "", (), None, None)


def _doubt(why: str, last: Look) -> Verdict:
    return Verdict(Finding.DOUBT, why, None if last.seen is _UNSEEN else last.seen, last.printer)


def _doubted(verdict: Verdict) -> Verdict:
    if verdict.finding is not Finding.COMPLETED:
        return verdict
    return verdict._replace(finding=Finding.DOUBT, why="stood_between_sheets")


def _look(printer: PrinterPath, watched: Watched) -> Look:
    seen = printer.job(watched.job)
    if not seen.ended and 0 < (seen.impressions or 0) < watched.impressions:
        return Look(seen, stood=seen.state == "processing-stopped" or _stands(printer, watched))
    if not seen.ended or watched.proof is Proof.STATE:
        return Look(seen)
    # The printer after the job: it may have been swapped or restarted in between, and its counter is final.
    status = printer.describe()
    return Look(seen, status, watched.proof is Proof.COUNTER and _alone(printer.jobs(), watched))


def _stands(printer: PrinterPath, watched: Watched) -> bool:
    try:
        status = printer.describe()
    except PrinterError:
        return False  # it has told of the job, so it is not silent; it is asked again at the next look
    return stands(status.state, status.reasons, watched.lies)


def _alone(jobs: list[JobStatus], watched: Watched) -> bool:
    others = [job for job in jobs if job.name != watched.name]
    ended_before = all(job.ended_at is not None and job.ended_at < watched.since for job in others)
    return ended_before and len(jobs) < HISTORY_JOBS


async def pursue(printer: PrinterPath, watched: Watched, clock: Clock) -> Verdict:
    """Cancel-Job whenever the printer answers, for as long as it may hold the job: it must not come out after a refill, when
    nobody waits for it."""
    ended: float | None = None
    while True:
        try:
            last = await asyncio.to_thread(_cancel_and_look, printer, watched)
        except PrinterError as error:
            if _not_there(error):
                return _doubt("job_not_found", Look(_UNSEEN))
        else:
            now = clock.boottime()
            if verdict := judge(last, watched, now):
                return verdict
            ended = (ended or now) if last.seen.ended else None
            if ended is not None and now - ended > _SETTLE_S:
                return _doubt("counter_differs", last)
        await asyncio.sleep(PURSUIT_S)


async def cancel(printer: PrinterPath, watched: Watched, limits: Limits, clock: Clock, why: str) -> Verdict:
    """Cancel-Job, then up to `cancel_confirm_s` for its end; unconfirmed is a doubt (invariant I10).

    A job of which the printer knows nothing any more was there, and what came out of it only a person can see.
    """
    until, last = clock.boottime() + limits.cancel_confirm_s, Look(_UNSEEN)
    while clock.boottime() < until:
        try:
            last = await asyncio.to_thread(_cancel_and_look, printer, watched)
        except PrinterError as error:
            if _not_there(error):
                return _doubt("job_not_found", last)
            log.info("%s: %s", watched.name, error)
        else:
            if verdict := judge(last, watched, clock.boottime()):
                finding = Finding.CANCELED_AT_PRINTER if verdict.empty else verdict.finding
                return verdict._replace(finding=finding, why=why)
        await asyncio.sleep(limits.printer_poll_ms / 1000)
    return _doubt("cancel_unconfirmed", last)


def _cancel_and_look(printer: PrinterPath, watched: Watched) -> Look:
    # Again at each look: a printer that was silent for the first may hear the second, and one that has heard refuses it.
    with contextlib.suppress(PrinterRefusesError):
        _cancel_ours(printer, watched.job, watched.name)
    return _look(printer, watched)


def _cancel_ours(printer: PrinterPath, job: int, name: str) -> None:
    # A printer that was restarted may have given the number to another's job.
    seen = printer.job(job)
    if seen.name == name and not seen.ended:
        printer.cancel(job)


def _not_there(error: PrinterError) -> bool:
    return isinstance(error, PrinterRefusesError) and error.status in _NOT_THERE
