"""Three public accidents, replayed by their causes on the real parts. Each handed a stranger's certificate to a citizen."""

import functools
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from bus_agent.settings import load_agent_settings
from cityhall_base import tls
from cityhall_base.software import ROOMS
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import RefusedError
from cityhall_relay.settings import load_clerk
from cityhall_wire import headers, seal
from cityhall_wire.messages.relay import Offer, Release
from provisioning.city import publish
from provisioning.demo.people import RefusedError as NotTakenError
from provisioning.demo.probe import accepts, free_ports, press
from provisioning.demo.process import Command, Part
from provisioning.demo.stage import Scene
from provisioning.demo.wait import wait_until
from provisioning.files import me
from tests.hands import STEP_S, Visit
from tests.integration.bus_lab import certificate
from tests.integration.hostile_agent import CountingHouse
from tests.integration.test_relay_process import City
from tests.relay_city import BUSES, HandMadeBus
from tests.relay_tls import bus_client, clerk_client

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
TOP = Path(__file__).parents[2]
LIMITS = {
    "sync_s": 1,
    "release_s": 5,
    "cancel_confirm_s": 1,
    "printer_poll_ms": 50,
    "printer_silence_s": 5,
    "session_idle_s": 60,
}
IDLE_S = 61
LIVE = "select session from sessions where ended_at is null"


class Scenery(CountingHouse):
    """A house whose relay's clock can be set ahead, whose bus can be left behind, and which can be asked what it has kept."""

    def _prepare(self) -> None:
        super()._prepare()
        self.ahead_file = self.dir / "ahead"
        self.ahead_file.write_text("0")
        relay = self.part("relay")
        argv = (
            sys.executable,
            "-m",
            "tests.integration.odd_relay",
            "serve",
            "--config",
            str(self.city.city.relay_toml),
        )
        env = {**relay.command.env, "AHEAD": str(self.ahead_file)}
        relay.command = relay.command._replace(argv=argv, env=env)

    def idle_away(self) -> None:
        """So much time goes by at city hall that a session in which nobody does anything has ended."""
        self.set_ahead()
        wait_until(lambda: not self.asked(self.relay_db, LIVE), STEP_S, "no session is live")

    def set_ahead(self) -> None:
        """The same, and nothing is waited for."""
        later = self.ahead_file.with_suffix(".new")
        later.write_text(str(int(self.ahead_file.read_text()) + IDLE_S))
        later.rename(self.ahead_file)

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """City hall has so much to do that it answers nothing; what comes meanwhile waits, and is answered late."""
        pid = self.part("relay").pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def say_again(self, path: str, envelope: bytes) -> bytes:
        """A message of the bus, late or doubled, over the bus's own line; city hall's answer."""
        at = load_agent_settings(self.city.bus.bus_toml).relay
        context = tls.client_context(at.ca, at.cert, at.key)
        with httpx.Client(base_url=at.url, verify=context, timeout=20, trust_env=False) as bus:
            return bus.post(path, content=envelope).content

    def run_from(self, top: Path, *names: str) -> None:
        """Have these parts run the program in the folder `top`."""
        for name in names:
            part = self.part(name)
            part.command = part.command._replace(env={**part.command.env, "PYTHONPATH": str(top)})
        self.restart(*names)

    def restart(self, *names: str) -> None:
        """With other files than before."""
        for name in names:
            self.part(name).terminate()
        for name in names:
            self.part(name).stop()
            self.part(name).launch()
        for name in names:
            self.part(name).wait_ready()
        wait_until(self.met, STEP_S, "the bus has met city hall")


@pytest.fixture(scope="module")
def house() -> Iterator[Scenery]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        Scenery(Path(name) / "h", limits=LIMITS) as house,
    ):
        house.on_duty()
        yield house
        papers = [paper.sha256 for paper in house.papers()]
        assert len(papers) == len(set(papers))


@contextmanager
def resident(house: Scenery, pages: int = 1, clerk: CityHall | None = None) -> Iterator[Visit]:
    """Somebody whose document is on the bus and allowed; afterwards the clerk ends what session is left."""
    visit = Visit(house, certificate(pages), clerk=clerk)
    try:
        visit.wait_on_board(state="on_bus")
        visit.approve()
        yield visit
    finally:
        visit.leave()


