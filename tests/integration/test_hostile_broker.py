"""The broker is somebody else's: it may read, hold, repeat, swap and forge whatever passes it, for every bus and every city.

A real Mosquitto without rules, and a client who has heard everything and says anything. Nothing but time and the sign `online`
depends on it: authority travels between bus and city hall alone.
"""

import itertools
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cityhall_base.clock import SystemClock
from cityhall_base.mqtt import PAYLOAD_BYTES
from cityhall_base.tls import client_context
from cityhall_wire.messages.topics import hint_topic, state_topic, subtree
from provisioning import ca
from provisioning.bus_folder import BusFolder
from provisioning.city import publish
from provisioning.demo.probe import snapshot
from provisioning.demo.process import Part
from provisioning.demo.wait import wait_until
from provisioning.small_city import BUS
from provisioning.vehicle import admit, install_bus_config, make_bus_keys
from tests.hands import STEP_S, Json, Visit
from tests.integration.bus_lab import certificate
from tests.integration.hostile_agent import CountingHouse
from tests.integration.test_borders_mqtt import GARBAGE

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
CITY: Final = "hase"
OTHER: Final = "moba-2"
LIMITS = {"sync_s": 1, "release_s": 5, "printer_poll_ms": 50}


class TwoBuses(CountingHouse):
    """A house with a second vehicle, of which the agent alone is there, and a broker that forbids nobody anything."""

    def _prepare(self) -> None:
        super()._prepare()
        where, owners = self.city.city, self.users.city.bus
        with where.city_toml.open("a") as file:
            file.write(f'\n[vehicles.{OTHER}]\nname = "もーば2号車"\nprinter = "{BUS}-printer"\n')
        second = BusFolder(self.dir / "second")
        install_bus_config(second, admit(where, make_bus_keys(second, OTHER, owners), SystemClock()), owners)
        raw, signature = publish(where)
        (self.city.bus.published / "city.toml").write_bytes(raw)
        (self.city.bus.published / "city.toml.sig").write_bytes(signature)
        conf = where.broker / "mosquitto.conf"
        rules = [line for line in conf.read_text().splitlines() if not line.startswith("plugin")]
        (where.broker / "acl").write_text("pattern readwrite #\n")
        conf.write_text("\n".join([*rules, f"acl_file {where.broker / 'acl'}", ""]))
        first = self.part("agent").command
        command = first._replace(
            name="agent-2", argv=(*first.argv[:-1], str(second.bus_toml)), log=self.log / "agent-2.log"
        )
        self.second = Part(command, lambda: snapshot(second.api_socket) is not None)

    def start(self) -> None:
        super().start()
        self.second.start()

    def stop(self) -> None:
        self.second.stop()
        super().stop()

    def context(self, name: str) -> Any:
        """TLS of somebody to whom the city's CA has given a certificate."""
        key, request = ca.new_key(), self.dir / f"{name}.key"
        issued = ca.IssuingCA(self.city.city.ca, SystemClock()).client(ca.new_request(key, name), name)
        request.write_bytes(ca.private_pem(key))
        request.chmod(0o600)
        (self.dir / f"{name}.crt").write_bytes(issued.chain)
        return client_context(self.city.city.ca / ca.ROOT_PEM, self.dir / f"{name}.crt", request)


class Mallory:
    """Hears every topic and remembers it; says anything on any."""

    def __init__(self, house: TwoBuses) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "mallory", protocol=paho.MQTTv5)
        self._client.tls_set_context(house.context("mallory"))
        self._client.on_message = lambda _c, _u, message: self.heard.append((message.topic, bytes(message.payload)))
        self._client.connect("127.0.0.1", house.ports.broker)
        self._client.loop_start()
        self._client.subscribe("#", qos=1)

    def says(self, *messages: tuple[str, bytes], retain: bool = True) -> None:
        """The broker has them when this returns."""
        said = [self._client.publish(topic, payload, qos=1, retain=retain) for topic, payload in messages]
        for one in said:
            one.wait_for_publish(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def house() -> Iterator[TwoBuses]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        TwoBuses(Path(name) / "h", limits=LIMITS) as house,
    ):
        house.on_duty()
        yield house


@pytest.fixture
def mallory(house: TwoBuses) -> Iterator[Mallory]:
    mallory = Mallory(house)
    wait_until(lambda: len(mallory.heard) >= 2, STEP_S, "what is retained of both buses has been heard")
    yield mallory
    mallory.close()


@contextmanager
def resident(house: TwoBuses) -> Iterator[Visit]:
    """Somebody whose document is on the bus, and not allowed yet."""
    visit = Visit(house, certificate())
    try:
        visit.wait_on_board(state="on_bus", approved=False)
        yield visit
    finally:
        visit.leave()


