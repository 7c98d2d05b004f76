"""Both sides have news of twenty jobs that the other has not heard: real relay, real agent, and a line that comes up (I8)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.fleet import Fleet
from tests.bench.slow_line import Pace

pytestmark = pytest.mark.timeout(120)

LOOPBACK = Pace("loopback")
IN_THE_ANSWERS = 5000
"""Bytes from city hall: the handshake takes 2.5 kB of them, the answers to the first batch the rest and more."""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        fleet = Fleet(Path(name), buses=1)
        fleet.prepare(twenties=1)
        yield fleet


@pytest.mark.parametrize("cut_after", [None, IN_THE_ANSWERS], ids=["whole", "the answers to a batch were lost"])
def test_every_state_is_the_same_on_both_sides_after_a_dead_zone(fleet: Fleet, cut_after: int | None) -> None:
    fleet.run(LOOPBACK, cut_after=cut_after)