def hand_over(visit: Visit) -> None:
    """As soon as it is printed."""
    visit.wait_on_board(state="printed")
    visit.press("hand-over")
    wait_until(lambda: not visit.on_board, STEP_S, "both sides have signed that it is gone")


def press_until_taken(visit: Visit) -> None:
    """A printer that holds another document takes none."""
    wait_until(lambda: pressed(visit), STEP_S, "the printer takes it")


def pressed(visit: Visit) -> bool:
    """Whether an opener asks for its key."""
    try:
        press(visit.house.city.bus.api_socket, visit.job, "print")
    except NotTakenError as refused:
        if refused.reason in {"refused.printer_not_ready", "refused.busy"}:
            return False
        raise
    return True


class Late:
    """What the bus said about a visit, kept by a line that delivers it later, again, and in any order."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.house = visit, visit.house
        assert isinstance(self.house, Scenery)
        self.requests = self.house.asked(
            self.house.city.bus.state / "agent.db", "select request from jobs where job = ?", visit.job
        )

    def arrives(self) -> None:
        """All of it, with a clerk who clicks on; none of it changes anything."""
        house, visit = self.house, self.visit
        assert isinstance(house, Scenery)
        before = visit.at_city_hall
        said = house.asked(house.relay_db, "select envelope from evidence where job = ? order by n desc", visit.job)
        for request in filter(None, self.requests):
            assert b'"kind":"refusal"' in house.say_again("/1/release", request)
        for statement in said:
            house.say_again("/1/evidence", statement)
        for click in (visit.clerk.approve, visit.clerk.cancel):
            with suppress(RefusedError):  # or it is answered with where the job stands, as a click that comes twice
                click(visit.job)
        assert visit.at_city_hall == before


def test_yokohama_2023_a_print_wait_times_out_under_load_and_the_next_applicant_comes(house: Scenery) -> None:
    """Under load the wait for a print timed out and only the print-order lock was given back; the next applicant got that file.

    Here the whole job dies with its session on both sides, and a key is bound to one session, one attempt and one opener.
    """
    with resident(house) as first:
        with house.loaded():
            first.press("print")
            late = Late(first)
            first.wait_on_board(why="print.late")
            house.set_ahead()
        wait_until(lambda: first.at_city_hall["state"] == "canceled", STEP_S, "session and document are over")
        with resident(house) as second:
            late.arrives()
            press_until_taken(second)
            late.arrives()
            hand_over(second)
            late.arrives()
        assert (first.copies, second.copies) == (0, 1)
        assert (first.on_board, house.releases(first.job)) == ({}, [])


SCENES = {
    "before its first sheet": (Scene(reason="media-empty", after_page=0), "canceled", 0),
    "between its sheets": (Scene(reason="media-jam", after_page=1), "uncertain", 1),
}


@pytest.mark.parametrize(("scene", "end", "copies"), SCENES.values(), ids=SCENES.keys())
def test_yokohama_2023_the_wait_is_over_while_the_printer_holds_the_document(
    house: Scenery, scene: Scene, end: str, copies: int
) -> None:
    """The same accident, where the key had travelled: what the printer still held came out for the next applicant.

    Here it is canceled at the printer and confirmed, or nobody claims to know (要確認); the next waits for an empty printer.
    """
    house.director.stage.play(scene)
    with resident(house, pages=2) as first:
        first.press("print")
        late = Late(first)
        house.director.stage.wait_standing()
        house.idle_away()
        wait_until(lambda: first.at_city_hall["state"] == end, STEP_S, "nothing of it is left to chance")
        before = len(house.papers())
        with resident(house) as second:
            late.arrives()
            press_until_taken(second)
            hand_over(second)
            late.arrives()
        assert [paper.sha256 for paper in house.papers()[before:]] == [second.sha256]
        assert (first.copies, second.copies, first.at_city_hall["state"]) == (copies, 1, end)
        if end == "uncertain":
            press(house.city.bus.api_socket, first.job, "spoiled", why="jam", sheets=["A-000123"])
            wait_until(lambda: first.at_city_hall["state"] == "spoiled", STEP_S, "a person has ended it")


def test_munakata_2023_a_bus_with_an_older_program_or_configuration_gets_no_key(house: Scenery) -> None:
    """The fix of an older fault had never reached one site, whose terminal gave out the previous person's certificate.

    Here each request carries the digests of the program and the configuration that ask: city hall opens nothing for one that it
    has not approved, says so, and prints the same document once it has approved the one and the bus has fetched the other.
    """
    where, bus, older = house.city.city, house.city.bus, house.dir / "older"
    for room in ROOMS:
        shutil.copytree(TOP / room, older / room)
    with (older / "bus_agent" / "spooler" / "desk.py").open("a") as source:
        source.write("# as it was before the fix\n")
    house.run_from(older, "spooler", "agent")
    sent = house.documents_sent
    with resident(house) as visit:
        wait_locked(visit, "software_not_approved")
        (digest,) = house.asked(house.relay_db, "select software from buses")
        approved = f'approved_software = ["{digest.hex()}"]'
        where.relay_toml.write_text(re.sub("approved_software = .*", approved, where.relay_toml.read_text()))
        with where.city_toml.open("a") as file:
            file.write("# a section has moved\n")
        house.restart("relay")
        wait_locked(visit, "config_differs")  # the program is approved now
        assert (house.documents_sent, house.releases(visit.job), visit.at_city_hall["attempt"]) == (sent, [], 1)
        raw, signature = publish(where)
        (bus.published / "city.toml").write_bytes(raw)
        (bus.published / "city.toml.sig").write_bytes(signature)
        house.restart("spooler", "agent")
        press_until_taken(visit)
        hand_over(visit)
        assert visit.copies == 1


def wait_locked(visit: Visit, reason: str) -> None:
    """Until the bus gets neither lease nor session for this reason: one sentence on both screens, and for whoever presses print."""
    key = f"reason.{reason}"
    wait_until(lambda: (visit.house.snapshot()["locked"] or {}).get("key") == key, STEP_S, f"the bus hears {key}")
    (seen,) = visit.clerk.buses()
    assert seen["locked"]["sentence"] == visit.house.snapshot()["locked"]["sentence"] != ""
    with pytest.raises(AssertionError, match=key):
        visit.press("print")


def test_takamatsu_2024_a_second_relay_on_the_same_database_does_not_start(house: Scenery) -> None:
    """A program for one server ran on several; two nearly simultaneous requests crossed.

    Here a database belongs to one process. The second ends with a sentence, before it listens.
    """
    argv = (sys.executable, "-m", "cityhall_relay.cli", "serve", "--config", str(house.city.city.relay_toml))
    second = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 3
    assert "Another process already works with this database" in second.stderr


@pytest.fixture
def second_relay(house: Scenery) -> Iterator[CityHall]:
    """A clerk at a second relay, forced onto the first one's database."""
    bus_port, clerk_port = free_ports(2)
    toml = house.city.city.relay / "second.toml"
    text = house.city.city.relay_toml.read_text()
    text = text.replace(str(house.ports.bus), str(bus_port)).replace(str(house.ports.clerk), str(clerk_port))
    toml.write_text(re.sub(r"\[broker\].*?(?=\n\[)", "", text, flags=re.DOTALL))
    relay = house.part("relay").command
    argv = (*relay.argv[:-1], str(toml))
    command = Command("second-relay", argv, me(), {**relay.env, "FORCED": "1"}, house.log / "second-relay.log")
    part = Part(command, lambda: accepts(clerk_port) and accepts(bus_port))
    settings = load_clerk(house.city.clerk_toml)
    url = settings.url.replace(str(house.ports.clerk), str(clerk_port))
    try:
        part.start()
        yield CityHall(msgspec.structs.replace(settings, url=url), patience_s=30)
    finally:
        part.stop()


