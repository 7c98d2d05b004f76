"""One certificate through the real relay, over real TLS sockets, to a bus made by hand from the wire alone."""

import asyncio
import io
import json
import queue
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pytest

from cityhall_base import coding, tls
from cityhall_base.web import listener, reading
from cityhall_relay.errors import KeyGoneError
from cityhall_relay.serve import Running, serving
from cityhall_relay.settings import load_relay
from cityhall_wire import headers, seal
from cityhall_wire.lifecycle import JobState
from cityhall_wire.limits import BODY_RANGE_BYTES
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.printing import Finding
from tests.relay_city import HandMadeBus, TestClock, stock, write_city
from tests.relay_tls import bus_client, clerk_client, write_tls

S = JobState


class LiveRelay:
    """The relay in a thread of its own, with its own event loop; `ask` runs something in there."""

    def __init__(self, top: Path) -> None:
        self.top, self.clock = top, TestClock()
        self.keys = write_city(top)
        write_tls(top)
        self.start()
        self.ask(stock)

    def start(self) -> None:
        up: queue.Queue[Running | BaseException] = queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(up,))
        self._thread.start()
        running = up.get(timeout=20)
        if isinstance(running, BaseException):
            raise running
        self.running = running

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()

    def restart(self) -> None:
        self.stop()
        self.start()

    def ask(self, question: Any) -> Any:
        answer: Future[Any] = Future()

        def inside() -> None:
            try:
                answer.set_result(question(self.running.relay))
            except BaseException as error:
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(inside)
        return answer.result(timeout=10)

    def bus(self, name: str = "bus-1", shows: str | None = None) -> HandMadeBus:
        def post(path: str, raw: bytes) -> bytes:
            with bus_client(self.top, self.running.bus_port, shows or name) as client:
                response = client.post(path, content=raw)
            assert response.status_code == 200, response.text
            return response.content

        return HandMadeBus(self.keys, name, post, self.clock.utc_ms)

    def body(self, name: str, job: str, ranges: str) -> httpx.Response:
        with bus_client(self.top, self.running.bus_port, name) as client:
            return client.get(f"/1/body/{job}", headers={"Range": ranges})

    def bus_socket(self, name: str) -> ssl.SSLSocket:
        folder = self.top / "tls"
        context = tls.client_context(folder / "ca.crt", folder / f"{name}.crt", folder / f"{name}.key")
        raw = socket.create_connection(("127.0.0.1", self.running.bus_port), timeout=10)
        return context.wrap_socket(raw, server_hostname="localhost")

    def clerk(self, name: str = "clerk-1") -> httpx.Client:
        return clerk_client(self.top, self.running.clerk_port, name)

    def _run(self, up: "queue.Queue[Running | BaseException]") -> None:
        async def main() -> None:
            self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
            async with serving(load_relay(self.top / "relay.toml"), self.clock) as running:
                up.put(running)
                await self._stopped.wait()

        try:
            asyncio.run(main())
        except BaseException as error:
            up.put(error)
            raise


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveRelay]:
    relay_ = LiveRelay(tmp_path)
    yield relay_
    relay_.stop()


def pdf(pages: int = 1, kilobytes: int = 0) -> bytes:
    """A4 pages; noise makes it as large as a scan."""
    document, file = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        page = document.add_blank_page(page_size=(595.276, 841.89))
        if kilobytes:
            page.Contents = document.make_stream(b"%" + secrets.token_hex(kilobytes * 512).encode() + b"\n")
    document.save(file, compress_streams=False)
    return file.getvalue()


def open_session(clerk: httpx.Client, bus: str = "bus-1") -> str:
    answer = clerk.post("/1/sessions", json={"bus": bus, "section": "citizen", "stop": "hall", "slot": 3})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session"])


