"""One counter session that stays open, and one document after the other through it, each press on a connection that is there."""

import http.client
import io
import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import pikepdf

from cityhall_relay.client.api import CityHall
from cityhall_relay.settings import load_clerk
from provisioning.demo.paper import Paper
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.errors import WalkError
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, SECTION, SERVICE, STOP
from tests.bench.quiet import wait_for_quiet

Json = dict[str, Any]
STEP_S: Final = 60.0
PATIENCE_S: Final = 10.0


class Document(NamedTuple):
    """A certificate whose size an image makes that its page draws: what no page draws, a filter of CUPS leaves out."""

    label: str
    content: bytes


class Printed(NamedTuple):
    """One document that came out. Nanoseconds since 1970; `seen_ns` is when who submitted it could see `printed`."""

    job: str
    pressed_ns: int
    paper: Paper
    seen_ns: int

    @property
    def to_paper_ms(self) -> float:
        """From the press until the printer held the last byte."""
        return (self.paper.started_ns - self.pressed_ns) / 1e6

    @property
    def to_submitter_ms(self) -> float:
        """From the printer's own `completed` until its submitter could see it."""
        return (self.seen_ns - self.paper.completed_ns) / 1e6


def documents() -> tuple[Document, ...]:
    """The three sizes that every measurement has."""
    sizes = {"0.1 MB": 100_000, "1 MB": 1_000_000, "20 MB": 20_000_000}
    drawn = enumerate(sizes.items(), start=1)
    return tuple(Document(label, sample_certificate(number, target_bytes=size)) for number, (label, size) in drawn)


def unfiltered() -> Document:
    """20 MB whose image has no filter, as scanners' programs may write it: CUPS compresses it on the way."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(documents()[-1].content)) as pdf:
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    return Document("20 MB unfiltered", out.getvalue())


class Counter:
    """Clerk and concierge. Raises WalkError, PartError, or what the clerk's client says."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._clerk = CityHall(load_clerk(house.city.clerk_toml), PATIENCE_S)
        self._session = ""

    def __enter__(self) -> Self:
        self.house.on_duty()
        self._session = str(self._clerk.open_session(BUS, SECTION, STOP, 1)["session"])
        wait_until(lambda: self.house.snapshot()["session"] is not None, STEP_S, "the bus has heard of the session")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._clerk.close_session(self._session)
        self._clerk.close()

    def carry(self, document: Document) -> str:
        """From the clerk's hand until the bus waits for the press; the job."""
        job = str(self._clerk.send(document.content, self._session, SERVICE, secrets.token_hex(16))["job"])
        wait_until(lambda: self._on_board(job).get("state") == "on_bus", STEP_S, "the document is on the bus")
        self._clerk.approve(job, again=True)
        self.wait_until_expected(job)
        return job

    def take_back(self, job: str) -> None:
        """The clerk cancels a carried job, and both sides have forgotten it."""
        self._clerk.cancel(job)
        wait_until(lambda: not self._on_board(job), STEP_S, "both sides have signed that it is gone")

    def print(self, document: Document) -> Printed:
        """From the clerk's hand to the resident's; raises WalkError where other bytes came out."""
        return self.press(self.carry(document), document)

    def press(self, job: str, document: Document) -> Printed:
        """A carried job, from the press to the resident's hand; raises WalkError where other bytes came out."""
        before = len(self.house.papers())
        views = self._clerk.watch(job)
        next(views)  # now the clerk's screen follows the job
        with ThreadPoolExecutor(1) as screen:
            seen = screen.submit(_until_printed, views)
            wait_for_quiet()
            pressed_ns = self._button(job, "print")
            seen_ns = seen.result(STEP_S)
        (paper,) = self.house.papers()[before:]
        if paper.size != len(document.content):
            raise WalkError(f"{paper.size} bytes came out of {len(document.content)}")
        self._button(job, "hand-over")
        wait_until(lambda: not self._on_board(job), STEP_S, "both sides have signed that it is gone")
        return Printed(job, pressed_ns, paper, seen_ns)

    def _on_board(self, job: str) -> Json:
        return _job(self.house.snapshot(), job)

    def wait_until_expected(self, job: str) -> None:
        """Until the bus would print it, and an opener stands by."""
        wait_until(lambda: self._expected(job), STEP_S, "the bus is ready for the press")

    def _expected(self, job: str) -> bool:
        seen = self.house.snapshot()
        # A bus that keeps no opener standing by has nothing to wait for.
        return bool(_job(seen, job).get("approved")) and bool(seen["opener_ready"])

    def _button(self, job: str, button: str) -> int:
        """When it was pressed, in nanoseconds since 1970; returns after the answer."""
        connection = http.client.HTTPConnection("bus", timeout=STEP_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.house.city.bus.api_socket))
        try:
            pressed_ns = time.time_ns()
            connection.request("POST", f"/v1/jobs/{job}/{button}")
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise WalkError(f"{button}: {said.decode()}")
        return pressed_ns


def _job(snapshot: Json, job: str) -> Json:
    return next((one for one in snapshot["jobs"] if one["job"] == job), {})


def _until_printed(views: Iterator[Json]) -> int:
    for view in views:
        if view["state"] == "printed":
            return time.time_ns()
        if view["state"] == "uncertain" or view["ended"]:
            break
    raise WalkError(f"the job is {view['state']}: {view['sentence']}")
