"""The agent's side of a print: it writes down, passes on, and never decides what came out.

Whatever the spooler wants to do at the printer is in the journal and on disk before `committed` is said. A job goes forward
or back by a statement of the print key alone, whose envelope waits in the outbox unchanged.
"""

import asyncio
import logging
import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent import errors
from bus_agent.agent.bodies import Bodies
from bus_agent.agent.duty import Duty
from bus_agent.agent.release import ReleaseCourier
from bus_agent.agent.rows import Job
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.errors import (
    BodyError,
    BusyError,
    RefusalError,
    RefusedError,
    SpoolerGoneError,
    UnknownJobError,
    WrongStateError,
)
from bus_agent.ipc.messages import (
    Cancel,
    Committed,
    Declined,
    FromSpooler,
    Intent,
    Print,
    Recover,
    Requested,
    Statement,
    Status,
    Step,
)
from cityhall_base.reasons import UNCONFIRMED, Reason
from cityhall_wire import strict_json
from cityhall_wire.errors import LifecycleError, WireError
from cityhall_wire.lifecycle import AT_PRINTER, By, Event, JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope, Role
from cityhall_wire.messages.printing import Evidence, Finding, ReleaseRequest

ACCEPT_S: Final = 15
"""The spooler asks the printer and starts an opener before it says yes or no."""

SPOOLER_GONE: Final = Reason.SPOOLER_GONE.bare
_UNHEARD: Final = UNCONFIRMED | {SPOOLER_GONE}
"""Why a job is uncertain of which the printer may still tell, or which it may still hold."""

_EVENTS: Final = {finding: Event(finding) for finding in Finding}
_DECLINES: Final = {
    kind.key: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, RefusedError | errors.DriverError)
}

log = logging.getLogger(__name__)


