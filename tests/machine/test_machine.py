"""Both sides of the wire over the table: thousands of steps in a run. `./run machine` goes on for as long as wanted."""

import pytest

from tests.machine import planted
from tests.machine.drive import DAYS, drive, finds

MET = (
    "released",
    "completed: printed",
    "printing → uncertain by print_key",
    "uncertain → spoiled by concierge",
    "printed → handed_over by concierge",
)
"""Without these a run has shown nothing."""


@pytest.mark.timeout(180)
def test_no_rule_breaks_an_invariant_and_every_day_settles() -> None:
    report = drive()
    assert not report.violation, f"{report.violation}\n{report.program}"
    assert report.steps > 1300
    assert [what for what in MET if not report.seen[what]] == []
    assert sum(times for what, times in report.seen.items() if what.startswith("no_sheet: ")) > 5


SOON = (
    planted.only_the_lock_is_released,
    planted.the_end_spares_what_is_approved,
    planted.a_release_is_given_twice,
    planted.no_sheet_is_believed_from_the_agent,
    planted.not_found_is_taken_for_never_there,
    planted.the_key_outlives_its_job,
)
"""From five seeds each was found within an ordinary run. The others may take several: `./run machine --planted`."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", SOON, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(fault: planted.Planted) -> None:
    assert finds(fault, 2 * DAYS).violation
