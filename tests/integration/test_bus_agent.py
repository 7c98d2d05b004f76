"""The whole bus in a small city of real parts: what the concierge sees and may do when something ends or breaks."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.demo.parts import House
from provisioning.demo.people import RefusedError
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, SECTION, SERVICE, STOP
from tests.hands import Concierge

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
WAIT_S = 30.0
LIMITS = {"printer_silence_s": 5, "cancel_confirm_s": 1, "sync_s": 2, "release_s": 10}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="bus-test-") as name:
        Path(name).chmod(0o711)
        with House(Path(name) / "h", limits=LIMITS, print_seconds=1.2) as house:
            house.on_duty()
            yield house


@contextmanager
def counter_session(house: House) -> Iterator[str]:
    where = ("--bus", BUS, "--section", SECTION, "--stop", STOP)
    session = str(house.clerk.run("session", "open", *where)["session"])
    try:
        yield session
    finally:
        house.clerk.run("session", "close", session)


@contextmanager
def delivered(house: House, session: str, *, approved: bool = True) -> Iterator[str]:
    """A document on the bus, ready to print: its job id."""
    path, before = house.desk / "document.pdf", {job["job"] for job in snapshot(house)["jobs"]}
    path.write_bytes(sample_certificate(1))
    path.chmod(0o644)
    words: tuple[str | Path, ...] = (
        "send",
        path,
        "--session",
        session,
        "--service",
        SERVICE,
        *(["--approve"] if approved else []),
    )
    with house.clerk.running(*words):
        until(house, lambda seen: any(ready(job, before, approved) for job in seen["jobs"]), "a document is ready")
        yield next(job["job"] for job in snapshot(house)["jobs"] if job["job"] not in before)


def ready(job: dict[str, Any], before: set[str], approved: bool) -> bool:
    return job["job"] not in before and job["state"] == "on_bus" and job["approved"] is approved


def snapshot(house: House) -> dict[str, Any]:
    return house.concierge.run("status")


def until(house: House, state: Callable[[dict[str, Any]], bool], what: str) -> None:
    wait_until(lambda: state(house.snapshot()), WAIT_S, what)


def stands(house: House, job: str, *states: str) -> None:
    until(house, lambda seen: state_of(seen, job) in states, f"{job} is {' or '.join(states)}")


def state_of(seen: dict[str, Any], job: str) -> str:
    return next((str(one["state"]) for one in seen["jobs"] if one["job"] == job), "forgotten")


def why_refused(house: House, *words: str) -> str:
    with pytest.raises(RefusedError) as refused:
        house.concierge.run(*words)
    return refused.value.reason


def bodies(house: House) -> list[str]:
    return os.listdir(house.city.bus.state / "bodies")


def test_printing_is_refused_with_the_reason_that_applies(house: House) -> None:
    with counter_session(house) as session, delivered(house, session, approved=False) as job:
        assert why_refused(house, "print", "j" + "0" * 24) == "refused.unknown_job"
        assert why_refused(house, "hand-over", job) == "refused.wrong_state"
        assert why_refused(house, "print", job) == "refused.not_approved"
        house.clerk.run("approve", job)
        until(house, lambda seen: bool(seen["jobs"][0]["approved"]), "the approval is here")
        house.part("spooler").stop()
        until(house, lambda seen: not seen["spooler"], "the spooler is missed")
        assert why_refused(house, "print", job) == "refused.spooler_gone"
        house.part("spooler").start()
        until(house, lambda seen: bool(seen["spooler"]), "the spooler is back")
        seen = house.concierge.run("mode", "route_bus")
        assert (seen["session"], state_of(seen, job)) == (None, "canceled"), "off duty the session is over at once"
        assert why_refused(house, "call", SECTION, "--stop", STOP) == "refused.no_session_here"
        until(house, lambda seen: bool(seen["duty"]["noted"]), "city hall knows")
        with pytest.raises(RefusedError) as refused:
            house.clerk.run("session", "open", "--bus", BUS, "--section", SECTION, "--stop", STOP)
        assert refused.value.reason == "relay.no_duty"
        house.on_duty()
    stands(house, job, "forgotten")


def test_a_restarted_agent_prints_nothing_twice_and_loses_nothing(house: House) -> None:
    with counter_session(house) as session, delivered(house, session) as job:
        before = len(house.papers())
        house.concierge.run("print", job)
        wait_until(lambda: len(house.papers()) > before, WAIT_S, "the printer has begun")
        house.part("agent").kill()
        house.part("agent").start()
        stands(house, job, "printed")
        assert len(house.papers()) == before + 1
        assert house.snapshot()["advice"]["key"] == "do.hand_over"
        house.concierge.run("hand-over", job)
        stands(house, job, "forgotten")
        assert bodies(house) == []


def test_leaving_duty_while_it_prints_asks_what_came_out(house: House) -> None:
    with counter_session(house) as session, delivered(house, session) as job:
        before, concierge = len(house.papers()), Concierge(house)
        concierge.press(job, "print")
        wait_until(lambda: len(house.papers()) > before, WAIT_S, "the printer has begun")
        concierge.mode("route_bus")  # at once: a command's own start takes longer than the sheet
        concierge.close()
        stands(house, job, "uncertain", "canceled", "forgotten")
        if state_of(house.snapshot(), job) == "uncertain":
            assert house.snapshot()["advice"]["key"] in {"do.switch_off", "do.look"}
            house.concierge.run("spoiled", job, "--why", "duty-ended", "--sheets", "A-000123")
        stands(house, job, "forgotten")
        house.on_duty()


def test_a_call_becomes_a_session_and_a_spoiled_sheet_its_one_reissue(house: House) -> None:
    assert house.concierge.run("call", SECTION, "--stop", STOP, "--slot", "2")["jobs"] == []
    until(house, lambda seen: bool(seen["session"]) and seen["session"]["clerk"] is None, "it rings")
    ringing = house.snapshot()
    assert (ringing["advice"]["key"], ringing["call"]["section"]) == ("do.wait_for_answer", SECTION)
    session = str(house.clerk.run("session", "accept")["session"])
    until(house, lambda seen: bool(seen["session"]) and seen["session"]["clerk"] is not None, "a clerk has accepted")
    with delivered(house, session) as job:
        house.concierge.run("print", job)
        stands(house, job, "printed")
        assert why_refused(house, "spoiled", job, "--why", "toner") == "refused.numbers_missing"
        house.concierge.run("spoiled", job, "--why", "toner", "--sheets", "A-000124")
    stands(house, job, "forgotten")
    reissue = ("--session", session, "--service", SERVICE, "--reissue-of", job, "--sheet", "A-000124", "--approve")
    with house.clerk.running("send", house.desk / "document.pdf", *reissue):
        until(house, lambda seen: any(one["reissue_of"] == job for one in seen["jobs"]), "the reissue is on board")
        new = next(str(one["job"]) for one in house.snapshot()["jobs"])
        assert house.clerk.run("show", job)["reissue"] == new
        house.concierge.run("end-session")
        stands(house, new, "canceled", "forgotten")
        over = house.snapshot()
        assert (over["session"], over["visit"]["ended_here"], over["day"]["done"]) == (None, True, [2])
        assert house.concierge.run("seen")["visit"] is None
    stands(house, new, "forgotten")
    seen = house.clerk.run("show", new)
    assert (seen["state"], seen["why"]["key"]) == ("canceled", "reason.ended_on_bus")
    receipts = house.clerk.run("receipts", new)
    assert receipts["bus"]
    assert receipts["relay"]
    assert house.clerk.run("session", "calls")["calls"] == []


def test_a_missing_city_hall_is_said_plainly_and_comes_back(house: House) -> None:
    house.part("relay").stop()
    until(house, lambda seen: seen["link"]["state"] == "down", "the line is shown as down")
    assert house.snapshot()["link"]["calm"], "nobody waits for it"
    assert house.snapshot()["advice"]["key"] == "link.dead_zone"
    house.part("relay").start()
    until(house, lambda seen: seen["link"]["state"] == "up", "the line is up again")


def test_mode_and_journal_survive_a_restart(house: House) -> None:
    boot = house.snapshot()["boot"]
    house.concierge.run("mode", "disaster")
    house.concierge.run("arrive", STOP)
    house.part("agent").restart()
    seen = house.snapshot()
    assert (seen["mode"], seen["day"]["stop"], seen["boot"]) == ("disaster", STOP, boot + 1)
    assert [light["light"] for light in seen["lights"]] == ["power", "line", "city_hall", "printer", "paper"]
    assert house.concierge.run("verify")["rows"] > 10
    house.on_duty()
