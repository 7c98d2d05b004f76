"""Hostile HTTP at the three doors: the relay's for buses and for clerks, the agent's on its Unix socket.

Each is asked the same: whatever comes, the answer is `{"key", "sentence"}` or the end of the connection, within its time; and
whoever comes properly is served meanwhile.
"""

import asyncio
import os
import queue
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from bus_agent.agent import server
from bus_agent.agent.api import Api
from bus_agent.agent.pulse import Pulse
from bus_agent.ipc import address
from cityhall_base import tls
from cityhall_base.web import listener, reading
from cityhall_base.web.listener import Listener
from provisioning.demo.wait import wait_until
from tests.integration.test_relay_over_tls import LiveRelay, open_session, pdf, send
from tests.raw_http import Answer, Connect, ended, exchange, head, read_answer, received, tcp, unix
from tests.relay_city import token

HEAD_S, SILENCE_S, MESSAGE_S = 1.0, 0.5, 1.0
PATIENCE_S = 15.0
MESSAGE_BYTES = 64 * 1024


class Buttons:
    """Stands for the commands: what a button does is not what these tests are about."""

    def set_mode(self, mode: object) -> None:
        pass


class Shown(msgspec.Struct):
    """Stands for the bus's snapshot: what the bus is like is not what these tests are about."""

    bus: str = "bus-1"


class Door(NamedTuple):
    """One listener. `read` and `write` are addresses that any client of it may ask; `headers` make it one."""

    connect: Connect
    read: str
    write: str
    headers: dict[str, str]

    def post(self, body: bytes, **headers: str) -> bytes:
        return head("POST", self.write, **self.headers, **headers) + body

    def get(self) -> Answer:
        return exchange(self.connect, head("GET", self.read, **self.headers, Connection="close"))

    def serves(self) -> bool:
        return self.get().status in (200, 405)


class LiveApi:
    """The agent's API on its socket, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._up: queue.Queue[Listener] = queue.Queue()
        self._path = path
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._web = self._up.get(timeout=20)

    def stop(self) -> None:
        self._web.stop()
        self._thread.join(20)

    async def _serve(self) -> None:
        nobody: Any = None
        app = Api(Shown, Pulse(), nobody, Buttons(), lambda: 0).app()  # type: ignore[arg-type]
        sock = address.listen(self._path, socket.SOCK_STREAM, 0o600)
        web = Listener(app, sock, None, server.BOUNDS)
        self._up.put(web)
        await web.run_until_stopped()


class Doors(NamedTuple):
    relay: LiveRelay
    by_name: dict[str, Door]


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="borders-")))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(listener, "HEAD_S", HEAD_S)
        patch.setattr(listener, "LINGER_S", HEAD_S)
        patch.setattr(reading, "SILENCE_S", SILENCE_S)
        patch.setattr(reading, "MESSAGE_S", MESSAGE_S)
        relay, api = LiveRelay(top), LiveApi(top / "api")
        stack.callback(relay.stop)
        stack.callback(api.stop)
        folder = top / "tls"
        of_bus = tls.client_context(folder / "ca.crt", folder / "bus-1.crt", folder / "bus-1.key")
        of_clerk = tls.client_context(folder / "ca.crt")
        authorization = {"Authorization": f"Bearer {token('clerk-1')}"}
        yield Doors(
            relay,
            {
                "bus": Door(tcp(relay.running.bus_port, of_bus), "/1/sync", "/1/sync", {}),
                "clerk": Door(tcp(relay.running.clerk_port, of_clerk), "/1/buses", "/1/sessions", authorization),
                "agent": Door(unix(top / "api"), "/v1/snapshot", "/v1/mode", {}),
            },
        )


@pytest.fixture(params=["bus", "clerk", "agent"])
def door(doors: Doors, request: pytest.FixtureRequest) -> Iterator[Door]:
    yield from used(doors.by_name[request.param])


@pytest.fixture
def one_door(doors: Doors) -> Iterator[Door]:
    """For what takes its time: all three are one listener. The agent's, because the kernel between us holds the least there."""
    yield from used(doors.by_name["agent"])


def used(door: Door) -> Iterator[Door]:
    before = descriptors()
    yield door
    assert door.serves()
    # What was open for this test is closed again, on both sides: they share this process.
    wait_until(lambda: descriptors() <= before + 4, PATIENCE_S, "descriptors are given back")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def is_a_sentence(answer: Answer) -> bool:
    return set(answer.said) == {"key", "sentence"} and len(answer.said["sentence"]) > 10


BAD_HEADS = {
    "no HTTP": b"\x16\x03\x01\x00\xa5" * 20 + b"\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a blank in a name": b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "a head of 40 kB": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000,
    "2000 headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000,
    "an address of 40 kB": b"GET /" + b"a" * 40_000,
    "a length below nothing": head("POST", "/", Content_Length="-1"),
    "a length that is none": head("POST", "/", Content_Length="many"),
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "an unknown transfer coding": head("POST", "/", Transfer_Encoding="gzip"),
}