def shown(visit: Visit) -> dict[str, Json]:
    """The fleet as a clerk sees it."""
    return {str(bus["bus"]): bus for bus in visit.clerk.buses()}


def without(fields: tuple[str, ...], view: dict[str, Json]) -> dict[str, Json]:
    return {bus: {name: value for name, value in one.items() if name not in fields} for bus, one in view.items()}


def synced_again(visit: Visit) -> None:
    """Both buses have spoken with city hall since."""
    before = {bus: one["last_sync_at"] for bus, one in shown(visit).items()}
    wait_until(
        lambda: all(one["last_sync_at"] > before[bus] for bus, one in shown(visit).items()), STEP_S, "both have synced"
    )


def lies(mallory: Mallory, house: TwoBuses, job: str) -> list[tuple[str, bytes]]:
    """What was heard, backwards and on the other bus's topics; on every topic what is no message, and what is one elsewhere."""
    swap = {BUS: OTHER, OTHER: BUS}
    found = [(_swapped(topic, swap), payload) for topic, payload in reversed(mallory.heard)]
    wish = json.dumps({"job": job, "state": "printed", "approved": True, "print": True, "mode": "event"}).encode()
    signed = house.asked(house.relay_db, "select envelope from evidence")[-3:]
    city_toml = (house.city.bus.published / "city.toml").read_bytes()
    payloads = (*GARBAGE.values(), wish, *signed, city_toml, bytes(PAYLOAD_BYTES + 1))
    for city, bus in itertools.product((CITY, "other"), (BUS, OTHER, "moba-9")):
        below = (f"{subtree(city, bus)}/{kind}" for kind in ("up/evidence", "down/release", "down/plan"))
        topics = (state_topic(city, bus), hint_topic(city, bus), *below)
        found += itertools.product(topics, payloads)
    return found


def _swapped(topic: str, swap: dict[str, str]) -> str:
    return "/".join(swap.get(part, part) for part in topic.split("/"))


def test_whatever_a_broker_forges_swaps_or_repeats_nothing_is_allowed_opened_or_printed(
    house: TwoBuses, mallory: Mallory
) -> None:
    with resident(house) as visit:
        before, job = shown(visit), visit.at_city_hall
        mallory.says(*lies(mallory, house, visit.job))
        synced_again(visit)
        online = ("online", "last_sync_at")
        assert without(online, shown(visit)) == without(online, before)
        assert visit.at_city_hall == job
        assert visit.on_board["approved"] is False
        assert (house.documents_sent, visit.copies, house.releases(visit.job), house.met()) == (0, 0, [], True)


def test_the_most_that_a_broker_can_make_anybody_believe_is_who_is_there(house: TwoBuses, mallory: Mallory) -> None:
    here, gone = (f'{{"v":1,"online":{word},"boot":1}}'.encode() for word in ("true", "false"))
    house.second.kill()
    with resident(house) as visit:
        wait_until(lambda: shown(visit)[OTHER]["online"] is False, STEP_S, "its last will was heard")
        truth = shown(visit)
        mallory.says((state_topic(CITY, OTHER), here), (state_topic(CITY, BUS), gone))
        lie = {BUS: False, OTHER: True}
        wait_until(lambda: {b: one["online"] for b, one in shown(visit).items()} == lie, STEP_S, "it is believed")
        assert without(("online",), shown(visit))[OTHER] == without(("online",), truth)[OTHER]
        assert visit.walk()["state"] == "handed_over"
        assert visit.copies == 1
    house.second.start()


def test_under_a_flood_of_everything_that_was_ever_said_a_document_comes_out_once(
    house: TwoBuses, mallory: Mallory
) -> None:
    with resident(house) as visit:
        said, stop = lies(mallory, house, visit.job), threading.Event()

        def flood() -> None:
            while not stop.is_set():
                mallory.says(*said, retain=False)

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            assert visit.walk()["state"] == "handed_over"
        finally:
            stop.set()
            flooding.join()
        assert visit.copies == 1


def test_a_document_goes_its_way_by_the_rhythm_of_sync_where_a_broker_holds_everything_or_is_dead(
    house: TwoBuses,
) -> None:
    broker, sent = house.part("broker"), house.documents_sent
    pid = broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with resident(house) as visit:
            visit.approve()
            os.kill(pid, signal.SIGCONT)  # all that it held comes now, and late
            synced_again(visit)
            broker.kill()
            assert visit.walk()["state"] == "handed_over"
            broker.start()
            synced_again(visit)
            assert (visit.copies, house.documents_sent) == (1, sent + 1)
            assert visit.at_city_hall["state"] == "handed_over"
    finally:
        broker.kill()