def test_takamatsu_2024_where_it_is_forced_each_paper_is_its_own(house: Scenery, second_relay: CityHall) -> None:
    """As before, with the lock taken away: the clerk speaks to one relay, the bus to the other.

    Here each relay reads what it decides by inside the event that it writes, so that both are one.
    """
    with resident(house, clerk=second_relay) as visit:
        visit.press("print")
        late = Late(visit)
        hand_over(visit)
        late.arrives()
        assert (visit.copies, visit.at_city_hall["state"]) == (1, "handed_over")


class TwoRelays:
    """Two processes on one state, the second forced; hands at both, for two clerks and two buses made by hand."""

    def __init__(self, top: Path) -> None:
        self.city = City(top)
        self.city.start()
        self._clients: dict[tuple[str, str], httpx.Client] = {}
        self._buses: dict[str, HandMadeBus] = {}
        self._ports = {"first": (self.city.bus_port, self.city.clerk_port)}
        self._make_the_days_key()
        ports = free_ports(2)
        text = (top / "relay.toml").read_text()
        for old, new in zip((self.city.bus_port, self.city.clerk_port), ports, strict=True):
            text = text.replace(f"port = {old}", f"port = {new}")
        (top / "second.toml").write_text(text)
        argv = (sys.executable, "-m", "tests.integration.odd_relay", "serve", "--config", str(top / "second.toml"))
        env = {"PATH": os.defpath, "PYTHONPATH": str(TOP), "FORCED": "1"}
        self.second = Part(Command("second", argv, me(), env, top / "second.log"), lambda: all(map(accepts, ports)))
        self.second.start()
        self._ports["second"] = (ports[0], ports[1])

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self.second.stop()
        if self.city.relay is not None:
            self.city.stop()
        self.city.notify.close()

    def bus(self, relay: str, name: str) -> HandMadeBus:
        """The vehicle at that relay's door."""
        client = self._client(relay, name)
        bus = HandMadeBus(self.city.keys, name, lambda path, raw: client.post(path, content=raw).content)
        bus.token = self._buses[name].token if name in self._buses else b""  # it is one box, whatever door it stands at
        self._buses[name] = bus
        return bus

    def body(self, name: str, job: str, size: int) -> bytes:
        """Ciphertext, as that vehicle may have it."""
        return self._client("first", name).get(f"/1/body/{job}", headers={"Range": f"bytes=0-{size - 1}"}).content

    def clerk(self, relay: str, name: str) -> httpx.Client:
        """A clerk at that relay."""
        return self._client(relay, name)

    def _make_the_days_key(self) -> None:
        # Each process would else make one of its own, and nothing that the other has sealed could be opened at all.
        session = opened(self, "first", "clerk-1", "bus-1").json()["session"]
        sent_at(self, "first", "clerk-1", session, certificate(), "0" * 32)
        self.clerk("first", "clerk-1").delete(f"/1/sessions/{session}")
        for bus in BUSES:
            self.bus("first", bus).gets_paper()

    def _client(self, relay: str, name: str) -> httpx.Client:
        if (relay, name) not in self._clients:
            bus_port, clerk_port = self._ports[relay]
            known = name in BUSES
            client = bus_client(self.city.top, bus_port, name) if known else None
            self._clients[relay, name] = client or clerk_client(self.city.top, clerk_port, name)
        return self._clients[relay, name]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """All of them in the same moment; what each came to, or the exception."""
    line = threading.Barrier(len(acts))

    def go(act: Callable[[], Any]) -> Any:
        line.wait(10)
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


