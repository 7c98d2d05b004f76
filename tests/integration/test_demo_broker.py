"""The broker's rules on a real Mosquitto: a bus hears and speaks in its own subtree, and is nobody else."""

import json
import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cityhall_base.clock import SystemClock
from cityhall_base.tls import client_context
from cityhall_relay.broker_gate import CONTROL, RESPONSE, grants, role_of
from cityhall_wire.messages.topics import hint_topic, state_topic, subtree
from provisioning import ca, small_city
from provisioning.city import init_city
from provisioning.city_folder import Addresses, CityFolder
from provisioning.demo.probe import accepts, free_ports
from provisioning.demo.process import Command, Part
from provisioning.files import me

CITY, MINE, OTHER = "hase", "moba-1", "moba-2"
DEADLINE_S = 10.0

pytestmark = pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs the package mosquitto")


class Peer:
    """A client of the broker that remembers what it heard and how its publishing was answered."""

    def __init__(self, context: ssl.SSLContext, port: int, client_id: str, listen: tuple[str, ...]) -> None:
        self.heard: list[str] = []
        self.answers: dict[int, str] = {}
        self.changed = threading.Condition()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        self.client.tls_set_context(context)
        self.client.on_message = lambda _c, _u, message: self._note(lambda: self.heard.append(message.topic))
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self._note(
            lambda: self.answers.__setitem__(mid, reason.getName())
        )
        self.client.on_subscribe = lambda *_: self._note(lambda: self.heard.append("subscribed"))
        self.lost = False
        self.client.on_disconnect = lambda *_: self._note(lambda: setattr(self, "lost", True))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        for topic in listen:
            self.client.subscribe(topic, qos=1)
        self.wait(lambda: self.heard.count("subscribed") == len(listen))
        self.heard = []

    def _note(self, change) -> None:  # type: ignore[no-untyped-def]
        with self.changed:
            change()
            self.changed.notify_all()

    def wait(self, state) -> None:  # type: ignore[no-untyped-def]
        with self.changed:
            assert self.changed.wait_for(lambda: state() or self.lost, DEADLINE_S)
            assert state(), "the broker ended the connection"

    def say(self, topic: str) -> str:
        """How the broker answered."""
        mid = self.client.publish(topic, b"x", qos=1).mid
        self.wait(lambda: mid in self.answers)
        return self.answers[mid]

    def orders(self, *commands: dict[str, object]) -> None:
        """The plugin's answer to them is here when this returns."""
        self.heard = []
        self.client.publish(CONTROL, json.dumps({"commands": commands}).encode(), qos=1)
        self.wait(lambda: RESPONSE in self.heard)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Town:
    """A broker made by `init_city`, and certificates of its CA."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_ports(1)[0]
        self.where = CityFolder(folder / "cityhall")
        plan = small_city.Plan(
            Addresses("127.0.0.1", 1, 2, self.port), small_city.PrinterPlan("ipp://localhost:1/ipp/print")
        )
        init_city(self.where, small_city.city_toml(plan), plan.at, small_city.one_owner().city, SystemClock(), "root")
        self.issuing = ca.IssuingCA(self.where.ca, SystemClock())
        argv = ("mosquitto", "-c", str(self.where.broker / "mosquitto.conf"))
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self.part = Part(Command("broker", argv, me(), env, folder / "log"), lambda: accepts(self.port))

    def context(self, name: str) -> ssl.SSLContext:
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        tls_key = ca.new_key()
        key.write_bytes(ca.private_pem(tls_key))
        key.chmod(0o600)
        cert.write_bytes(self.issuing.client(ca.new_request(tls_key, name), name).chain)
        return client_context(self.where.ca / ca.ROOT_PEM, cert, key)

    def peer(self, name: str, *listen: str, client_id: str = "") -> Peer:
        return Peer(self.context(name), self.port, client_id or name, listen)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("town"))
    try:
        town.part.start()
        relay = town.peer("relay", RESPONSE)
        for bus in (MINE, OTHER):
            relay.orders(*grants(CITY, bus), role_of(bus))
        relay.close()
        yield town
    finally:
        town.part.stop()


def test_hints_reach_their_bus_and_states_reach_city_hall(town: Town) -> None:
    relay, bus = town.peer("relay", state_topic(CITY, "+")), town.peer(MINE, hint_topic(CITY, MINE))
    assert relay.say(hint_topic(CITY, MINE)) == "Success"
    bus.wait(lambda: bus.heard == [hint_topic(CITY, MINE)])
    assert bus.say(state_topic(CITY, MINE)) in {"Success", "No matching subscribers"}
    relay.wait(lambda: relay.heard == [state_topic(CITY, MINE)])
    relay.close()
    bus.close()


def test_a_bus_cannot_read_another_buss_subtree(town: Town) -> None:
    relay = town.peer("relay")
    spy = town.peer(OTHER, f"{subtree(CITY, MINE)}/#", "cityhall/#", "#", hint_topic(CITY, OTHER))
    for bus in (MINE, OTHER):
        relay.say(hint_topic(CITY, bus))
    # Messages keep their order: once its own hint is here, the other one would have been too.
    spy.wait(lambda: hint_topic(CITY, OTHER) in spy.heard)
    assert set(spy.heard) == {hint_topic(CITY, OTHER)}
    relay.close()
    spy.close()


@pytest.mark.parametrize(
    "topic",
    [
        state_topic(CITY, MINE),
        hint_topic(CITY, MINE),
        f"{subtree(CITY, MINE)}/up/telemetry",
        hint_topic(CITY, OTHER),
        state_topic("other-city", OTHER),
        "cityhall/2/hase/moba-2/state",
    ],
)
def test_a_bus_cannot_write_outside_its_own_up_and_state(town: Town, topic: str) -> None:
    other = town.peer(OTHER)
    assert other.say(topic) == "Not authorized"
    assert other.say(f"{subtree(CITY, OTHER)}/up/telemetry") in {"Success", "No matching subscribers"}
    other.close()


def test_a_bus_cannot_push_anothers_connection_out_by_its_client_id(town: Town) -> None:
    relay, bus = town.peer("relay"), town.peer(MINE, hint_topic(CITY, MINE))
    thief = town.peer(OTHER, client_id=MINE)
    relay.say(hint_topic(CITY, MINE))
    bus.wait(lambda: bus.heard == [hint_topic(CITY, MINE)])
    for one in (relay, bus, thief):
        one.close()


def test_who_has_no_certificate_of_the_city_is_nobody(town: Town) -> None:
    # TLS 1.3 tells a client only after its handshake that its certificate is missing.
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        Peer(client_context(town.where.ca / ca.ROOT_PEM), town.port, "relay", ("#",))


def test_a_bus_that_is_cut_loses_its_live_connection_at_once_and_is_nobody_when_it_comes_back(town: Town) -> None:
    relay, bus = town.peer("relay", RESPONSE), town.peer(MINE, hint_topic(CITY, MINE))
    began = time.monotonic()
    relay.orders({"command": "deleteClient", "username": MINE})
    with bus.changed:
        assert bus.changed.wait_for(lambda: bus.lost, DEADLINE_S)
    print(f"the live connection was gone after {time.monotonic() - began:.3f} s")
    bus.close()
    thief = town.peer(MINE, hint_topic(CITY, MINE), f"{subtree(CITY, MINE)}/#", "#")
    for topic in (state_topic(CITY, MINE), f"{subtree(CITY, MINE)}/up/telemetry", CONTROL):
        assert thief.say(topic) == "Not authorized"
    other = town.peer(OTHER, hint_topic(CITY, OTHER))
    for name in (MINE, OTHER):
        relay.say(hint_topic(CITY, name))
    other.wait(lambda: other.heard == [hint_topic(CITY, OTHER)])
    assert thief.heard == [], "it is connected, and hears nothing"
    relay.orders(*grants(CITY, MINE), role_of(MINE))
    with thief.changed:
        assert thief.changed.wait_for(lambda: thief.lost, DEADLINE_S), "it comes back with its rights, and subscribes"
    thief.close()
    back = town.peer(MINE, hint_topic(CITY, MINE))
    relay.say(hint_topic(CITY, MINE))
    back.wait(lambda: back.heard == [hint_topic(CITY, MINE)])
    for one in (relay, other, back):
        one.close()


def test_disabling_a_bus_would_not_be_enough(town: Town) -> None:
    """Why `revoke` deletes: the name comes from the certificate, and no password is asked that could be refused."""
    relay, bus = town.peer("relay", RESPONSE), town.peer(MINE)
    relay.orders({"command": "disableClient", "username": MINE})
    with bus.changed:
        assert bus.changed.wait_for(lambda: bus.lost, DEADLINE_S)
    bus.close()
    again = town.peer(MINE)
    assert again.say(state_topic(CITY, MINE)) in {"Success", "No matching subscribers"}
    relay.orders({"command": "enableClient", "username": MINE})
    for one in (relay, again):
        one.close()