def send(clerk: httpx.Client, session: str, document: bytes, number: str = "", **query: Any) -> httpx.Response:
    params = {"service": "resident-record", **query}
    headers_ = {"Submission": number or secrets.token_hex(16)}
    return clerk.post(f"/1/sessions/{session}/jobs", params=params, content=document, headers=headers_)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_certificate_goes_from_clerk_to_hand_and_is_gone(live: LiveRelay, restarts: bool) -> None:
    def between_steps() -> None:
        if restarts:
            live.restart()

    document = pdf(pages=2, kilobytes=100)
    clerk = live.clerk()
    session = open_session(clerk)
    sent = send(clerk, session, document)
    assert sent.status_code == 201, sent.text
    name = sent.json()["job"]
    between_steps()

    bus = live.bus()
    (offer,) = bus.sync().offers
    between_steps()
    assert headers.decode_seal_header(offer.seal_header).impressions == 2
    body = b""
    while len(body) < offer.body_size:
        piece = live.body("bus-1", name, f"bytes={len(body)}-{len(body) + BODY_RANGE_BYTES - 1}")
        assert piece.status_code == 206
        assert (
            piece.headers["content-range"]
            == f"bytes {len(body)}-{len(body) + len(piece.content) - 1}/{offer.body_size}"
        )
        body += piece.content
    bus.hold(offer)
    bus.sync()
    between_steps()

    clerk = live.clerk()
    assert clerk.post(f"/1/jobs/{name}/approve").json()["approved"]
    between_steps()
    assert bus.sync().orders[0].approved
    job = live.ask(lambda relay_: relay_.store.job(name))
    opener = seal.OpenerKey()
    request = bus.request(job, opener)
    release = bus.asks(request)
    between_steps()
    assert bus.asks(request) == release
    key = opener.unwrap(release.wrapped_key, release.release_header)
    assert bytes(seal.open_body(key, offer.seal_header, [body])) == document

    assert bus.evidence(request, Finding.SENDING, 1).state is S.PRINTING
    between_steps()
    assert bus.evidence(request, Finding.COMPLETED, 2, impressions=2).state is S.PRINTED
    between_steps()
    assert bus.fact(link.HandOver, job=name, attempt=1).state is S.HANDED_OVER
    between_steps()

    with pytest.raises(KeyGoneError):
        live.ask(lambda relay_: relay_.vault.take(name, job.seal_digest))
    assert live.body("bus-1", name, "bytes=0-99").status_code == 404
    assert not list((live.top / "state" / "bodies").iterdir())
    receipt = bus.fact(link.CiphertextDeleted, job=name, seal_digest=job.seal_digest)
    assert isinstance(receipt, relay.DeletionReceipt)
    between_steps()
    bus.now(name, state=S.HANDED_OVER)
    assert bus.sync().orders[0].forget
    shown = live.clerk().get(f"/1/jobs/{name}").json()
    assert (shown["state"], shown["sheets"], shown["ended"]) == ("handed_over", 2, True)
    assert list(shown["times"]) == ["sealed", "offered", "on_bus", "releasing", "printing", "printed", "handed_over"]
    state_files = b"".join(path.read_bytes() for path in (live.top / "state").rglob("*") if path.is_file())
    assert key not in state_files
    assert document[1000:1064] not in state_files


def test_events_bring_the_job_at_once_and_every_change_until_its_end(live: LiveRelay) -> None:
    clerk = live.clerk()
    session = open_session(clerk)
    name = send(clerk, session, pdf()).json()["job"]
    seen: list[dict[str, Any]] = []
    with clerk.stream("GET", f"/1/jobs/{name}/events") as events:
        for line in events.iter_lines():
            if not line.startswith("data: "):
                continue
            seen.append(json.loads(line.removeprefix("data: ")))
            if len(seen) == 1:
                live.bus().sync()
            elif len(seen) == 2:
                live.clerk().post(f"/1/jobs/{name}/approve")
            elif len(seen) == 3:
                live.clerk().delete(f"/1/sessions/{session}")
    assert [(view["state"], view["approved"]) for view in seen] == [
        ("sealed", False),
        ("offered", False),
        ("offered", True),
        ("canceled", True),
    ]
    assert seen[0]["check_word"] == seen[-1]["check_word"]
    assert "source_sha256" not in seen[0]
    assert "seccomp" in seen[0]["intake_isolation"]


def test_a_bus_is_its_certificate(live: LiveRelay) -> None:
    clerk = live.clerk()
    name = send(clerk, open_session(clerk), pdf()).json()["job"]
    with pytest.raises(AssertionError, match=r"relay\.not_allowed"):
        live.bus("bus-1", shows="stranger").sync()
    with pytest.raises(AssertionError, match=r"wire\.signature"):
        live.bus("bus-1", shows="bus-2").sync()
    assert live.body("bus-2", name, "bytes=0-99").status_code == 404
    assert live.body("stranger", name, "bytes=0-99").status_code == 403
    with bus_client(live.top, live.running.bus_port, None) as nobody, pytest.raises(httpx.TransportError):
        nobody.get(f"/1/body/{name}")


BROKEN: list[tuple[str, dict[str, str], bytes, int]] = [
    ("/1/sync", {}, b"{", 400),
    ("/1/sync", {}, b"{}", 400),
    ("/1/sync", {}, b" " * (64 * 1024 + 1), 413),
    ("/1/sync", {"Content-Type": "text/plain"}, b"{}", 415),
    ("/1/sync", {"Content-Encoding": "gzip"}, b"{}", 415),
    ("/1/sync", {"Content-Encoding": coding.PACKED}, b"{}", 400),
    ("/1/sync", {"Content-Encoding": coding.PACKED}, coding.squeeze(bytes(32 * 1024 * 1024)), 413),
    ("/1/nothing", {}, b"{}", 404),
    ("/1/evidence", {}, b"[]", 400),
    ("/1/evidence", {}, b"[" + b"{}," * 100 + b"{}]", 400),
    ("/1/evidence", {"Content-Encoding": coding.PACKED}, coding.squeeze(b"[" + b" " * 64 * 1024 + b"]"), 413),
    ("/1/sync", {}, b"[{}]", 400),
]


