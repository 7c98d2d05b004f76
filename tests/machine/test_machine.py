"""Both sides of the wire over the table: thousands of steps in a run. `./run machine` goes on for as long as wanted."""

import pytest

from tests.machine import planted
from tests.machine.drive import drive, finds

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
    assert report.steps > 1500
    assert [what for what in MET if not report.seen[what]] == []
    assert sum(times for what, times in report.seen.items() if what.startswith("no_sheet: ")) > 5


SOON = (
    planted.only_the_lock_is_released,
    planted.the_end_spares_what_is_approved,
    planted.not_found_is_taken_for_never_there,
    planted.the_order_is_not_looked_at,
    planted.the_key_outlives_its_job,
)
"""The others take up to an ordinary run each: `./run machine --planted`."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", SOON, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(fault: planted.Planted) -> None:
    assert finds(fault).violation
