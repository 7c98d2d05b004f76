"""Theft in the house of real parts: revoke, the broker's live connection, two persons, and the alarm on board."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhall_relay.client.api import CityHall
from cityhall_relay.settings import load_clerk
from provisioning.demo.parts import House
from provisioning.demo.people import RefusedError
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, SECOND
from tests.hands import STEP_S, Json, Visit

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        House(Path(name), limits={"sync_s": 1}) as house,
    ):
        yield house


def seen_by_city_hall(clerk: CityHall) -> Json:
    (bus,) = clerk.buses()
    return bus


def ciphertexts(house: House) -> list[str]:
    return [path.name for path in (house.city.bus.state / "bodies").iterdir()]


def back_in(house: House, clerk: CityHall) -> None:
    second = CityHall(load_clerk(house.city.city.clerk(SECOND) / "clerk.toml"), patience_s=30)
    assert clerk.reinstate(BUS, "found")["suspended"]
    assert not second.reinstate(BUS, "found")["suspended"]
    second.close()
    wait_until(lambda: house.snapshot()["locked"] is None, STEP_S, "the bus hears that it is let back in")
    wait_until(lambda: seen_by_city_hall(clerk)["online"] is True, STEP_S, "it is at the broker again, with its rights")


def test_a_revoked_bus_is_cut_off_holds_nothing_and_is_let_back_in_by_two_persons(house: House) -> None:
    house.on_duty()
    visit = Visit(house, sample_certificate(1))
    visit.wait_on_board(state="on_bus")
    assert ciphertexts(house) == [visit.job]
    wait_until(lambda: seen_by_city_hall(visit.clerk)["online"] is True, STEP_S, "the bus is at the broker")
    began = time.monotonic()
    shown = house.clerk.run("revoke", BUS, "--reason", "stolen", "--json")
    took = time.monotonic() - began
    gone = shown["connection_cut_at"] - shown["at"]
    print(f"connection gone after {gone} ms, statement in hand after {took:.2f} s")
    assert shown["statement"]
    assert "by administrative action" in (house.log / "broker.log").read_text()
    wait_until(
        lambda: (house.snapshot()["locked"] or {}).get("reason") == "revoked", STEP_S, "the bus hears the notice"
    )
    wait_until(lambda: ciphertexts(house) == [], STEP_S, "it has destroyed what it held")
    assert (seen_by_city_hall(visit.clerk)["online"], visit.at_city_hall["state"]) == (None, "canceled")
    with pytest.raises(RefusedError):
        house.concierge.run("call", "citizen", "--stop", "hase-hall")

    statement, key = house.desk / "statement", house.desk / "relay.pub.pem"
    house.clerk.run("statement", BUS, "--out", statement, "--json")
    shutil.copy(house.city.city.relay_key, key)
    key.chmod(0o644)
    said = house.clerk.run("verify-statement", statement, "--key", key, "--json")
    (part,) = said["parts"]
    (held,) = part["jobs"]
    assert (held["job"], held["before"], held.get("given", []), held["key_destroyed"]) == (
        visit.job,
        "on_bus",
        [],
        True,
    )
    assert part["connection"] == "cut"

    back_in(house, visit.clerk)
    visit.clerk.close()
    house.on_duty()
    again = Visit(house, sample_certificate(2))
    assert again.walk()["state"] == "handed_over"
    again.leave()


def test_the_alarm_works_without_a_line_over_a_restart_and_revokes_when_city_hall_hears_of_it(house: House) -> None:
    house.on_duty()
    visit = Visit(house, sample_certificate(3))
    visit.wait_on_board(state="on_bus")
    house.part("relay").stop()
    house.concierge.run("panic", "--json")
    assert (ciphertexts(house), visit.on_board["state"]) == ([], "canceled")
    house.part("agent").kill()
    house.part("agent").start()
    seen = house.snapshot()
    assert (seen["locked"]["reason"], seen["mode"], seen["advice"]["key"]) == ("panic", "route_bus", "reason.panic")
    house.part("relay").start()
    wait_until(
        lambda: (seen_by_city_hall(visit.clerk)["locked"] or {}).get("key") == "reason.revoked",
        STEP_S,
        "city hall has revoked the bus",
    )
    assert visit.at_city_hall["state"] == "canceled"
    shown = visit.clerk.revocation(BUS)
    assert (shown["reason"], shown["by"]) == ("panic", "bus")
    assert house.snapshot()["locked"]["reason"] == "panic"
    back_in(house, visit.clerk)
    visit.clerk.close()
