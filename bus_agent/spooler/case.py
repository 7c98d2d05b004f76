"""One attempt of one job, as the spooler knows it: the signed request, the statements so far, and how it ends.

`Attempt` (with an opener) and `Recovery` (without) are the two ways into it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent.driver.client import Driver
from bus_agent.errors import PrinterError
from bus_agent.ipc.messages import Statement
from bus_agent.spooler import watch
from bus_agent.spooler.evidence import Heard, Signer, attempt_id
from bus_agent.spooler.printer import PrinterPath
from bus_agent.spooler.standby import Standby
from bus_agent.spooler.watch import UpTime, Verdict, Watched
from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.printers import Printer as PrinterProfile
from cityhall_wire.headers import SealHeader
from cityhall_wire.messages.printing import Finding, ReleaseRequest

_NEVER: Final = -1
"""Impressions that no count equals: nothing proves any more that it came out, only that it did not."""

_LATER: Final = "canceled_later"

log = logging.getLogger(__name__)

Say = Callable[[msgspec.Struct], None]
"""Tell the agent, where one is connected; else it asks again by itself (`Recover`)."""


class Tools(NamedTuple):
    """What every attempt works with."""

    city: City
    profile: PrinterProfile
    printer: PrinterPath
    relay_key: Ed25519PublicKey
    signer: Signer
    clock: Clock
    standby: Standby
    say: Say
    driver: Driver | None = None  # where the printer needs one


class Case:
    """The common part. `over` once the last statement is made; then only the printer's later word can still clear a doubt."""

    def __init__(self, tools: Tools, job: str, attempt: int) -> None:
        self.tools, self.job, self.attempt = tools, job, attempt
        self.name: Final = attempt_id(job, attempt)
        self.request: ReleaseRequest | None = None
        self.statements: list[Statement] = []
        self.finding: Finding | None = None
        self.task: asyncio.Task[None] | None = None
        self.why_canceled = "canceled"
        self._canceled = self._clearing = False
        self._printer_job = 0
        self._proves = _NEVER
        self._pursuit: asyncio.Task[None] | None = None
        self._up_time = UpTime(0, 0)  # the printer's, when the release was asked for

    @property
    def over(self) -> bool:
        """Nothing of this attempt is under way."""
        return self.task is not None and self.task.done()

    def start(self) -> None:
        """Begin, in the background."""
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        """To the last statement, whatever happens."""
        raise NotImplementedError

    def cancel(self, why: str) -> None:
        """Session, duty or lease ended (invariant I10)."""
        if self._canceled:
            return
        self._canceled, self.why_canceled = True, why
        if self._clearing:
            return  # the job is being canceled at the printer already, and that must come to its statement
        if self.task is not None and not self.task.done():
            self.task.cancel()
        elif self.finding is Finding.DOUBT:
            self._pursue()

    def agent_gone(self) -> None:
        """No printer step is taken from here on but Cancel-Job; watching goes on."""

    def repeat(self) -> None:
        """Say all statements again."""
        for statement in self.statements:
            self.tools.say(statement)

    def state(self, finding: Finding, why: str, seen: Verdict | None = None) -> Statement:
        """Sign the next statement and keep it."""
        if self.request is None:
            raise RuntimeError("an attempt without a request has nothing to state")
        n, job = len(self.statements) + 1, self._printer_job
        heard = Heard(seen.seen, seen.printer) if seen else Heard()
        evidence = self.tools.signer.statement(self.request, n, finding, why, job, heard)
        statement = Statement(job=self.job, attempt=self.attempt, evidence=evidence)
        self.statements.append(statement)
        self.finding = finding
        log.info("%s: %s (%s)", self.name, finding, why)
        return statement

    def conclude(self, verdict: Verdict) -> None:
        """The last statement, said to the agent. What the printer may still hold is pursued from here on."""
        self.tools.say(self.state(verdict.finding, verdict.why, verdict))
        if verdict.stood:
            self._proves = _NEVER
        if verdict.open:
            self._pursue()

    def watched(self, header: SealHeader) -> Watched:
        """What `watch` needs for this attempt's job at the printer."""
        return self._watched(self._printer_job, header.impressions)

    def _watched(self, printer_job: int, impressions: int) -> Watched:
        if self.request is None:
            raise RuntimeError("an attempt without a request has nothing at the printer")
        asked, profile = self.request, self.tools.profile
        return Watched(
            printer_job,
            self.name,
            impressions,
            profile.proof,
            self._up_time,
            asked.printer_uuid,
            asked.printer_up_time,
            asked.printer_counter,
            profile.lies,
        )

    async def clear_printer(self) -> None:
        """Cancel what Create-Job may have left, and see it gone. No document was sent, so no sheet depends on this."""
        try:
            job = self._printer_job or await self._find()
            if job:
                verdict = await self._confirm(self._watched(job, 0))
                log.info("%s: empty job %d at the printer: %s", self.name, job, verdict.why)
        except PrinterError as error:
            log.warning("%s: the printer may hold an empty job: %s", self.name, error)

    async def _find(self) -> int:
        jobs = await asyncio.to_thread(self.tools.printer.jobs)
        return next((job.id for job in jobs if job.name == self.name), 0)

    async def _confirm(self, watched: Watched) -> Verdict:
        tools = self.tools
        return await watch.cancel(tools.printer, watched, tools.city.limits, tools.clock, self.why_canceled)

    def _pursue(self) -> None:
        if self._printer_job and (self._pursuit is None or self._pursuit.done()):
            self._pursuit = asyncio.create_task(self._hear_later())

    async def _hear_later(self) -> None:
        tools, proves = self.tools, self._proves
        verdict = await watch.pursue(tools.printer, self._watched(self._printer_job, proves), tools.clock)
        if verdict.finding is Finding.COMPLETED:
            self.conclude(verdict)
        elif verdict.finding is Finding.CANCELED_AT_PRINTER or (verdict.empty and proves is _NEVER):
            ended = (Finding.CANCELED_AT_PRINTER, self.why_canceled) if self._canceled else (Finding.NO_SHEET, _LATER)
            self.conclude(verdict._replace(finding=ended[0], why=ended[1]))
