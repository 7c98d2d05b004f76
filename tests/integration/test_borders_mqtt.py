"""The border to the broker: one that was taken over, and what it or anybody may bring on the bus. Only time is lost."""

import asyncio
import logging
import resource
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from bus_agent.agent import hints as bus_hints
from cityhall_base import mqtt as base
from cityhall_base import tls
from cityhall_base.mqtt import PACKET_BYTES, UNREAD, Mqtt
from cityhall_base.settings import Broker
from cityhall_relay.hints import Hints
from cityhall_wire.messages.topics import hint_topic, state_topic
from provisioning.demo.wait import wait_until
from tests.integration.hostile_city_hall import Answer, HostileCityHall, for_ever, says
from tests.relay_tls import write_tls

CONNACK = b"\x20\x03\x00\x00\x00"  # MQTT 5: success, no properties
STATE = state_topic("hase", "bus-1")
WAIT_S = 20.0
FIRST_S = 0.0625


def length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (128 if size else 0))
        if not size:
            return bytes(out)


def publish(topic: bytes, payload: bytes, properties: bytes = b"\0") -> bytes:
    body = struct.pack(">H", len(topic)) + topic + properties + payload
    return b"\x31" + length(len(body)) + body  # QoS 0, retained


@pytest.fixture
def top() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="borders-") as name:
        write_tls(Path(name))
        yield Path(name) / "tls"


@pytest.fixture
def broker(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileCityHall]:
    monkeypatch.setattr(base, "RECONNECT_S", (FIRST_S, 60))
    with closing(HostileCityHall(top)) as broker:
        broker.read = lambda sock: [sock.recv(4096)].clear()
        yield broker


def connection(top: Path) -> Mqtt:
    return Mqtt("bus-1", tls.client_context(top / "ca.crt", top / "bus-1.crt", top / "bus-1.key"))


async def until(state: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_until, state, WAIT_S, what)


HUGE = 256 * 1024 * 1024 - 1
HOSTILE: dict[str, Answer] = {
    "nothing": says(),
    "no MQTT": says(b"\x00\xff" * 500),
    "an end at once": says(CONNACK),
    "a packet of 256 MB": for_ever(CONNACK + b"\x31" + length(HUGE), bytes(65536)),
    "a packet of one byte too many": says(CONNACK + b"\x31" + length(PACKET_BYTES + 1) + bytes(PACKET_BYTES + 1)),
    "a length without an end": says(CONNACK + b"\x31" + b"\xff" * 10),
    "a topic that is no UTF-8": says(CONNACK + publish(b"\xff\xfe", b"x")),
    "a topic longer than its packet": says(CONNACK + b"\x31\x04\xff\xff\x00\x00"),
    "properties that are none": says(CONNACK + publish(b"t", b"x", b"\x05\xff\xff\xff\xff\xff")),
    "a refusal": says(b"\x20\x03\x00\x87\x00"),
    "an answer to nothing": says(CONNACK + b"\x40\x02\xff\xff" + b"\x90\x04\xff\xff\x00\x80"),
    "a kind that is none": says(CONNACK + b"\xf0\x00" + b"\x00\x00"),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_a_broker_says_the_connection_is_tried_again_and_nothing_grows(
    top: Path, broker: HostileCityHall, answer: Answer
) -> None:
    broker.answer = answer

    async def scene() -> None:
        mqtt = connection(top)
        mqtt.start("localhost", broker.port, (STATE,))
        await until(lambda: broker.calls >= 2, "it comes again")
        await mqtt.stop()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(scene())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB


def test_a_broker_that_drops_everybody_is_asked_more_and_more_rarely(top: Path, broker: HostileCityHall) -> None:
    broker.answer = says(CONNACK)
    waits = [FIRST_S]

    async def scene() -> None:
        mqtt = connection(top)
        mqtt.start("localhost", broker.port, (STATE,))
        while len(waits) < 4:
            await until(lambda: mqtt._wait_s not in waits, "it is dropped")
            waits.append(mqtt._wait_s)
        await mqtt.stop()

    asyncio.run(scene())
    assert waits == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]


