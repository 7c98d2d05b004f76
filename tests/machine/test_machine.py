"""Both sides of the wire over the table, driven by Hypothesis: thousands of steps in a run."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Machine

EXAMPLES, STEPS = 60, 50


def test_no_rule_breaks_an_invariant_and_every_day_settles() -> None:
    Machine.steps = 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(Machine.steps)
