"""The relay and the clerk's commands as the processes they are in service."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhall_base import tls
from cityhall_relay.store import SqliteStore
from cityhall_wire import seal
from cityhall_wire.messages import link
from cityhall_wire.messages.printing import Finding
from tests.integration.test_relay_over_tls import pdf
from tests.relay_city import HandMadeBus, TestClock, token, write_city
from tests.relay_tls import bus_client, free_port, write_tls

PROGRAM = (sys.executable, "-m", "cityhall_relay.cli")


class City:
    """A relay process, and clerk-1 at a terminal."""

    def __init__(self, top: Path) -> None:
        self.top, self.bus_port, self.clerk_port = top, free_port(), free_port()
        self.keys = write_city(top)
        write_tls(top)
        toml = top / "relay.toml"
        text = toml.read_text().replace("port = 0", f"port = {self.bus_port}", 1)
        toml.write_text(text.replace("port = 0", f"port = {self.clerk_port}", 1))
        (top / "token").write_text(token("clerk-1") + "\n")
        (top / "token").chmod(0o600)
        url = f'url = "https://localhost:{self.clerk_port}"'
        (top / "clerk.toml").write_text(f'{url}\nca = "tls/ca.crt"\ntoken_file = "token"\n')
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(top / "notify"))
        self.notify.settimeout(20)
        self.relay: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the process says READY=1, as systemd would hear it."""
        env = os.environ | {"NOTIFY_SOCKET": str(self.top / "notify"), "WATCHDOG_USEC": "30000000"}
        self.relay = subprocess.Popen([*PROGRAM, "serve", "--config", str(self.top / "relay.toml")], env=env)
        while self.notify.recv(64) != b"READY=1":
            pass

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.relay is not None
        self.relay.send_signal(number)
        code = self.relay.wait(timeout=20)
        self.relay = None
        return code

    def clerk(self, *args: str) -> "subprocess.Popen[str]":
        env = os.environ | {"CITYHALL_CLERK": str(self.top / "clerk.toml")}
        return subprocess.Popen(
            [*PROGRAM, *args, "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def said(self, *args: str) -> Any:
        out, err = self.clerk(*args).communicate(timeout=30)
        return json.loads(out or err)

    def verify(self) -> "subprocess.CompletedProcess[str]":
        args = [*PROGRAM, "verify", "--config", str(self.top / "relay.toml"), "--json"]
        return subprocess.run(args, capture_output=True, text=True, check=False, timeout=30)

    def bus(self) -> HandMadeBus:
        def post(path: str, raw: bytes) -> bytes:
            with bus_client(self.top, self.bus_port, "bus-1") as client:
                return client.post(path, content=raw).content

        return HandMadeBus(self.keys, "bus-1", post)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    city.start()
    yield city
    if city.relay is not None:
        city.stop(signal.SIGKILL)
    city.notify.close()


def test_a_clerks_send_outlives_every_restart_of_the_relay(city: City) -> None:
    (city.top / "record.pdf").write_bytes(pdf())
    session = city.said("session", "open", "--bus", "bus-1", "--section", "citizen", "--stop", "hall")["session"]
    sending = city.clerk(
        "send", str(city.top / "record.pdf"), "--session", session, "--service", "resident-record", "--approve"
    )
    assert sending.stdout is not None
    lines = (json.loads(line) for line in sending.stdout)
    seen = [next(lines)]
    while not seen[-1]["approved"]:
        seen.append(next(lines))

    def until(state: str) -> None:
        while seen[-1]["state"] != state:
            seen.append(next(lines))

    bus, name = city.bus(), seen[0]["job"]
    bus.gets_paper()
    bus.hold(bus.sync().offers[0])
    bus.sync()
    until("on_bus")
    assert city.stop() == 0
    city.start()
    opener = seal.OpenerKey()
    job = _job(city, name)
    request = bus.request(job, opener)
    bus.asks(request)
    until("releasing")
    city.stop(signal.SIGKILL)
    city.start()
    bus.evidence(request, Finding.COMPLETED, 1, impressions=1)
    until("printed")
    bus.fact(link.HandOver, job=name, attempt=1)
    until("handed_over")
    assert sending.wait(timeout=20) == 0
    assert list(lines) == []
    assert seen[-1]["source_sha256"] == seen[0]["source_sha256"]
    assert [view["job"] for view in city.said("jobs")["jobs"]] == [name]
    assert city.verify().returncode == 3  # the relay still works with it
    assert city.stop() == 0
    checked = city.verify()
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["journal_rows"]["relay.db"] > 10


def _job(city: City, name: str) -> Any:
    assert city.stop() == 0
    store = SqliteStore(city.top / "state" / "relay.db", TestClock())
    job = store.job(name)
    store.close()
    city.start()
    return job


def test_a_refusal_is_a_sentence_and_an_exit_code(city: City) -> None:
    asked = city.clerk("session", "open", "--bus", "bus-9", "--section", "citizen", "--stop", "hall")
    out, err = asked.communicate(timeout=30)
    assert (asked.returncode, out) == (1, "")
    assert json.loads(err)["key"] == "relay.unknown_place"
    assert "bus-1" in json.loads(err)["sentence"]


def test_a_changed_journal_is_found(city: City) -> None:
    city.said("session", "open", "--bus", "bus-1", "--section", "citizen", "--stop", "hall")
    city.stop()
    store = SqliteStore(city.top / "state" / "relay.db", TestClock())
    store.db.execute("update journal set body = replace(body, 'clerk-1', 'clerk-2')")
    store.close()
    checked = city.verify()
    assert checked.returncode == 3
    assert "journal row 1" in json.loads(checked.stderr)["sentence"]


def test_a_head_that_is_too_large_is_cut_off(city: City) -> None:
    context = tls.client_context(city.top / "tls" / "ca.crt")
    raw = socket.create_connection(("127.0.0.1", city.clerk_port), timeout=10)
    with context.wrap_socket(raw, server_hostname="localhost") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000)
        answer = b""
        while chunk := _received(sock):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 4") or not answer


def _received(sock: ssl.SSLSocket) -> bytes:
    try:
        return sock.recv(4096)
    except (ConnectionError, ssl.SSLError):
        return b""
