"""Every process of ours, and the broker, killed during a print, one or two at each stage: no accepted job is lost or printed twice.

A first, simple net: it kills where a stage can be seen from outside, and a person ends what only a person may end.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.sample import sample_certificate
from tests.hands import STEP_S, Visit

pytestmark = pytest.mark.timeout(180)

KILLS = (
    ("relay", "sent"),
    ("relay", "pressed"),
    ("broker", "on_bus"),
    ("broker", "at_printer"),
    ("agent", "approved"),
    ("agent", "printed"),
    ("spooler", "pressed"),
    ("spooler", "at_printer"),
)
"""Every part, and every stage of STAGES."""
STAGES = ("sent", "on_bus", "approved", "pressed", "at_printer", "printed")
ENDS = {"handed_over", "spoiled", "canceled", "expired", "refused", "not_printed"}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name,
        House(Path(name), limits={"sync_s": 1}, print_seconds=0.3) as house,
    ):
        house.on_duty()
        yield house


def reach(visit: Visit, stage: str) -> None:
    """Carry the print on to `stage`."""
    steps: dict[str, Callable[[], None]] = {
        "sent": lambda: None,
        "on_bus": lambda: visit.wait_on_board(state="on_bus"),
        "approved": visit.approve,
        "pressed": lambda: visit.press("print"),
        "at_printer": lambda: wait_until(lambda: visit.copies > 0, STEP_S, "the printer has it"),
        "printed": lambda: visit.wait_on_board(state="printed"),
    }
    for name in STAGES[: STAGES.index(stage) + 1]:
        steps[name]()


def carry_on(visit: Visit) -> bool:
    """What clerk and concierge do next; True once the job has ended on both sides."""
    seen = visit.on_board
    if seen.get("state") == "on_bus":
        if seen["approved"]:
            visit.press("print")
        elif visit.at_city_hall["state"] == "on_bus":
            visit.approve()
    elif seen.get("state") == "printed":
        visit.press("hand-over")
    elif seen.get("state") == "uncertain":
        visit.press("hand-over" if visit.copies else "nothing-came-out")
    return not seen and visit.at_city_hall["state"] in ENDS


@pytest.mark.parametrize(("part", "stage"), KILLS)
def test_a_kill_loses_no_accepted_job_and_doubles_none(house: House, part: str, stage: str) -> None:
    visit = Visit(house, sample_certificate(1 + KILLS.index((part, stage))))
    try:
        reach(visit, stage)
        house.part(part).kill()
        house.part(part).start()
        wait_until(house.met, STEP_S, "bus and city hall have met again")
        wait_until(lambda: carry_on(visit), STEP_S, "the job has ended")
        assert (visit.at_city_hall["state"], visit.copies) in {("handed_over", 1), ("not_printed", 0)}
    except PartError as error:
        raise AssertionError(f"{error}; clerk: {visit.at_city_hall}; bus: {visit.on_board}") from error
    finally:
        visit.leave()