@pytest.fixture
def two_relays() -> Iterator[TwoRelays]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        two = TwoRelays(Path(name))
        try:
            yield two
        finally:
            two.stop()


ROUNDS = 2  # the worst moments by construction: tests/unit/test_relay_races.py
RELAYS = ("first", "second")


def test_takamatsu_2024_two_requests_within_the_same_millisecond(two_relays: TwoRelays) -> None:
    """As before: two relays on one database, two residents on two buses, and each request at both relays at once.

    Here the database has one release for a job's attempt, one session for a bus and for a clerk; whoever comes second gets an
    error or the same answer, and each key opens its own document alone.
    """
    two = two_relays
    for _ in range(ROUNDS):
        sessions = opened_at_once(two)
        papers = {bus: certificate() for bus in sessions}
        jobs = {bus: sent_at_once(two, *sessions[bus], papers[bus]) for bus in sessions}
        offers = {bus: carried_at(two, bus) for bus in sessions}
        assert {bus: headers.decode_seal_header(offer.seal_header).job for bus, offer in offers.items()} == jobs
        for bus, keys in released_at_once(two, offers).items():
            ((opener, release),) = keys
            key = opener.unwrap(release.wrapped_key, release.release_header)
            body = two.body(bus, jobs[bus], offers[bus].body_size)
            assert bytes(seal.open_body(key, offers[bus].seal_header, [body])) == papers[bus]
        approved_and_closed_at_once(two, *sessions["bus-1"])
        clerk, session = sessions["bus-2"]
        two.clerk("second", clerk).delete(f"/1/sessions/{session}")
    two.second.stop()
    two.city.stop()
    checked = two.city.verify()
    assert checked.returncode == 0, checked.stderr


