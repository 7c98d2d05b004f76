"""Hints and presence over a real Mosquitto with mutual TLS; nothing waits for it."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhall_base import tls
from cityhall_base.mqtt import Mqtt
from cityhall_relay.hints import Hints
from cityhall_wire import strict_json
from cityhall_wire.messages.topics import BusState, hint_topic, state_topic
from tests.relay_tls import free_port, write_tls

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    write_tls(tmp_path)
    port, folder = free_port(), tmp_path / "tls"
    conf = tmp_path / "mosquitto.conf"
    files = f"cafile {folder}/ca.crt\ncertfile {folder}/relay.crt\nkeyfile {folder}/relay.key\n"
    rules = "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nuser root\n"
    conf.write_text(f"listener {port} 127.0.0.1\n{files}{rules}")
    process = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(timeout=10)


def connection(top: Path, name: str) -> Mqtt:
    folder = top / "tls"
    return Mqtt(name, tls.client_context(folder / "ca.crt", folder / f"{name}.crt", folder / f"{name}.key"))


def test_a_bus_hears_its_hint_and_the_relay_its_presence(broker: int, tmp_path: Path) -> None:
    async def scene() -> None:
        bus, hint, state = connection(tmp_path, "bus-1"), hint_topic("hase", "bus-1"), state_topic("hase", "bus-1")
        heard = {hint: asyncio.Event(), state: asyncio.Event()}
        bus.on_message = lambda topic, payload: heard[topic].set()
        alive = strict_json.encode(BusState(v=1, online=True, boot=1))
        bus.on_connect = lambda: bus.publish(state, alive, retain=True)
        hints = Hints(connection(tmp_path, "relay"), "hase", ["bus-1"])
        assert hints.online("bus-1") is None
        async with asyncio.timeout(20):
            bus.start("localhost", broker, (hint, state))
            await heard[state].wait()  # its own word came back, so it is subscribed
            hints.hint("bus-1")  # not connected: forgotten, and nobody waits
            hints.start("localhost", broker)
            await heard[hint].wait()  # the one for all, at the relay's connection
            while not hints.online("bus-1"):  # noqa: ASYNC110 - a state with a deadline; nobody else needs an event
                await asyncio.sleep(0.01)
            heard[hint].clear()
            hints.hint("bus-1")
            await heard[hint].wait()
        await bus.stop()
        await hints.stop()

    asyncio.run(scene())


def test_a_bus_that_was_away_gets_its_hint_and_needs_no_plan_for_having_been_away(broker: int, tmp_path: Path) -> None:
    hint = hint_topic("hase", "bus-1")
    connected: list[bool] = []

    async def visit(until_hint: bool) -> None:
        folder, came, heard = tmp_path / "tls", asyncio.Event(), asyncio.Event()
        context = tls.client_context(folder / "ca.crt", folder / "bus-1.crt", folder / "bus-1.key")
        bus = Mqtt("bus-1", context, keeps_s=60)
        bus.on_connect = lambda: connected.append(bus.resumed)
        loop = asyncio.get_running_loop()

        def subscribed(*_: object) -> None:
            loop.call_soon_threadsafe(came.set)

        bus._client.on_subscribe = subscribed
        bus.on_message = lambda topic, payload: heard.set()
        bus.start("localhost", broker, (hint,))
        await came.wait()
        if until_hint:
            await heard.wait()
        await asyncio.to_thread(bus._client.loop_stop)  # gone without a word, as in a power cut

    async def scene() -> None:
        hints = Hints(connection(tmp_path, "relay"), "hase", ["bus-1"])
        async with asyncio.timeout(20):
            await visit(until_hint=False)
            hints.start("localhost", broker)  # its first hint is one for all, while the bus is away
            await visit(until_hint=True)
        await hints.stop()

    asyncio.run(scene())
    assert connected == [False, True]
