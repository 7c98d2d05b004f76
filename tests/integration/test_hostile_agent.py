"""The network side of the bus is taken over: whoever sits in the agent's place opens no job twice, and his word shows none printed.

He holds the link key, the bus's certificate, the ciphertext, every message that passed, the agent's database and the
spooler's socket. What he cannot do is sign with the print key; what he can do is lie, repeat, withhold and hurry.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bus_agent.ipc.messages import Answered, Cancel, Committed, Declined, Statement, Step
from bus_agent.spooler.desk import REMEMBERED
from cityhall_wire import seal
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import envelope, link, relay
from cityhall_wire.messages.printing import Evidence, Finding
from cityhall_wire.modes import DutyMode
from provisioning.demo.wait import wait_until
from tests.hands import STEP_S, Concierge, Json
from tests.integration.bus_lab import Sealed, certificate, opened_request
from tests.integration.hostile_agent import CountingHouse, Desk, HostileAgent, recover

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]
LIMITS = {"sync_s": 1, "release_s": 5, "cancel_confirm_s": 1, "printer_poll_ms": 50, "printer_silence_s": 5}


@pytest.fixture(scope="module")
def house() -> Iterator[CountingHouse]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        CountingHouse(Path(name) / "h", limits=LIMITS) as house,
    ):
        house.on_duty()
        house.part("agent").stop()
        yield house
        papers = [paper.sha256 for paper in house.papers()]
        assert house.documents_sent == len(papers) == len(set(papers)) > 5


@pytest.fixture(scope="module")
def desk(house: CountingHouse) -> Desk:
    return Desk(house)


@pytest.fixture(scope="module")
def taken_over(house: CountingHouse) -> HostileAgent:
    return HostileAgent(house)


@pytest.fixture
def agent(taken_over: HostileAgent) -> Iterator[HostileAgent]:
    taken_over.connect()
    yield taken_over
    taken_over.close()


def reason(answer: object) -> str:
    assert isinstance(answer, relay.Refusal), answer
    return answer.reason


def commits(sealed: Sealed, attempt: int = 1) -> list[Committed]:
    """Both, without anything having been committed."""
    return [Committed(job=sealed.job, attempt=attempt, step=step) for step in Step]


def go_on(agent: HostileAgent, sealed: Sealed, release: bytes, attempt: int = 1) -> list[bytes]:
    """Hurry: everything that the spooler will ask for, at once. The statements until the print's end."""
    for message in (Answered(job=sealed.job, attempt=attempt, envelope=release), *commits(sealed, attempt)):
        agent.send(message)
    return statements(agent)


def statements(agent: HostileAgent) -> list[bytes]:
    """Of one attempt, until its last."""
    found: list[bytes] = []
    while not found or agent.read(found[-1]).finding is Finding.SENT:
        message = agent.next()
        if isinstance(message, Statement):
            found.append(message.evidence)
    return found


def given_up(agent: HostileAgent, sealed: Sealed, attempt: int = 1) -> bytes:
    """End an attempt before its document leaves: the spooler's statement."""
    agent.send(Cancel(job=sealed.job, attempt=attempt, why="session_ended"))
    statement = agent.statement()
    assert agent.read(statement).finding is Finding.NO_SHEET
    return statement


def test_a_release_is_given_once_however_it_is_asked_for(house: CountingHouse, desk: Desk, agent: HostileAgent) -> None:
    document = certificate()
    sealed = agent.carry(desk.send(document))
    requested = agent.requested(sealed)
    agent.press_print(sealed)
    assert agent.expect(Declined).key == "refused.busy"
    release = agent.post("/1/release", requested)
    _, request = opened_request(requested)
    own_key = msgspec.structs.replace(request, opener_key=seal.OpenerKey().public)
    forged = envelope.sign(own_key, agent.link_key)
    bent = requested.replace(b'"payload":"ey', b'"payload":"fy')
    assert [agent.status("/1/release", raw) for raw in (forged, bent)] == [403, 403]
    assert agent.post("/1/release", requested) == release
    said = go_on(agent, sealed, release)
    assert house.copies(document) == 1
    # All evidence withheld: city hall has heard of no end, and still opens nothing again.
    assert desk.state(sealed.job) == "releasing"
    for attempt, why in ((1, "attempt_used"), (2, "wrong_attempt")):
        assert agent.ask(agent.requested(sealed, attempt)) == why
        given_up(agent, sealed, attempt)
    for statement in said:
        agent.tell(statement)
    assert desk.state(sealed.job) == "printed"
    assert agent.ask(agent.requested(sealed)) == "wrong_state"
    given_up(agent, sealed)
    assert house.copies(document) == 1