@pytest.mark.parametrize("raw", BAD_HEADS.values(), ids=BAD_HEADS.keys())
def test_a_head_that_is_no_http_gets_a_sentence_or_the_end(door: Door, raw: bytes) -> None:
    answer = exchange(door.connect, raw)
    assert (answer.status == 400 and is_a_sentence(answer)) or answer.status == 0


ADDRESSES = {
    "nothing": ("GET", "/1/", 404),
    "another way": ("PUT", None, 405),
    "upwards": ("GET", "/1/../../../etc/passwd", 404),
    "upwards, hidden": ("GET", "/1/%2e%2e/%2e%2e/etc/passwd", 404),
    "a NUL": ("GET", "/1/%00", 404),
    "a slash too many": ("GET", "/1/jobs/", 404),
    "no UTF-8": ("GET", "/1/%ff%fe", 404),
    "half a pair": ("GET", "/1/%ed%a0%80", 404),
}


@pytest.mark.parametrize(("method", "path", "status"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_that_is_none_gets_a_sentence(door: Door, method: str, path: str | None, status: int) -> None:
    answer = exchange(door.connect, head(method, path or door.write, **door.headers))
    assert answer.status == status
    assert is_a_sentence(answer)


@pytest.mark.parametrize("chunk", [b"XYZ\r\n", b"-5\r\n", b"fffffffffffffffffffff\r\n", b"5\r\nabc\r\n0\r\n\r\n" * 3])
def test_chunks_that_are_none_end_the_request(door: Door, chunk: bytes) -> None:
    answer = exchange(door.connect, door.post(chunk, Transfer_Encoding="chunked"))
    assert answer.status in (0, 400, 408)


def test_a_body_that_drips_is_given_up_in_its_time(one_door: Door) -> None:
    with closing(one_door.connect()) as sock:
        sock.sendall(one_door.post(b"{", Content_Length="60000"))
        sock.settimeout(SILENCE_S / 4)
        assert dripping(sock, 200).startswith(b"HTTP/1.1 408")


def dripping(sock: socket.socket, most: int) -> bytes:
    """A byte each time that nothing has come for a while, until something does."""
    for _ in range(most):
        try:
            return received(sock)
        except TimeoutError:
            try:
                sock.sendall(b" ")
            except OSError:
                return b""
    return b"still listening"


def test_a_body_that_stops_is_given_up(one_door: Door) -> None:
    with closing(one_door.connect()) as sock:
        sock.sendall(one_door.post(b'{"mode"', Content_Length="100"))
        answer = read_answer(sock)
    assert answer.status == 408
    assert is_a_sentence(answer)


def test_a_body_that_is_shorter_than_it_says_and_ends_is_not_used(one_door: Door) -> None:
    with closing(one_door.connect()) as sock:
        sock.sendall(one_door.post(b'{"mode":"city_hall"}', Content_Length="1000"))
        if not isinstance(sock, ssl.SSLSocket):
            sock.shutdown(socket.SHUT_WR)
        assert read_answer(sock).status in (0, 400, 408)


def test_a_body_without_an_end_is_refused_and_then_cut_off(one_door: Door) -> None:
    with closing(one_door.connect()) as sock:
        sock.sendall(one_door.post(b"", Transfer_Encoding="chunked"))
        with pytest.raises(OSError, match=r"reset|EOF|Broken pipe|closed"):
            chunks(sock, time.monotonic() + PATIENCE_S)


def chunks(sock: socket.socket, until: float) -> None:
    while time.monotonic() < until:
        sock.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")


def test_a_large_body_gets_its_sentence(door: Door) -> None:
    raw = b" " * (MESSAGE_BYTES + 1)
    answer = exchange(door.connect, door.post(raw, Content_Length=str(len(raw))))
    assert (answer.status, answer.said["key"]) == (413, "wire.too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "x" * 300])
def test_a_body_of_another_type_is_refused(door: Door, kind: str) -> None:
    answer = exchange(door.connect, door.post(b"{}", Content_Length="2", Content_Type=kind))
    assert (answer.status, answer.said["key"]) == (415, "http.media_type")


def test_garbage_behind_a_request_does_not_spoil_its_answer(door: Door) -> None:
    request = head("GET", door.read, **door.headers)
    with closing(door.connect()) as sock:
        sock.sendall(request + b"\x00\xff garbage\r\n\r\n")
        assert read_answer(sock).status in (200, 405)
        assert ended(sock, PATIENCE_S)


def test_a_hundred_requests_at_once_on_one_connection_are_answered_or_ended(door: Door) -> None:
    request = head("GET", door.read, **door.headers)
    with closing(door.connect()) as sock:
        sock.sendall(request * 100)
        assert read_answer(sock).status in (200, 405)


def test_a_client_that_wants_to_upgrade_is_answered_as_any_other(door: Door) -> None:
    raw = head("GET", door.read, **door.headers, Connection="Upgrade", Upgrade="websocket")
    assert exchange(door.connect, raw).status in (200, 405)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n"])
def test_nobody_keeps_a_connection_by_saying_nothing_more(one_door: Door, said: bytes) -> None:
    with closing(one_door.connect()) as sock:
        sock.sendall(said)
        assert ended(sock, PATIENCE_S)


def test_two_hundred_idle_connections_keep_nobody_out(door: Door) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(closing(door.connect()))
        assert door.serves()


def test_two_hundred_half_told_requests_keep_nobody_out(one_door: Door) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            sock = stack.enter_context(closing(one_door.connect()))
            sock.sendall(b"GET / HT")
        assert one_door.serves()


def test_a_client_that_goes_in_the_middle_of_everything_leaves_nothing(door: Door) -> None:
    whole = door.post(b'{"mode":"city_hall"}', Content_Length="20")
    for length in range(1, len(whole), 7):
        with closing(door.connect()) as sock:
            sock.sendall(whole[:length])


@pytest.mark.parametrize("name", ["bus", "clerk"])
def test_two_hundred_handshakes_that_never_begin_keep_nobody_out(doors: Doors, name: str) -> None:
    door, before = doors.by_name[name], descriptors()
    port = doors.relay.running.bus_port if name == "bus" else doors.relay.running.clerk_port
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(closing(tcp(port)()))
            sock.sendall(b"\x16\x03\x01" if number % 2 else b"")
        assert door.serves()
        # 200 of ours, and of the relay's no more than it may have.
        wait_until(
            lambda: descriptors() <= before + 200 + listener.MOST_HANDSHAKES + 8, PATIENCE_S, "the oldest gave way"
        )
    wait_until(lambda: descriptors() <= before + 4, PATIENCE_S, "descriptors are given back")


def test_one_bus_cannot_take_the_place_of_another(doors: Doors) -> None:
    door, folder = doors.by_name["bus"], doors.relay.top / "tls"
    other = tls.client_context(folder / "ca.crt", folder / "bus-2.crt", folder / "bus-2.key")
    with ExitStack() as stack:
        for _ in range(80):
            sock = stack.enter_context(closing(door.connect()))
            sock.sendall(door.post(b"{", Content_Length="60000"))
        theirs = door._replace(connect=tcp(doors.relay.running.bus_port, other))
        assert theirs.serves()
        assert door.serves()


RANGES = {
    "none": "",
    "of another unit": "items=0-1",
    "from the end": "bytes=-5",
    "of nothing": "bytes=-",
    "backwards": "bytes=5-4",
    "beyond": "bytes=99999999-",
    "beyond every number": "bytes=0-18446744073709551616",
    "below": "bytes=-1-5",
    "two": "bytes=0-0,5-6",
    "overlapping": "bytes=0-5,0-5,0-5",
    "a thousand": "bytes=" + ",".join(["0-0"] * 1000),
    "with words": "bytes=a-b",
    "in other digits": "bytes=\u0661-\u0662".encode().decode("latin-1"),
}


@pytest.fixture(scope="module")
def job(doors: Doors) -> Iterator[str]:
    clerk = doors.relay.clerk()
    session = open_session(clerk)
    yield str(send(clerk, session, pdf(kilobytes=1500)).json()["job"])
    clerk.delete(f"/1/sessions/{session}")


@pytest.mark.parametrize("ranges", RANGES.values(), ids=RANGES.keys())
def test_a_range_that_is_none_gets_a_sentence(doors: Doors, job: str, ranges: str) -> None:
    raw = f"GET /1/body/{job} HTTP/1.1\r\nHost: x\r\nRange: {ranges}\r\n\r\n".encode("latin-1")
    answer = exchange(doors.by_name["bus"].connect, raw)
    assert answer.status in (400, 416)
    assert is_a_sentence(answer)


def test_the_largest_range_brings_no_more_than_one_answers_worth(doors: Doors, job: str) -> None:
    answer = doors.relay.body("bus-1", job, "bytes=0-9999999999")
    assert (answer.status_code, len(answer.content)) == (206, 1024 * 1024)
    assert answer.headers["content-range"].startswith("bytes 0-1048575/")


@pytest.mark.parametrize("damage", [lambda path: os.truncate(path, 100), Path.unlink], ids=["truncated", "gone"])
def test_ciphertext_that_is_damaged_at_city_hall_is_said_so(
    doors: Doors, job: str, damage: Callable[[Path], None]
) -> None:
    path = doors.relay.top / "state" / "bodies" / job
    kept = path.read_bytes()
    damage(path)
    answer = doors.relay.body("bus-1", job, "bytes=0-999")
    path.write_bytes(kept)
    assert (answer.status_code, answer.json()["key"]) == (500, "relay.body_damaged")
