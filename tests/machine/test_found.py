"""What the machine found, as the shortest way to it."""

from collections.abc import Iterator

import pytest

from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import DutyMode
from tests.machine.gates import Armed, Mishap
from tests.machine.people import People
from tests.machine.settle import settle
from tests.machine.world import World

BUS = "bus-1"


@pytest.fixture
def people() -> Iterator[People]:
    world = World()
    people = People(world)
    people.mode(BUS, DutyMode.CITY_HALL)
    world.wait(3)
    people.serve(BUS, "resident-record", 3)
    world.wait(1)
    world.look()
    yield people
    world.close()


def printed_with(people: People, mishap: Mishap) -> str:
    """The job, whose document stops half-way at the printer."""
    (job,) = people.world.truth.sent
    people.world.gates.arm(Armed("before send_document", mishap, BUS, 0))
    people.press(BUS, job)
    return job


def must_be_asked(people: People, job: str) -> None:
    people.world.wait(30, 10)
    people.world.look()
    assert people.world.agents[BUS].store.job(job).state is JobState.UNCERTAIN
    settle(people.world, people)


def test_half_a_document_is_not_printed_where_its_session_ends_after_the_spoolers_restart(people: People) -> None:
    people.world.boxes[BUS].printer.deaf_to_cancel = True
    job = printed_with(people, Mishap.KILL_SENDER)
    people.world.wait(1)
    people.world.start_again()
    people.world.wait(1, 2)
    people.world.end_session(BUS)
    must_be_asked(people, job)


def test_half_a_document_is_not_printed_where_its_session_ends_while_it_is_sent(people: People) -> None:
    people.world.boxes[BUS].printer.deaf_to_cancel = True
    job = printed_with(people, Mishap.STALL_SENDER)
    people.world.wait(4, 2)
    people.world.end_session(BUS)
    must_be_asked(people, job)


def test_a_document_that_waits_for_paper_is_canceled_where_the_session_ends_before_the_spooler_is_back(
    people: People,
) -> None:
    world = people.world
    (job,) = world.truth.sent
    people.press(BUS, job)
    world.boxes[BUS].printer.paper_out = True
    world.wait(4, 2)
    world.spoolers[BUS].kill()
    world.end_session(BUS)
    world.start_again()
    world.wait(10, 5)
    world.look()
    assert all(one.ended_at is not None for one in world.boxes[BUS].printer.jobs.values())
    assert world.agents[BUS].store.job(job).state is JobState.UNCERTAIN
    settle(world, people)