def test_a_release_opens_for_its_own_opener_alone(house: CountingHouse, desk: Desk, agent: HostileAgent) -> None:
    documents = [certificate(), certificate()]
    one, other = [agent.carry(desk.send(document)) for document in documents]
    requested = agent.requested(one)
    release = agent.post("/1/release", requested)
    no_sheet = given_up(agent, one)
    agent.requested(one)  # the opener of the first is gone, and this is another
    said = agent.read(go_on(agent, one, release)[-1])
    assert (said.finding, said.why) == (Finding.NO_SHEET, "print.release")
    agent.requested(other)
    assert agent.read(go_on(agent, other, release)[-1]).finding is Finding.NO_SHEET
    assert house.copies(documents[0]) == house.copies(documents[1]) == 0
    # The first attempt is proven to have made no sheet: one more, and nothing of the first one counts any more.
    assert agent.tell(no_sheet).attempt == 2
    assert agent.ask(requested) == "wrong_attempt"
    again = agent.requested(one, 2)
    said = agent.read(go_on(agent, one, agent.post("/1/release", again), 2)[-1])
    assert said.finding is Finding.COMPLETED
    assert house.copies(documents[0]) == 1


def test_ciphertext_header_session_and_mode_are_this_jobs_own_or_nothing_opens(
    house: CountingHouse, desk: Desk, agent: HostileAgent
) -> None:
    documents = [
        certificate().ljust(1000, b"\n") for _ in range(2)
    ]  # of one size, so that only the seal tells them apart
    one, other = [agent.carry(desk.send(document)) for document in documents]
    agent.press_print(one, seal_header=other.header)
    assert agent.expect(Declined).key == "wire.header"
    agent.press_print(one, mode=DutyMode.ROUTE_BUS)
    assert agent.expect(Declined).key == "wire.header"
    assert agent.ask(agent.requested(one, session="s" + "0" * 24)) == "wrong_session"
    given_up(agent, one)
    requested = agent.requested(one, body=other.body)
    said = agent.read(go_on(agent, one, agent.post("/1/release", requested))[-1])
    assert (said.finding, said.why) == (Finding.NO_SHEET, "wire.open")
    assert house.copies(documents[0]) == house.copies(documents[1]) == 0


def test_an_approval_is_not_the_agents_to_give(house: CountingHouse, desk: Desk, agent: HostileAgent) -> None:
    document = certificate()
    sealed = agent.carry(desk.send(document, approve=False))
    agent.link.now(sealed.job, approved=True)
    agent.sync()
    assert agent.ask(agent.requested(sealed)) == "not_approved"
    given_up(agent, sealed)
    assert (desk.state(sealed.job), house.copies(document)) == ("on_bus", 0)


def test_by_the_agents_word_nothing_is_printed_and_nothing_is_opened_again(
    house: CountingHouse, desk: Desk, agent: HostileAgent
) -> None:
    document = certificate()
    sealed = agent.carry(desk.send(document))
    early = [agent.link.fact(kind, job=sealed.job, attempt=1) for kind in (link.HandOver, link.NothingCameOut)]
    assert [reason(answer) for answer in early] == ["wrong_state", "wrong_state"]
    requested = agent.requested(sealed)
    agent.ask(requested)
    _, request = opened_request(requested)
    names = {
        name: getattr(request, name) for name in ("v", "city", "bus", "incarnation", "nonce", "job", "attempt", "at")
    }
    for n, finding in enumerate((Finding.NO_SHEET, Finding.COMPLETED, Finding.CANCELED_AT_PRINTER), 1):
        said = Evidence(**names, n=n, finding=finding, why="seen", impressions=1, printer_uuid=request.printer_uuid)
        assert agent.status("/1/evidence", envelope.sign(said, agent.link_key)) == 403
    for state, attempt, at_city_hall in (
        (JobState.PRINTED, 1, "releasing"),
        (JobState.ON_BUS, 1, "releasing"),
        (JobState.ON_BUS, 2, "uncertain"),  # a proof that has not come asks a person, and opens no attempt
        (JobState.CANCELED, 1, "uncertain"),
    ):
        agent.link.now(sealed.job, state=state, attempt=attempt)
        agent.sync()
        assert desk.state(sealed.job) == at_city_hall
    assert agent.link.fact(link.Doubt, job=sealed.job, attempt=1, why="seen").state is JobState.UNCERTAIN
    # A lie about what lies in the tray ends the job, and with it its key: that is wrong, and no second opening.
    assert agent.link.fact(link.HandOver, job=sealed.job, attempt=1).state is JobState.HANDED_OVER
    assert agent.ask(requested) == "wrong_state"
    assert agent.tell(given_up(agent, sealed)).state is JobState.HANDED_OVER
    assert house.copies(document) == 0


