"""What a screen is shown in tests: snapshots of a small city, and an agent on a Unix socket that says them.

The stand-in for the agent is for states that the real one cannot be brought into in a unit test (a printer in trouble, a call that
rings, a printer that was lost), and for one that is cut, slow or talks garbage. It carries the real structs of bus_agent/shown.py;
tests/integration/test_screen.py runs the screen on the real agent.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from bus_agent.shown import (
    Advice,
    BooksShown,
    CityShown,
    DutyShown,
    JobShown,
    Level,
    Light,
    LightShown,
    LinkShown,
    PaperName,
    PaperShown,
    PlaceShown,
    PrinterShown,
    Said,
    SectionShown,
    ServiceShown,
    Snapshot,
)
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.relay import SessionView
from cityhall_wire.modes import DutyMode

AT: Final = 1_795_311_720_000
"""2026-11-22 10:42 in Japan."""

SESSION: Final = "s" + "1" * 24
JOB: Final = "j" + "a" * 24

CITY: Final = CityShown(
    config="c1",
    city="hase",
    bus="もーば1号車",
    sections=(
        SectionShown(
            section="shimin", name="市民課", name_en="Citizens", phone="0265-00-1111", video="https://v.example/shimin"
        ),
        SectionShown(
            section="zeimu", name="税務課", name_en="Tax", phone="0265-00-2222", video="https://v.example/zeimu"
        ),
        SectionShown(section="fukushi", name="福祉課", name_en="Welfare", phone="0265-00-3333", video=""),
        SectionShown(section="kosodate", name="子育て支援課", name_en="Children", phone="0265-00-4444", video=""),
    ),
    services=(
        ServiceShown(
            service="juminhyo", name="住民票の写し", name_en="Copy of the resident record", fee_yen=300, paper="kaizan"
        ),
    ),
    stops=(PlaceShown(stop="hase", name="長谷公民館"), PlaceShown(stop="inamachi", name="伊那町集会所")),
    papers=(PaperName(paper="kaizan", name="改ざん防止用紙", numbered=True),),
    concierges=("c-1", "c-2"),
    extension_min=30,
)

LIGHTS: Final = tuple(
    LightShown(
        light=light,
        level=Level.GOOD,
        short=Said(key="x", sentence=short),
        said=Said(key="x", sentence="よい状態です。"),
    )
    for light, short in zip(Light, ("よい", "よい", "つながっています", "よい", "のこり38枚"), strict=True)
)

QUIET: Final = Snapshot(
    bus="bus-1",
    city="hase",
    mode=DutyMode.CITY_HALL,
    duty=DutyShown(
        seat="counter",
        within_hours=True,
        hours=(AT - 6_000_000, AT + 17_280_000),
        extended=False,
        asked_min=0,
        noted=True,
    ),
    boot=1,
    at=AT,
    link=LinkShown(state="up", calm=False, since=AT, key="status.link_up", sentence="connected"),
    lease_left_s=500,
    session=None,
    printer=PrinterSummary(state="idle"),
    printer_shown=PrinterShown(notes=(), told_before_s=0, supplies=(), media_ready=(), impressions=100),
    printer_empty=True,
    spooler=True,
    opener_ready=True,
    jobs=(),
    payload_bytes_received=0,
    advice=Advice("do.call_section", "Press the section's key when a resident sits down."),
    books=BooksShown(
        papers=(
            PaperShown(
                paper="kaizan",
                left=38,
                next="A-000412",
                rows=("A-000412..A-000449",),
                counted_on="",
                differences=(),
            ),
        ),
        cash_expected=0,
        cash_off=0,
        cash_counted_on="",
        open_fees=(),
    ),
    config="c1",
    lights=LIGHTS,
)
"""A free counter at a stop; nothing wrong."""

TALKING: Final = SessionView(session=SESSION, section="shimin", clerk="clerk-1", stop="hase", slot=3, seconds_left=800)

CARD: Final = JobShown(
    job=JOB,
    state="on_bus",
    attempt=1,
    service="juminhyo",
    job_class="certificate",
    paper="kaizan",
    sheets=2,
    impressions=2,
    document_format="application/pdf",
    check_word="47・さくら",
    check_word_reading="47 sakura",
    approved=True,
    received=1000,
    size=1000,
    joint_seal=True,
    reissue_of=None,
    in_session=True,
    printer_job=0,
    why="",
    why_sentence="",
)


def shown(**fields: Any) -> Snapshot:
    """QUIET, but for these."""
    return msgspec.structs.replace(QUIET, **fields)


def with_job(**fields: Any) -> Snapshot:
    """A session with one document in it."""
    return shown(session=TALKING, jobs=(msgspec.structs.replace(CARD, **fields),))


class TestClock:
    """Stands still until a test moves it."""

    __test__ = False

    def __init__(self) -> None:
        self.now = 1000.0

    def utc_ms(self) -> int:
        """Of no day in particular."""
        return AT

    def boottime(self) -> float:
        """As the test says."""
        return self.now


Asked = tuple[str, str, Any]


class StandIn:
    """An agent on a socket. `answer` gets each command, and says the snapshot that follows, or (status, error)."""

    def __init__(self, path: Path, snapshot: Snapshot = QUIET, city: CityShown = CITY) -> None:
        self.path, self.snapshot, self.city = path, snapshot, city
        self.asked: list[Asked] = []
        self.knows_city = True
        self.answer: Callable[[Asked], Snapshot | tuple[int, Any] | None] = lambda _: None
        self._streams: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        """Be gone, as after a kill."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._streams):
            writer.transport.abort()
        self.path.unlink(missing_ok=True)

    def say(self, snapshot: Snapshot) -> None:
        """To everybody who listens."""
        self.snapshot = snapshot
        for writer in self._streams:
            writer.write(self._event())

    def _event(self) -> bytes:
        raw = b"data: " + msgspec.json.encode(self.snapshot) + b"\n\n"
        return f"{len(raw):x}\r\n".encode() + raw + b"\r\n"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, _ = head.split(" ", 2)
            length = next(
                int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length")
            )
            body = await reader.readexactly(length)
            if path == "/v1/events":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + self._event())
                self._streams.add(writer)
                await reader.read()
                self._streams.discard(writer)
            else:
                self._say(writer, *self._answered((method, path, json.loads(body) if body else None)))
        writer.close()

    def _answered(self, asked: Asked) -> tuple[int, Any]:
        if asked[1] == "/v1/city":
            return (200, self.city) if self.knows_city else (404, {})
        self.asked.append(asked)
        found = self.answer(asked)
        if isinstance(found, tuple):
            return found
        if found is not None:
            self.say(found)
        return 200, self.snapshot

    def _say(self, writer: asyncio.StreamWriter, status: int, value: Any) -> None:
        raw = msgspec.json.encode(value)
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