@pytest.mark.parametrize(("path", "extra", "raw", "status"), BROKEN)
def test_what_is_no_envelope_gets_a_key_and_a_sentence(
    live: LiveRelay, path: str, extra: dict[str, str], raw: bytes, status: int
) -> None:
    with bus_client(live.top, live.running.bus_port, "bus-1") as client:
        answer = client.post(path, content=raw, headers=extra)
    assert answer.status_code == status
    assert set(answer.json()) == {"key", "sentence"}


@pytest.mark.parametrize(
    ("ranges", "status"),
    [
        ("", 416),
        ("bytes=-5", 416),
        ("bytes=0-0,5-6", 416),
        ("bytes=99999999-", 416),
        ("bytes=5-4", 416),
        ("bytes=9-", 206),
    ],
)
def test_a_body_is_given_by_one_range(live: LiveRelay, ranges: str, status: int) -> None:
    clerk = live.clerk()
    name = send(clerk, open_session(clerk), pdf()).json()["job"]
    assert live.body("bus-1", name, ranges).status_code == status


def test_a_clerk_sees_only_the_jobs_of_own_sessions(live: LiveRelay) -> None:
    mine, other = live.clerk("clerk-1"), live.clerk("clerk-2")
    session = open_session(mine)
    name = send(mine, session, pdf()).json()["job"]
    for path in (f"/1/jobs/{name}", f"/1/jobs/{name}/events"):
        assert other.get(path).status_code == 404
    for path in (f"/1/jobs/{name}/approve", f"/1/jobs/{name}/cancel"):
        assert other.post(path).status_code == 404
    assert other.delete(f"/1/sessions/{session}").status_code == 404
    assert other.get("/1/jobs").json() == {"jobs": []}
    assert [job["job"] for job in mine.get("/1/jobs").json()["jobs"]] == [name]
    del mine.headers["Authorization"]
    assert mine.get("/1/jobs").status_code == 401
    assert mine.get("/1/buses", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_intake_refuses_with_a_sentence(live: LiveRelay) -> None:
    clerk = live.clerk()
    session = open_session(clerk)
    assert clerk.post("/1/sessions", json={"bus": "bus-2", "section": "citizen", "stop": "hall"}).status_code == 409
    no_pdf = send(clerk, session, b"hello")
    assert (no_pdf.status_code, no_pdf.json()["key"]) == (422, "intake.refused")
    assert send(clerk, session, pdf(), copies=2).json()["key"] == "relay.copies"
    assert send(clerk, session, pdf(), number="no").status_code == 400
    assert send(clerk, session, pdf(), flatten="perhaps").status_code == 400
    assert send(clerk, session, pdf(), flatten="true").json()["key"] == "relay.flatten"
    assert send(clerk, session, pdf(pages=4)).json()["key"] == "relay.too_many_sheets"
    assert clerk.get("/1/jobs").json() == {"jobs": []}


def test_a_body_larger_than_the_limit_is_counted_and_not_believed(live: LiveRelay) -> None:
    clerk = live.clerk()
    session = open_session(clerk)
    pieces = (bytes(1024 * 1024) for _ in range(33))  # chunked: no content-length at all
    answer = send(clerk, session, pieces)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["key"]) == (413, "relay.body_too_large")


def test_nobody_holds_a_connection_without_saying_anything(live: LiveRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEAD_S", 0.2)
    monkeypatch.setattr(reading, "SILENCE_S", 0.2)
    half = b"POST /1/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    for said, answered in ((b"", b""), (b"GET / HT", b""), (half, b"HTTP/1.1 408")):
        with live.bus_socket("bus-1") as sock:
            sock.sendall(said)
            assert received(sock).startswith(answered)


def received(sock: ssl.SSLSocket) -> bytes:
    """What comes until the relay has had enough."""
    try:
        return sock.recv(4096)
    except (ConnectionError, ssl.SSLError):
        return b""


def test_buses_shows_what_the_bus_said_last(live: LiveRelay) -> None:
    clerk = live.clerk()
    session = open_session(clerk)
    live.bus().sync(printer=link.PrinterSummary(state="stopped", reasons=("media-empty-error",)))
    one, two, *_ = clerk.get("/1/buses").json()["buses"]
    assert one["printer"] == {"state": "stopped", "reasons": ["media-empty-error"]}
    assert (one["session"], one["mode"], one["online"]) == (session, "city_hall", None)
    assert two["last_sync_at"] is None
