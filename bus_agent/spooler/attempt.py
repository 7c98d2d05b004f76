"""One print, from the concierge's press to the last statement, step by step as docs/design.md has it.

Before each printer step the agent has committed it. While the agent is gone nothing but Cancel-Job is done: every wait for
it then ends the print. Whether the document's first byte may have left the box is known at every moment (`_sending`), and
all that goes wrong before it is NO_SHEET.
"""

import asyncio
import os
import socket
from typing import Final, NamedTuple, TypeVar

from bus_agent.driver.client import CONVERT_S
from bus_agent.errors import (
    BodyError,
    BusError,
    ChannelError,
    LateReleaseError,
    PeerGoneError,
    PeerSilentError,
)
from bus_agent.ipc.messages import (
    Answered,
    Committed,
    Created,
    Declined,
    FreshKey,
    Intent,
    Opened,
    Order,
    Print,
    Proceed,
    Requested,
    Sending,
    Sent,
    Step,
    ThroughDriver,
    Use,
)
from bus_agent.spooler import readiness, verify, watch
from bus_agent.spooler.case import Case, Tools
from bus_agent.spooler.launch import Opener, OpenerFailedError
from bus_agent.spooler.reading import PrinterStatus
from bus_agent.spooler.watch import UpTime, Verdict
from cityhall_wire.errors import HeaderError, WireError
from cityhall_wire.headers import SealHeader, decode_seal_header
from cityhall_wire.messages import envelope
from cityhall_wire.messages.printing import Finding
from cityhall_wire.modes import may_print
from cityhall_wire.seal import sealed_size

_KEY_S: Final = 5
"""A key pair takes 0.3 ms."""

_OPEN_S: Final = 10
"""32 MiB are opened in about 0.1 s."""

_COMMIT_S: Final = 10
"""The agent's commit is one fsync."""

_PRINTER_S: Final = 15
_SEND_S: Final = 180
"""32 MiB over a printer's slow 100 Mbit/s take 3 s; one that warms up stops reading for up to a minute."""

_UNREAD: Final = 8
"""Words of the agent that may wait: one is asked for at a time."""

FromAgent = Answered | Committed
M = TypeVar("M", Answered, Committed)


class CanceledError(BusError):
    """Session, duty or lease ended; the print was stopped."""

    key = "print.canceled"


class _Ready(NamedTuple):
    header: SealHeader
    printer: PrinterStatus
    at: float


