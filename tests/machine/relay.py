"""City hall's side: the real relay behind a door without HTTP, killed by closing its databases under it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from cityhall_base.store import TROUBLE
from cityhall_base.web.errors import NO_ROOM
from cityhall_relay import boss
from cityhall_relay.bus_desk import EVIDENCE, RELEASE, SYNC
from cityhall_relay.errors import NotAllowedError
from cityhall_relay.intake.report import Drawing, IntakeLimits, Report
from cityhall_relay.serve import TICK_S
from cityhall_relay.settings import load_relay
from cityhall_wire.errors import SignatureError, TooLargeError, WireError
from cityhall_wire.messages import envelope
from tests.machine.gates import Gates
from tests.machine.line import Asked, Reply
from tests.machine.truth import pages_of
from tests.machine.virtual import BoxClock, Process

KINDS: Final = {"/1/sync": SYNC, "/1/release": RELEASE, "/1/evidence": EVIDENCE}


async def checked(document: bytes, limits: IntakeLimits, drawing: Drawing | None = None) -> Report:
    """Stands in for the disposable process: this document is known to be in order."""
    return Report(pages=pages_of(document), sizes=(), document_format="application/pdf", isolation=(), drawn=b"")


class Relay:
    """One running relay over the state in `top`. `hint` wakes a bus."""

    def __init__(self, top: Path, clock: BoxClock, process: Process, gates: Gates, hint: Callable[[str], None]) -> None:
        self.process, self._gates = process, gates
        self.parts = boss.build(load_relay(top / "relay.toml"), clock, checked)
        self.bodies = top / "state" / "bodies"
        self.parts.changes.hint = hint
        self._watch_writing(self.parts.store)
        self._watch_writing(self.parts.keys)
        self.parts.housekeeping.start()
        process.spawn(self._tick())

    def kill(self) -> None:
        """SIGKILL: what was not committed is not there."""
        if not self.process.dead:
            self.process.kill()
            self.parts.close()

    def serve(self, asked: Asked) -> Reply:
        """One request; raises OSError where nobody is there to answer."""
        if self.process.dead or self.process.frozen:
            raise ConnectionRefusedError
        try:
            reply = self._answer(asked)
        except Exception:
            if self.process.dead:
                raise ConnectionResetError from None
            raise
        if self.process.dead:
            raise ConnectionResetError
        return reply

    def _answer(self, asked: Asked) -> Reply:
        try:
            bus = self.parts.bus_desk.enrolled(asked.bus)
            if asked.path in KINDS and envelope.is_batch(asked.raw):
                answers = _at_once(self.parts.bus_desk.answer_each(bus, envelope.split(asked.raw), KINDS[asked.path]))
                return Reply(200, envelope.join(answers), {})
            if asked.path in KINDS:
                return Reply(200, self.parts.bus_desk.answer(bus, asked.raw, KINDS[asked.path]), {})
            return self._body(bus, asked)
        except NotAllowedError:
            return Reply(403, b"", {})
        except WireError as error:
            return Reply({SignatureError: 403, TooLargeError: 413}.get(type(error), 400), b"", {})
        except TROUBLE:
            if self.process.dead:
                raise ConnectionResetError from None
            return Reply(NO_ROOM, b"", {})

    def _body(self, bus: str, asked: Asked) -> Reply:
        # As `bus_api.body` has it: the rest of that address is HTTP.
        name = asked.path.rpartition("/")[2]
        job = self.parts.store.job(name)
        if job is None or job.bus != bus or job.ended:
            return Reply(404, b"", {})
        first, last = map(int, asked.headers["Range"].removeprefix("bytes=").split("-"))
        piece = (self.bodies / name).read_bytes()[first : last + 1]
        return Reply(206, piece, {"content-range": f"bytes {first}-{last}/{job.body_size}"})

    async def _tick(self) -> None:
        while True:
            try:
                self.parts.housekeeping.tick()
            except TROUBLE:
                if not self.process.dead:
                    raise
            await asyncio.sleep(TICK_S)

    def _watch_writing(self, store: Any) -> None:
        record = store.record

        def passing(kind: str, job: str = "", **body: Any) -> None:
            self._gates.passing(f"relay writes {kind}", "")
            record(kind, job, **body)

        store.record = passing


def _at_once(answering: Coroutine[Any, Any, list[bytes]]) -> list[bytes]:
    """It gives way between two envelopes, and in this model nobody is waiting for that."""
    try:
        while True:
            answering.send(None)
    except StopIteration as done:
        return list(done.value)