class Said(NamedTuple):
    """What of paho's message is looked at."""

    topic: str
    payload: bytes


def test_a_flood_is_dropped_where_nobody_reads_it(top: Path) -> None:
    heard: list[bytes] = []

    async def scene() -> None:
        mqtt = connection(top)
        mqtt._loop, mqtt.on_message = asyncio.get_running_loop(), lambda topic, payload: heard.append(payload)
        for turn in (1, 2):
            for _ in range(10_000):  # as paho's thread does it while the loop is busy
                mqtt._message(mqtt._client, None, Said(STATE, b"x"))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            assert len(heard) == turn * UNREAD

    asyncio.run(scene())


def a_buss_hints(top: Path, wake: Callable[[], None]) -> bus_hints.Hints:
    files = {"ca": top / "ca.crt", "cert": top / "bus-1.crt", "key": top / "bus-1.key"}
    return bus_hints.Hints(Broker(host="localhost", port=1, **files), "hase", "bus-1", 1, wake)


def test_a_flood_of_hints_costs_a_bounded_number_of_syncs_and_none_is_lost(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[float] = []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        hints = a_buss_hints(top, lambda: woken.append(loop.time()))
        for _ in range(10_000):
            hints._message(hint_topic("hase", "bus-1"), b"\xff" * 100)
        assert len(woken) == bus_hints.BURST
        await until(lambda: len(woken) > bus_hints.BURST, "the rest of the flood is one hint more")
        assert woken[-1] - woken[0] >= bus_hints.EVERY_S / 2

    asyncio.run(scene())


GARBAGE = {
    "nothing known": b"hello",
    "no UTF-8": b"\xff\xfe",
    "a state of another version": b'{"v":99,"online":1}',
    "deep": b"[" * 10_000,
    "a boot beyond every number": b'{"v":1,"online":true,"boot":' + b"9" * 4000 + b"}",
    "half a pair": b'{"v":1,"online":true,"boot":1,"x":"\\ud800"}',
}


def relays_hints(top: Path) -> Hints:
    return Hints(connection(top), "hase", ["bus-1", "bus-2"])


def test_retained_garbage_changes_nobodys_presence_and_is_said_once(
    top: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hints = relays_hints(top)
    hints._mqtt.connected = True
    hints._heard(STATE, b'{"v":1,"online":true,"boot":1}')
    for _ in range(100):
        for payload in GARBAGE.values():
            hints._heard(STATE, payload)
    assert hints.online("bus-1") is True
    assert len(caplog.records) == 1
    hints._heard(STATE, b"")
    assert hints.online("bus-1") is None


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        STATE + "/x",
        state_topic("hase", "bus-9"),
        state_topic("other", "bus-1"),
        "cityhall/1/hase/+/state",
        "\0",
    ],
)
def test_a_topic_of_nobody_is_nobodys_state(top: Path, topic: str) -> None:
    hints = relays_hints(top)
    hints._mqtt.connected = True
    hints._heard(topic, b'{"v":1,"online":true,"boot":1}')
    assert hints._online == {}


def test_the_largest_packet_is_told_to_the_broker(top: Path, broker: HostileCityHall) -> None:
    heard: list[bytes] = []
    broker.read = lambda sock: heard.append(sock.recv(4096))

    async def scene() -> None:
        mqtt = connection(top)
        mqtt.start("localhost", broker.port, ())
        await until(lambda: bool(heard), "CONNECT is there")
        await mqtt.stop()

    asyncio.run(scene())
    assert b"\x27" + struct.pack(">I", PACKET_BYTES) in heard[0]  # MQTT 5 section 3.1.2.11.4
    assert base.PAYLOAD_BYTES < PACKET_BYTES