class Attempt(Case):
    """A print under way. `body` is the ciphertext's descriptor, closed here."""

    def __init__(self, tools: Tools, order: Print, body: int) -> None:
        super().__init__(tools, order.job, order.attempt)
        self._order, self._body = order, body
        self._inbox: asyncio.Queue[FromAgent | None] = asyncio.Queue()
        self._opener: Opener | None = None
        self._driver: socket.socket | None = None
        self._creating = self._sending = self._sent = False

    def take(self, message: FromAgent) -> None:
        """The agent's word on this attempt; one that says more than it is asked is not listened to."""
        if self._inbox.qsize() < _UNREAD:
            self._inbox.put_nowait(message)

    def agent_gone(self) -> None:
        """The next wait for the agent ends the print."""
        self._inbox.put_nowait(None)

    async def run(self) -> None:
        """To the last statement, or to `Declined` where nothing was begun."""
        verdict: Verdict | None = None
        error: BusError | WireError | None = None
        try:
            verdict = await self._print()
        except asyncio.CancelledError:
            error = CanceledError(self.why_canceled)
        except (BusError, WireError) as failure:
            error = failure
        finally:
            self._clearing = error is not None
            self._end_opener()
            self._close_body()
            self._hang_up()
        if error is not None:
            verdict = await self._after(error)
        if verdict is not None:
            self.conclude(verdict)

    async def _print(self) -> Verdict:
        header = await self._begin()
        opener = self._opener = self.tools.standby.take()
        # The printer is asked while the opener makes its key.
        looking = asyncio.create_task(self._look(header))
        try:
            public = await self._give_order(opener, self._approvals(header))
            ready = await looking
        finally:
            looking.cancel()
        await self._release(opener, ready, public)
        await self._commit(Intent(job=self.job, attempt=self.attempt, step=Step.CREATE_JOB))
        self._creating = True
        opener.send(Proceed(step=Step.CREATE_JOB))
        self._printer_job = (await opener.expect(Created, _PRINTER_S)).printer_job
        await self._commit(self._intent_to_send())
        opener.send(Proceed(step=Step.SEND_DOCUMENT))
        await opener.expect(Sending, _PRINTER_S)
        self._sending = True
        await opener.expect(Sent, _SEND_S)
        self._sent = True
        self.tools.say(self.state(Finding.SENT, "sent"))
        self._end_opener()
        return await self._watch(ready)

    async def _begin(self) -> SealHeader:
        header = decode_seal_header(self._order.seal_header)
        self._check_order(header)
        if self.tools.driver:
            # First of all: what cannot be converted needs no key and no release.
            self._driver = await asyncio.to_thread(self.tools.driver.engage)
        return header

    async def _look(self, header: SealHeader) -> _Ready:
        tools = self.tools
        printer, at = await asyncio.to_thread(tools.printer.describe), tools.clock.boottime()
        readiness.check(printer, tools.profile, header.media)
        return _Ready(header, printer, at)

    def _approvals(self, header: SealHeader) -> int:
        service = self.tools.city.services.get(header.service)
        return 2 if service and service.second_approver else 1

    def _check_order(self, header: SealHeader) -> None:
        me, profile = self.tools.signer.identity, self.tools.profile
        if (header.city, header.job) != (me.city, self.job):
            raise HeaderError("city and job of the seal header")
        if not may_print(self._order.mode, header.job_class):
            raise HeaderError(f"mode {self._order.mode} and class {header.job_class}")
        if header.document_format != profile.sealed_format:
            raise BodyError(f"the printer takes no {header.document_format}")
        if os.fstat(self._body).st_size != sealed_size(header.size):
            raise BodyError("not as long as the seal header says")

    async def _give_order(self, opener: Opener, approvals: int) -> bytes:
        """The public half of the opener's fresh key."""
        header, key = self._order.seal_header, self.tools.relay_key.public_bytes_raw()
        sends = self.tools.profile.sent_format if self._driver else None
        await opener.prepared()
        opener.send(Order(seal_header=header, relay_key=key, approvals=approvals, driver_sends=sends), self._body)
        self._close_body()
        if self._driver:
            opener.send(ThroughDriver(), self._driver.fileno())
            self._hang_up()
        return (await opener.expect(FreshKey, _KEY_S)).public

    async def _release(self, opener: Opener, ready: _Ready, public: bytes) -> None:
        tools, order = self.tools, self._order
        signed = tools.signer.request(order, public, ready.printer)
        self.request = signed.request
        deadline = tools.clock.boottime() + tools.city.limits.release_s
        tools.say(Requested(job=self.job, attempt=self.attempt, envelope=signed.envelope))
        try:
            answer = (await self._hear(Answered, tools.city.limits.release_s)).envelope
        except PeerSilentError:
            raise LateReleaseError from None
        # The opener checks all of it for itself, at the same time; before a printer step both must have found it good.
        opener.send(Use(envelope=answer, request=signed.payload, deadline=deadline))
        digest, approvals = envelope.digest(signed.payload), self._approvals(ready.header)
        expected = verify.Expected(signed.request, digest, order.seal_header, public, approvals)
        verify.check_release(answer, tools.relay_key, expected)
        verify.check_in_time(deadline, tools.clock.boottime())
        await opener.expect(Opened, _OPEN_S + (CONVERT_S if tools.driver else 0))

    def _intent_to_send(self) -> Intent:
        statement = self.state(Finding.SENDING, "created")
        return Intent(
            job=self.job,
            attempt=self.attempt,
            step=Step.SEND_DOCUMENT,
            printer_job=self._printer_job,
            evidence=statement.evidence,
        )

    async def _commit(self, intent: Intent) -> None:
        self.tools.say(intent)
        if (await self._hear(Committed, _COMMIT_S)).step is not intent.step:
            raise ChannelError("out of step")

    async def _hear(self, kind: type[M], timeout_s: float) -> M:
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._inbox.get()
        except TimeoutError:
            raise PeerSilentError from None
        if message is None:
            raise PeerGoneError("agent")
        if not isinstance(message, kind):
            raise ChannelError("out of step")
        return message

    async def _watch(self, ready: _Ready) -> Verdict:
        tools = self.tools
        watched = self.watched(ready.header, UpTime(ready.printer.up_time, ready.at))
        verdict = await watch.watch(tools.printer, watched, tools.city.limits, tools.clock)
        if verdict.finding is Finding.DOUBT and not (verdict.seen and verdict.seen.ended):
            # Whatever it still holds must not come out after a refill, when nobody waits for it.
            await watch.try_to_cancel(tools.printer, self._printer_job)
        return verdict

    async def _after(self, error: BusError | WireError) -> Verdict | None:
        if self.request is None:
            self.tools.say(Declined(job=self.job, attempt=self.attempt, key=error.key))
            return None
        if not self._sending:
            if self._creating:
                await self.clear_printer()
            return Verdict(Finding.NO_SHEET, error.why if isinstance(error, OpenerFailedError) else error.key)
        return await self._after_sending(error)

    async def _after_sending(self, error: BusError | WireError) -> Verdict:
        header = decode_seal_header(self._order.seal_header)
        now = UpTime(0, self.tools.clock.boottime())
        verdict = await self._confirm(self.watched(header, now))
        if verdict.finding is Finding.COMPLETED and not self._sent:
            # Sent in part, and a printer may call a torso "completed".
            return verdict._replace(finding=Finding.DOUBT, why="send_broken")
        if isinstance(error, CanceledError):
            return verdict
        refused = isinstance(error, OpenerFailedError) and error.status != 0
        if refused and verdict.finding is Finding.CANCELED_AT_PRINTER:
            return verdict._replace(finding=Finding.NO_SHEET, why="document_refused")
        return verdict

    def _end_opener(self) -> None:
        if self._opener is None:
            return
        for message in self._opener.end():
            if isinstance(message, Created):
                self._printer_job = message.printer_job
            self._sending = self._sending or isinstance(message, Sending)
            self._sent = self._sent or isinstance(message, Sent)
        self._opener = None

    def _hang_up(self) -> None:
        # The opener's end is then the last one, and its end the driver's.
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _close_body(self) -> None:
        if self._body >= 0:
            os.close(self._body)
            self._body = -1
