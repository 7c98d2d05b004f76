"""One run of the machine: so many days of so many steps, from one seed."""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Machine
from tests.machine.planted import Planted

DAYS: Final = 36
STEPS: Final = 50
"""An ordinary run: what a suite has time for."""

_AT_A_TIME: Final = 10
"""Days from one seed. Hypothesis varies what it has tried; many short runs go further afield than a long one."""

SEED: Final = 20261121


class Report(NamedTuple):
    """`violation` is empty where all held; else its text, and `program` the rules that led there."""

    steps: int
    seen: Counter[str]
    violation: str = ""
    program: str = ""


def drive(days: int = DAYS, seed: int = SEED, shrink: bool = False) -> Report:
    """Days one after the other, until one breaks an invariant or does not settle."""
    steps, seen = 0, Counter[str]()
    for done in range(0, days, _AT_A_TIME):
        one = _some_days(min(_AT_A_TIME, days - done), seed + done, shrink)
        steps, seen = steps + one.steps, seen + one.seen
        if one.violation:
            return one._replace(steps=steps, seen=seen)
    return Report(steps, seen)


def _some_days(days: int, seed: int, shrink: bool) -> Report:
    counted: type[Machine] = type("Counted", (Machine,), {"steps": 0, "seen": Counter()})
    how = settings(
        max_examples=days,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with _quiet():
        try:
            run_state_machine_as_test(hypothesis.seed(seed)(counted), settings=how)
        except Exception as error:  # any exception of a process is a violation
            return Report(counted.steps, counted.seen, f"{type(error).__name__}: {error}", _program(error))
    return Report(counted.steps, counted.seen)


def finds(fault: Planted, days: int = DAYS, seed: int = SEED) -> Report:
    """A run with a planted fault."""
    with fault():
        return drive(days, seed)


def _program(error: BaseException) -> str:
    lines = "\n".join(getattr(error, "__notes__", [])).splitlines()
    return "\n".join(line for line in lines if "everything_holds" not in line)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # A day of mishaps writes ten thousand warnings, each of them meant.
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
