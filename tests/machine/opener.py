"""An opener as an object: the real one's checks and its decryption, and a kill that leaves nothing behind.

It is a process that ends with its spooler, so it lives in the spooler's loop; each of its steps is a turn of its own.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any, TypeVar
from unittest import mock

import msgspec

from bus_agent.errors import BusError, ChannelError, PeerGoneError, PeerSilentError, PrinterError, PrinterRefusesError
from bus_agent.ipc.messages import (
    Created,
    Failed,
    FreshKey,
    FromOpener,
    Opened,
    Order,
    Prepare,
    Prepared,
    Proceed,
    Sending,
    Sent,
    Step,
    ToOpener,
    Use,
)
from bus_agent.spooler import opener as real
from bus_agent.spooler.evidence import attempt_id
from bus_agent.spooler.launch import OpenerFailedError
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.headers import SealHeader
from cityhall_wire.messages.printing import ReleaseRequest
from cityhall_wire.seal import OpenerKey
from tests.machine.printer_path import Path, StalledError

M = TypeVar("M", bound=msgspec.Struct)


class ModelOpener:
    """Answers as `bus_agent.spooler.launch.Opener` does. `opened` runs with request, header, envelope and document."""

    def __init__(self, path: Path, opened: Callable[[ReleaseRequest, SealHeader, bytes, bytes], None]) -> None:
        self._path, self._on_opened = path, opened
        self._said: asyncio.Queue[FromOpener] = asyncio.Queue()
        self._fd, self._over, self._job = -1, False, 0
        self._key: OpenerKey | None = None
        self.standing_by = True
        self.send(Prepare(printer="ipp://localhost/ipp/print"))

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._over

    def when_prepared(self, then: Callable[[], None]) -> None:
        """It always is."""
        self._path.process.soon(then)

    async def prepared(self) -> None:
        """Until it waits for its order."""
        await self.expect(Prepared, 10)

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """Raises PeerGoneError."""
        if self._over:
            raise PeerGoneError("opener")
        if fd is not None:
            self._fd = os.dup(fd)
        said: ToOpener = strict_json.decode(strict_json.encode(message), ToOpener)  # type: ignore[arg-type]
        self._path.process.soon(self._hear, said)

    async def expect(self, kind: type[M], timeout_s: float) -> M:
        """As the real one's."""
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._said.get()
        except TimeoutError:
            raise PeerSilentError from None
        if isinstance(message, Failed):
            raise OpenerFailedError(message.why, message.status)
        if not isinstance(message, kind):
            raise ChannelError("out of step")
        return message

    def end(self) -> list[FromOpener]:
        """Kill it; what it said and nobody read is returned."""
        self._over = True
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        left = []
        while not self._said.empty():
            left.append(self._said.get_nowait())
        return left

    def _say(self, message: FromOpener) -> None:
        self._path.passing(f"{message.__struct_config__.tag} is said")
        if not self._over and not self._path.process.dead:
            self._said.put_nowait(strict_json.decode(strict_json.encode(message), FromOpener))  # type: ignore[arg-type]

    def _hear(self, message: ToOpener) -> None:
        if self._over:
            return
        try:
            self._act(message)
        except (BusError, WireError) as error:
            self._say(Failed(why=error.key, status=error.status if isinstance(error, PrinterRefusesError) else 0))
            self._over = True

    def _act(self, message: ToOpener) -> None:
        match message:
            case Prepare():
                self._say(Prepared())
            case Order():
                self._order, self._key = message, OpenerKey()
                self._say(FreshKey(public=self._key.public))
            case Use():
                self._use(message)
            case Proceed(step=Step.CREATE_JOB):
                self._job = self._path.create_job(attempt_id(self._request.job, self._request.attempt), self._header)
                self._say(Created(printer_job=self._job))
            case Proceed(step=Step.SEND_DOCUMENT):
                self._say(Sending())
                self._path.process.soon(self._hear_nothing_more)

    def _use(self, use: Use) -> None:
        if self._key is None:
            raise ChannelError("out of step")
        self._request = strict_json.decode(use.request, ReleaseRequest)
        with mock.patch.object(real, "SystemClock", return_value=self._path.clock):
            self._header, self._document = real._open(self._key, self._order, use, self._request, self._fd)
        self._on_opened(self._request, self._header, use.envelope, bytes(self._document))
        self._say(Opened())

    def _hear_nothing_more(self) -> None:
        if self._over:
            return
        try:
            self._path.send_document(self._job, self._header, self._document)
        except StalledError:
            return
        except PrinterError as error:
            self._say(Failed(why=error.key, status=error.status if isinstance(error, PrinterRefusesError) else 0))
        else:
            self._say(Sent())


class ModelStandby:
    """As `bus_agent.spooler.standby.Standby`: at most one opener waits."""

    def __init__(self, start: Callable[[], ModelOpener], on_change: Callable[[], None]) -> None:
        self._start, self._on_change = start, on_change
        self._waiting: ModelOpener | None = None

    @property
    def ready(self) -> bool:
        """Whether one waits for its order."""
        return self._waiting is not None

    def want(self, wanted: bool) -> None:
        """Start one where none is; end the one that is no longer wanted."""
        if not wanted:
            self.end()
        elif self._waiting is None:
            self._waiting = self._start()
            self._waiting.when_prepared(self._on_change)

    def take(self) -> Any:
        """The one that waits, or a new one."""
        opener, self._waiting = self._waiting, None
        return opener or self._start()

    def end(self) -> None:
        """Nobody waits any more."""
        if self._waiting is not None:
            self._waiting.end()
            self._waiting = None