class Printing:
    """One print at a time."""

    def __init__(
        self,
        store: BusStore,
        bodies: Bodies,
        duty: Duty,
        syncer: Syncer,
        line: SpoolerLine,
        courier: ReleaseCourier,
        print_key: Ed25519PublicKey,
    ) -> None:
        self._store, self._bodies, self._duty, self._syncer = store, bodies, duty, syncer
        self._line, self._courier = line, courier
        self._keyring = {Role.PRINT: (print_key,)}
        self._asked: dict[str, asyncio.Future[None]] = {}
        line.on_message, line.on_connect, line.on_gone = self._hear, self._connected, self._gone

    async def print(self, name: str) -> Job:
        """The concierge pressed 印刷: returns when an opener waits for its key.

        Raises RefusedError or LinkError, whose sentence she reads.
        """
        self._duty.check(self._store.job(name))
        if self._asked:
            raise BusyError
        accepted = self._asked[name] = asyncio.get_running_loop().create_future()
        try:
            # City hall must know how the attempt before ended, or it refuses this one.
            await self._syncer.flush()
            job = self._store.job(name)
            self._duty.check(job)
            self._send(job)
            async with asyncio.timeout(ACCEPT_S):
                await accepted
        except TimeoutError:
            raise SpoolerGoneError from None
        finally:
            del self._asked[name]
        return self._store.job(name)

    def _send(self, job: Job) -> None:
        order = Print(
            job=job.job,
            attempt=job.attempt,
            session=job.session,
            mode=self._duty.mode,
            seal_header=job.seal_header,
        )
        try:
            fd = self._bodies.open(job.job)
        except OSError:
            raise BodyError from None
        try:
            self._line.send(order, fd)
        finally:
            os.close(fd)

    # --- what the spooler says ---

    def _hear(self, message: FromSpooler) -> None:
        try:
            match message:
                case Status():
                    self._duty.spooler = message
                    self._syncer.planned.beat()
                case Declined():
                    self._declined(message)
                case Requested():
                    self._requested(message)
                case Intent():
                    self._intended(message)
                case Statement():
                    self._stated(message.job, message.evidence)
        except (WireError, UnknownJobError) as error:
            log.warning("spooler said what cannot be used: %s", error)
        except SpoolerGoneError as error:
            log.info("%s", error)

    def _declined(self, message: Declined) -> None:
        with self._store.event():
            self._store.change(message.job, why=message.key)
            self._store.record("declined", message.job, attempt=message.attempt, why=message.key)
        waiting = self._asked.get(message.job)
        if waiting and not waiting.done():
            waiting.set_exception(_DECLINES.get(message.key, errors.PrinterNotReadyError)())

    def _requested(self, message: Requested) -> None:
        opened = envelope.verify(message.envelope, self._keyring)
        request = opened.expect(ReleaseRequest)
        job = self._store.job(request.job)
        if (request.job, request.attempt) != (message.job, job.attempt):
            raise LifecycleError("another attempt")
        if job.state is not JobState.ON_BUS:
            self._withdraw(message)
            return
        with self._store.event():
            self._store.step(
                job.job, Event.RELEASE, By.PRINT_KEY, request=message.envelope, printer_job=0, sent=b"", why=""
            )
            self._store.record("release_requested", job.job, attempt=job.attempt, incarnation=request.incarnation)
        self._courier.fetch(message, self._line)
        waiting = self._asked.get(message.job)
        if waiting and not waiting.done():
            waiting.set_result(None)

    def _withdraw(self, message: Requested) -> None:
        # It was ended while the opener made its key: neither concierge nor spooler shall wait for an answer that never comes.
        waiting = self._asked.get(message.job)
        if waiting and not waiting.done():
            waiting.set_exception(WrongStateError(self._store.job(message.job).state))
        self._line.send(Cancel(job=message.job, attempt=message.attempt, why="session_ended"))

    def _intended(self, message: Intent) -> None:
        if why := self._duty.why_end(self._store.job(message.job)):
            # It would be canceled a moment later, with a sheet on its way.
            self._line.send(Cancel(job=message.job, attempt=message.attempt, why=why))
            return
        with self._store.event():
            body = {"attempt": message.attempt, "printer_job": message.printer_job}
            self._store.record(f"intent_{message.step}", message.job, **body)
            if message.step is Step.SEND_DOCUMENT:
                drawn = 1 + max(job.drawn for job in self._store.jobs())
                self._store.change(message.job, printer_job=message.printer_job, drawn=drawn)
            if message.evidence is not None:
                self._stated(message.job, message.evidence)
        self._line.send(Committed(job=message.job, attempt=message.attempt, step=message.step))

    def _stated(self, name: str, raw: bytes) -> None:
        evidence = envelope.verify(raw, self._keyring).expect(Evidence)
        if evidence.job != name:
            raise LifecycleError("another job")
        with self._store.event():
            if not self._store.first_hearing(name, evidence.incarnation, evidence.nonce, evidence.n):
                return
            self._store.queue("evidence", name, raw)
            self._store.record("evidence", name, finding=evidence.finding, why=evidence.why, n=evidence.n)
            self._follow(self._store.job(name), evidence, raw)
        if evidence.finding is not Finding.SENDING:
            # That one goes with the next: the line and two processors are wanted for the document now.
            self._syncer.tell()

    def _follow(self, job: Job, evidence: Evidence, raw: bytes) -> None:
        about = (evidence.attempt, evidence.nonce)
        if about != (job.attempt, _nonce(job)) or job.state not in AT_PRINTER | {JobState.UNCERTAIN}:
            return  # late: where the job stands is decided already, and city hall gets the statement all the same
        facts: dict[str, object] = {"why": evidence.why}
        if evidence.finding is Finding.SENT:
            facts["sent"] = raw
        if evidence.finding is Finding.NO_SHEET:
            # A request that city hall refused has used up no attempt there.
            used = evidence.why != RefusalError.key
            facts |= {"attempt": job.attempt + used, "request": b"", "printer_job": 0}
            facts["why"] = evidence.why if used else job.why
        try:
            self._store.step(job.job, _EVENTS[evidence.finding], By.PRINT_KEY, **facts)
        except LifecycleError as error:
            self._store.record("no_step", job.job, why=str(error))

    # --- the ends of a connection ---

    def _connected(self) -> None:
        for job in self._store.jobs():
            lost = job.state is JobState.UNCERTAIN and job.why in _UNHEARD
            if job.request and (job.state in AT_PRINTER or lost):
                self._line.send(
                    Recover(
                        job=job.job,
                        attempt=job.attempt,
                        request=job.request,
                        seal_header=job.seal_header,
                        printer_job=job.printer_job,
                        sent=job.sent,
                    )
                )

    def _gone(self) -> None:
        self._duty.spooler = None
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(SpoolerGoneError())
        self._syncer.planned.beat()


def _nonce(job: Job) -> bytes:
    """Of the request of the running attempt, which was verified when it was kept; an attempt that was refused had another."""
    if not job.request:
        return b""
    return strict_json.decode(strict_json.decode(job.request, Envelope).payload, ReleaseRequest).nonce
