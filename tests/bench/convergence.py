"""From the moment the line is up until every state is true on both sides, with 100 open jobs of which each side has news.

Both stores are filled before, through their own interfaces; relay and agents are processes that find them so. Afterwards both
stores are compared, job by job, and the journals say when the last state changed. The peer is a bus with nothing to tell: its first
sync, and what the goal's two seconds begin after.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.fleet import Fleet, Run
from tests.bench.quiet import wait_for_quiet
from tests.bench.slow_line import Pace
from tests.bench.table import Goal, Row

AFTER_SYNC_S: Final = 2.0
PACES: Final = (Pace("loopback"), Pace("150 ms, 1 Mbit/s", 0.15, 1_000_000))
PEER: Final = "an idle bus"


class _Layout(NamedTuple):
    label: str
    buses: int
    twenties: int  # on each of them


_IDLE: Final = _Layout("idle", 1, 0)
_LAYOUTS: Final = (_Layout("100 jobs on one bus", 1, 5), _Layout("5 buses with 20 jobs", 5, 1))


def measure(rounds: int) -> Iterator[Row]:
    """Two rows for each layout on each line, in seconds."""
    idle = _runs(_IDLE, rounds)
    for layout in _LAYOUTS:
        for label, runs in _runs(layout, rounds).items():
            peer = [run.true_s for run in idle[label]]
            goal = Goal(round(AFTER_SYNC_S + statistics.median(peer), 2), of_peer=False)
            where = f"{layout.label}, {label}"
            yield Row.beside(f"all true, {where}", "s", [run.true_s for run in runs], peer, PEER, goal)
            yield Row.beside(f"all ends signed, {where}", "s", [run.gone_s for run in runs], peer, PEER, None)


def _runs(layout: _Layout, rounds: int) -> dict[str, list[Run]]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as name:
        fleet = Fleet(Path(name), layout.buses)
        fleet.prepare(layout.twenties)
        fleet.run(PACES[0])  # the warm-up
        found: dict[str, list[Run]] = {pace.label: [] for pace in PACES}
        for turn in range(1, rounds + 1):
            sys.stderr.write(f"convergence, {layout.label}: round {turn} of {rounds}\n")
            for pace in PACES:
                found[pace.label].append(fleet.run(pace, wait_for_quiet))
        return found