def test_a_recovery_asked_for_while_the_opener_works_proves_nothing(
    house: CountingHouse, desk: Desk, agent: HostileAgent
) -> None:
    # An older request of the same attempt takes the place of the running one; then the printer is asked a moment too early.
    document = certificate()
    sealed = agent.carry(desk.send(document))
    older = agent.requested(sealed)
    given_up(agent, sealed)
    requested = agent.requested(sealed)
    release = agent.post("/1/release", requested)
    hurry = (Answered(job=sealed.job, attempt=1, envelope=release), *commits(sealed))
    for message in (*hurry, recover(sealed, older), recover(sealed, requested)):
        agent.send(message)
    said = statements(agent)
    assert [agent.read(one).finding for one in said] == [Finding.SENT, Finding.COMPLETED]
    for statement in said:
        assert isinstance(agent.tell(statement), relay.Receipt)
    assert (desk.state(sealed.job), house.copies(document)) == ("printed", 1)


def test_no_lie_about_the_past_makes_a_printed_sheet_unprinted(
    house: CountingHouse, desk: Desk, agent: HostileAgent
) -> None:
    documents = [certificate(), certificate()]
    other, sealed = [agent.carry(desk.send(document)) for document in documents]
    foreign = go_on(agent, other, agent.post("/1/release", agent.requested(other)))
    older = agent.requested(sealed)
    given_up(agent, sealed)
    requested = agent.requested(sealed)
    sent = go_on(agent, sealed, agent.post("/1/release", requested))[0]  # the rest is withheld
    house.part("spooler").restart()
    agent.close()
    agent.connect()
    for misfit in (recover(sealed, requested, 2), recover(other, requested), recover(sealed, b"{}")):
        agent.send(misfit)  # and nothing is said to it
    lies = (
        recover(sealed, requested),
        recover(sealed, requested, printer_job=1),
        recover(sealed, requested, sent=foreign[0]),
    )
    for lie in lies:
        agent.send(lie)
        doubt = agent.statement()
        assert agent.read(doubt).finding is Finding.DOUBT
        agent.tell(doubt)
        # The older request makes the spooler look anew; what it finds is not about the attempt that was released.
        agent.send(recover(sealed, older))
        assert reason(agent.tell(agent.statement())) in {"wrong_attempt", "not_understood"}
        assert desk.state(sealed.job) == "uncertain"
    agent.send(recover(sealed, requested, sent=sent))
    assert agent.read(agent.statement()).finding is Finding.COMPLETED
    assert [house.copies(document) for document in documents] == [1, 1]


def test_a_spooler_that_was_made_to_forget_still_asks_its_printer(
    house: CountingHouse, desk: Desk, agent: HostileAgent
) -> None:
    document = certificate()
    sealed = agent.carry(desk.send(document))
    requested = agent.requested(sealed)
    go_on(agent, sealed, agent.post("/1/release", requested))
    for attempt in range(2, REMEMBERED + 3):
        agent.press_print(sealed, attempt, mode=DutyMode.ROUTE_BUS)
        agent.expect(Declined)
    agent.send(recover(sealed, requested))
    said = agent.statement()
    assert (agent.read(said).n, agent.read(said).finding) == (1, Finding.DOUBT)
    assert agent.tell(said).state is JobState.UNCERTAIN
    assert house.copies(document) == 1


def test_a_database_that_was_rolled_back_opens_nothing_again(
    house: CountingHouse, desk: Desk, taken_over: HostileAgent
) -> None:
    part, state, before = house.part("agent"), house.city.bus.state, house.dir / "before"
    document, concierge = certificate(), Concierge(house)
    taken_over.leave_to_the_agent()
    part.start()
    job = desk.send(document)
    on_board(house, job, state="on_bus", approved=True, in_session=True)
    os.kill(part.pid, signal.SIGSTOP)
    shutil.copytree(state, before)
    os.kill(part.pid, signal.SIGCONT)
    concierge.press(job, "print")
    wait_until(lambda: desk.state(job) == "printed", STEP_S, "it is printed")
    # Two syncs later the token of before is old: the first brings a new one, the second shows it.
    for _ in range(2):
        part.restart()
        wait_until(house.met, STEP_S, "it has met city hall")
    part.stop()
    shutil.rmtree(state)
    before.rename(state)
    part.start()
    # A box that was set back shows an old token: it is locked like a second box, and what it asks for stays shut.
    wait_until(lambda: (house.snapshot()["locked"] or {}).get("reason") == "clone", STEP_S, "city hall has locked it")
    with pytest.raises(AssertionError, match=r"reason\.clone"):
        concierge.press(job, "print")
    assert (desk.state(job), house.copies(document)) == ("printed", 1)
    part.stop()
    concierge.close()


def shown(house: CountingHouse, job: str) -> Json:
    """On the bus's own screen."""
    return next((one for one in house.snapshot()["jobs"] if one["job"] == job), {})


def on_board(house: CountingHouse, job: str, **expected: object) -> None:
    """Until the bus shows all of this and may print."""
    wait_until(lambda: house.met() and expected.items() <= shown(house, job).items(), STEP_S, f"{expected}")