def approved_and_closed_at_once(two: TwoRelays, clerk: str, session: str) -> None:
    """A document that is allowed at one relay while its session ends at the other is dead, whoever comes first."""
    job = sent_at_once(two, clerk, session, certificate(), approve=False)
    at_once(
        lambda: two.clerk("first", clerk).post(f"/1/jobs/{job}/approve"),
        lambda: two.clerk("second", clerk).delete(f"/1/sessions/{session}"),
    )
    assert two.clerk("first", clerk).get(f"/1/jobs/{job}").json()["state"] == "canceled"


def opened_at_once(two: TwoRelays) -> dict[str, tuple[str, str]]:
    """Both clerks want the first bus; who does not get it takes the second. Bus → (clerk, session)."""
    wishes = (("first", "clerk-1", "bus-1"), ("second", "clerk-2", "bus-1"))
    answers = at_once(*(functools.partial(opened, two, *wish) for wish in wishes))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    winner, loser = ("clerk-1", "clerk-2") if answers[0].status_code == 201 else ("clerk-2", "clerk-1")
    won = next(answer.json() for answer in answers if answer.status_code == 201)
    return {
        "bus-1": (winner, won["session"]),
        "bus-2": (loser, opened(two, "second", loser, "bus-2").json()["session"]),
    }


def opened(two: TwoRelays, relay: str, clerk: str, bus: str) -> httpx.Response:
    """Ask for a session."""
    place = {"bus": bus, "section": "citizen", "stop": "hall", "slot": 3}
    return two.clerk(relay, clerk).post("/1/sessions", json=place)


def sent_at(two: TwoRelays, relay: str, clerk: str, session: str, document: bytes, number: str) -> httpx.Response:
    """Send it there."""
    path, head = f"/1/sessions/{session}/jobs?service=resident-record", {"Submission": number}
    return two.clerk(relay, clerk).post(path, content=document, headers=head)


def sent_at_once(two: TwoRelays, clerk: str, session: str, document: bytes, *, approve: bool = True) -> str:
    """One submission at both relays: one job, allowed at both."""
    number = secrets.token_hex(16)
    sends = (functools.partial(sent_at, two, at, clerk, session, document, number) for at in RELAYS)
    (job,) = {answer.json()["job"] for answer in at_once(*sends) if answer.is_success}
    if approve:
        at_once(*(functools.partial(two.clerk(at, clerk).post, f"/1/jobs/{job}/approve") for at in RELAYS))
    return str(job)


def carried_at(two: TwoRelays, name: str) -> Offer:
    """The one offer that the vehicle gets and now holds; each vehicle has a relay of its own."""
    bus = two.bus("first" if name == "bus-1" else "second", name)
    bus.boot = time.time_ns() // 1_000_000
    (offer,) = bus.sync().offers
    bus.hold(offer)
    bus.sync()
    return offer


def released_at_once(two: TwoRelays, offers: dict[str, Offer]) -> dict[str, list[tuple[seal.OpenerKey, Release]]]:
    """Two openers of each vehicle ask, one at each relay, all in one moment. Vehicle → who got a key."""
    given: dict[str, list[tuple[seal.OpenerKey, Release]]] = {bus: [] for bus in offers}

    def ask(relay: str, name: str, offer: Offer) -> None:
        bus, opener = two.bus(relay, name), seal.OpenerKey()
        job = headers.decode_seal_header(offer.seal_header).job
        digest = headers.seal_digest(offer.seal_header)
        of = SimpleNamespace(job=job, attempt=1, session=offer.session, seal_digest=digest)
        answer = bus.asks(bus.request(of, opener))  # type: ignore[arg-type]
        if isinstance(answer, Release):
            given[name].append((opener, answer))

    at_once(*(functools.partial(ask, at, bus, offer) for at in RELAYS for bus, offer in offers.items()))
    return given
