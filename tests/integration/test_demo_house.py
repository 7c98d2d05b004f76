"""The house of real parts: each part can fall and come back, and certificates still get through."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent.agent.store import STORE
from cityhall_base.clock import SystemClock, business_day
from cityhall_relay.boss import RELAY_DB
from provisioning.demo.blueprint import PARTS
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.demo.walk import Walk, Walked
from provisioning.errors import PartError
from provisioning.files import PUBLIC, write
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, DRAWER, PAPER, SECTION, STOP

pytestmark = pytest.mark.timeout(180)
MET_S = 30.0


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        House(Path(name), limits={"sync_s": 1}) as house,
    ):
        yield house


def walk(house: House, number: int) -> Walked:
    return Walk(house, lambda text: None).go(sample_certificate(number))


@pytest.mark.parametrize("name", ["printer", "broker"])  # test_spine_kills kills the others, at every stage
def test_a_part_that_was_killed_comes_back_and_a_certificate_gets_through(house: House, name: str) -> None:
    papers = len(house.papers())
    house.part(name).kill()
    assert not house.part(name).running
    house.part(name).start()
    wait_until(house.met, MET_S, "bus and city hall have met again")
    walked = walk(house, PARTS.index(name))
    assert (walked.state, walked.plaintext_hits) == ("handed_over", 0)
    assert len(house.papers()) == papers + 1


def test_without_broker_a_certificate_gets_through_by_syncs_rhythm(house: House) -> None:
    house.part("broker").stop()
    assert walk(house, 20).state == "handed_over"
    house.part("broker").start()


def test_a_plan_of_slots_that_a_clerk_imports_outlives_the_relays_process(house: House) -> None:
    table = house.desk / "plan.csv"
    day = business_day(SystemClock().utc_ms() + 24 * 3600 * 1000)
    line = f"{day},{BUS},1,10:30,11:00,{STOP},{SECTION}"
    write(table, f"date,bus,slot,start,end,stop,section\n{line}\n".encode(), house.users.city.clerk, PUBLIC)
    taken = {"bus": BUS, "day": day, "slots": 1, "before": 0}
    assert house.clerk.run("day", "import", str(table)) == {"days": [taken]}
    house.part("relay").kill()
    house.part("relay").start()
    assert house.clerk.run("day", "import", str(table)) == {"days": [taken | {"before": 1}]}


def test_without_relay_the_bus_says_so_and_recovers(house: House) -> None:
    house.part("relay").stop()
    wait_until(lambda: house.snapshot()["link"]["state"] == "down", MET_S, "the bus says that its line is down")
    assert house.snapshot()["link"]["sentence"]
    house.part("relay").start()
    wait_until(house.met, MET_S, "bus and city hall have met again")


def test_a_part_that_does_not_run_has_no_process_id(house: House) -> None:
    house.part("broker").stop()
    with pytest.raises(PartError, match="broker does not run"):
        _ = house.part("broker").pid
    house.part("broker").start()


def test_a_house_that_was_stopped_starts_again_with_all_it_knew(house: House) -> None:
    boot = house.snapshot()["boot"]
    house.stop()
    assert not any(house.part(name).running for name in PARTS)
    house.start()
    assert house.snapshot()["boot"] == boot + 1
    assert walk(house, 30).state == "handed_over"


def test_a_rehearsal_has_books_of_its_own(house: House) -> None:
    """A rehearsal is a house: its two books lie in its folder, and city hall there lists what the bus there wrote."""
    books = [house.city.bus.state / STORE, house.city.city.relay / "state" / RELAY_DB]
    assert [path.is_relative_to(house.dir) and path.exists() for path in books] == [True, True]
    house.concierge.run(
        "sheets", "count", "--paper", PAPER, "--left", str(house.snapshot()["books"]["papers"][0]["left"])
    )
    wait_until(
        lambda: len(house.clerk.run("ledger", BUS, "--entries")["entries"]) > 1, MET_S, "city hall has both lines"
    )
    first, *_, last = house.clerk.run("ledger", BUS, "--entries")["entries"]
    assert (first["column"], first["numbers"]) == ("received", ["..".join(DRAWER)])
    assert (last["column"], last["by"]) == ("counted", "concierge")
    assert house.concierge.run("sheets", "show")["papers"][0]["differences"] == []
    (line,) = house.clerk.run("ledger", BUS)["lines"]
    assert (line["left"], line["differences"]) == (house.snapshot()["books"]["papers"][0]["left"], [])
    wish = house.clerk.run("ledger-receive", BUS, "--paper", PAPER, "--from", "B-1", "--to", "B-9")["pending"]
    assert wish[0]["n"] == 0
    wait_until(lambda: not house.clerk.run("ledger", BUS)["pending"], MET_S, "the bus has written what city hall wants")
    assert house.snapshot()["books"]["papers"][0]["left"] == line["left"] + 9
    job = house.clerk.run("fees", BUS)["open"][0]["job"]  # this file's certificates were handed over, and nobody paid
    house.concierge.run("fee", "waived", job, "--why", "practice")
    house.concierge.run("cash", "count", "0")
    wait_until(lambda: job not in str(house.clerk.run("fees", BUS)["open"]), MET_S, "city hall has the waiver")
