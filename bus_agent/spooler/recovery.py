"""What became of an attempt that an earlier incarnation of the spooler began. It asks the printer, and never prints.

"No such job" proves that no sheet came out only while the printer cannot have lost or forgotten one: same printer-uuid,
printer-up-time neither behind nor ahead of the time that went by since the signed request, and that time short.
"""

import asyncio
import logging
from typing import Final

from bus_agent.errors import BusError, PrinterError
from bus_agent.ipc.messages import Recover
from bus_agent.spooler import watch
from bus_agent.spooler.case import Case, Tools
from bus_agent.spooler.printer import HISTORY_JOBS
from bus_agent.spooler.reading import JobStatus, PrinterStatus
from bus_agent.spooler.watch import UpTime, Verdict
from cityhall_wire.errors import HeaderError, WireError
from cityhall_wire.headers import decode_seal_header, seal_digest
from cityhall_wire.messages.printing import Finding, ReleaseRequest

_WITHOUT_DOCUMENT: Final = "job-data-insufficient"

log = logging.getLogger(__name__)


class Recovery(Case):
    """Raises WireError where the request is not one that this print key signed for this job."""

    def __init__(self, tools: Tools, recover: Recover) -> None:
        super().__init__(tools, recover.job, recover.attempt)
        self.request: ReleaseRequest = tools.signer.reopen(recover.request).request
        if (self.request.job, self.request.attempt) != (recover.job, recover.attempt):
            raise HeaderError("job and attempt of the request")
        if self.request.seal_digest != seal_digest(recover.seal_header):
            raise HeaderError("seal_digest")
        self._header = decode_seal_header(recover.seal_header)
        self._told_job = recover.printer_job
        self._sent = bool(recover.sent) and tools.signer.proves_sent(recover.sent, self.request)

    async def run(self) -> None:
        """To the last statement."""
        try:
            verdict = await self._look()
        except asyncio.CancelledError:
            verdict = await self._after_cancel()
        except (BusError, WireError) as error:
            verdict = Verdict(Finding.DOUBT, error.key)
        self.conclude(verdict)

    async def _look(self) -> Verdict:
        heard = await self._history()
        if heard is None:
            return Verdict(Finding.DOUBT, "printer_silent")
        printer, jobs = heard
        if not printer.uuid or printer.uuid != self.request.printer_uuid:
            return Verdict(Finding.DOUBT, "another_printer")
        mine = [job for job in jobs if job.name == self.name]
        if len(mine) > 1:
            return Verdict(Finding.DOUBT, "found_twice", mine[0])
        return await self._found(mine[0], printer) if mine else self._not_found(printer, len(jobs))

    async def _found(self, job: JobStatus, printer: PrinterStatus) -> Verdict:
        tools, self._printer_job = self.tools, job.id
        watched = self.watched(self._header, self._up_time())
        restarted = watched.up_time.behind(printer.up_time, tools.clock.boottime())
        if _WITHOUT_DOCUMENT not in job.reasons or self._sent or restarted:
            # A printer that kept its jobs over a restart may have lost a document of which sheets had come out.
            return self._if_sent(await watch.watch(tools.printer, watched, tools.city.limits, tools.clock))
        # Nobody is left who could send the document. Canceled, the empty job is the proof that nobody did.
        verdict = await self._confirm(watched)
        if verdict.seen and verdict.seen.state == "canceled" and not verdict.seen.impressions:
            return verdict._replace(finding=Finding.NO_SHEET, why="canceled_without_document")
        return self._if_sent(verdict)

    def _if_sent(self, verdict: Verdict) -> Verdict:
        if verdict.finding is Finding.COMPLETED and not self._sent:
            # The sender was cut off, perhaps in the middle of the document.
            return verdict._replace(finding=Finding.DOUBT, why="send_unconfirmed")
        return verdict

    def _not_found(self, printer: PrinterStatus, known: int) -> Verdict:
        elapsed = self._elapsed_s()
        if self._told_job:
            return Verdict(Finding.DOUBT, "job_not_found")
        if not UpTime(self.request.printer_up_time, 0).fits(printer.up_time, elapsed):
            return Verdict(Finding.DOUBT, "printer_restarted")
        if elapsed > self.tools.profile.history_s or known >= HISTORY_JOBS:
            return Verdict(Finding.DOUBT, "history_too_old")
        return Verdict(Finding.NO_SHEET, "never_at_printer")

    def _elapsed_s(self) -> float:
        """Since the request was signed, by a clock that may have been set in between; then too much or too little is a doubt."""
        return (self.tools.clock.utc_ms() - self.request.at) / 1000

    def _up_time(self) -> UpTime:
        return UpTime(self.request.printer_up_time, self.tools.clock.boottime() - max(self._elapsed_s(), 0))

    async def _history(self) -> tuple[PrinterStatus, list[JobStatus]] | None:
        tools, limits = self.tools, self.tools.city.limits
        until = tools.clock.boottime() + limits.printer_silence_s
        while tools.clock.boottime() < until:
            try:
                jobs = await asyncio.to_thread(tools.printer.jobs)
                # The printer after the jobs: a restart between the two shows in its up-time.
                return await asyncio.to_thread(tools.printer.describe), jobs
            except PrinterError as error:
                log.info("%s: %s", self.name, error)
            await asyncio.sleep(limits.printer_poll_ms / 1000)
        return None

    async def _after_cancel(self) -> Verdict:
        try:
            # The cancel may have come before the printer was asked; what it holds must not come out after a refill.
            self._printer_job = self._printer_job or await self._find()
        except PrinterError:
            return Verdict(Finding.DOUBT, "printer_silent")
        if not self._printer_job:
            return Verdict(Finding.DOUBT, "canceled_unseen")
        # A cancel that came too late proves no more than watching did.
        return self._if_sent(await self._confirm(self.watched(self._header, UpTime(0, self.tools.clock.boottime()))))
