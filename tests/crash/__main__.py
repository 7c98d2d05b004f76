"""`./run crash`: prints a job in each cycle and lets one mishap happen at a named point (docs/crash.md)."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from tests.crash import state, table
from tests.crash.cycle import Plan
from tests.crash.houses import Houses
from tests.crash.runner import say
from tests.crash.scenarios import SCENARIOS
from tests.crash.state import State

NAMED: Final = 40
"""Points not hit yet are named once they are so few."""

LAST_S: Final = 10.0
"""A cycle and the end of its house take about as long; nothing is begun later than this before the time is up."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="run crash", description=__doc__)
    much = made.add_mutually_exclusive_group()
    much.add_argument("--cycles", type=int, metavar="N", help="so many cycles (60 where nothing is said)")
    much.add_argument("--minutes", type=float, metavar="M", help="as many cycles as fit")
    much.add_argument(
        "--only", type=int, metavar="CYCLE", help="repeat this cycle of the state file, and keep what it left"
    )
    much.add_argument("--points", action="store_true", help="a dry cycle of each kind; prints every point")
    made.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    made.add_argument("--resume", action="store_true", help="go on where the state file ends; totals add up")
    made.add_argument("--state", type=Path, default=state.default_path(), metavar="FILE", help="where a run is kept")
    made.add_argument("--write", action="store_true", help="with --points: keep them for the next runs")
    made.add_argument("--houses", type=int, default=os.cpu_count() or 1, metavar="N", help="at once (one a processor)")
    return made


def main() -> int:
    """0 where everything that must be zero is."""
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started it in the background
    kept = state.load(arguments.state if arguments.resume or arguments.only is not None else Path("/dev/null/none"))
    alone = arguments.only is not None
    with Houses(1 if alone else arguments.houses, arguments.state, keep=alone) as houses:
        if arguments.points:
            return _points(kept, houses, arguments.write)
        if arguments.only is not None:
            return _only(kept, houses, arguments.only)
        if not kept.found:
            _dry(kept, houses)
        _cycles(kept, houses, arguments)
    return _close(kept, arguments.seed, houses.why_no_power)


def _cycles(kept: State, houses: Houses, arguments: argparse.Namespace) -> None:
    until = time.monotonic() + 60 * arguments.minutes - LAST_S if arguments.minutes else float("inf")
    first = 1 + max((one.plan.number for one in kept.records), default=0)
    last = first + (arguments.cycles or 60) if not arguments.minutes else sys.maxsize
    numbers = iter(range(first, last))

    def following(under_way: list[Plan]) -> Plan | None:
        number = next(numbers, None) if time.monotonic() < until else None
        if number is None:
            return None
        return state.next_plan(kept, number, arguments.seed, power=not houses.why_no_power, under_way=under_way)

    for record in houses.run(following):
        kept.add(record)
        state.save(arguments.state, kept)


def _dry(kept: State, houses: Houses) -> None:
    plans = iter([Plan(number=number, seed=0, scenario=scenario) for number, scenario in enumerate(SCENARIOS)])
    for record in houses.run(lambda _: next(plans, None)):
        if record.faults:
            raise SystemExit(f"A cycle without any mishap is at fault: {record.faults}")
        kept.note(record.plan.scenario, record.reached)


def _points(kept: State, houses: Houses, write: bool) -> int:
    known, now = set(kept.points), State()
    _dry(now, houses)
    for name in now.points:
        kinds = [scenario for scenario, reached in now.found.items() if name in reached]
        sys.stdout.write(f"{name}{'' if name in known else '  (new)'}  {' '.join(kinds)}\n")
    for name in sorted(known - set(now.points)):
        sys.stdout.write(f"{name}  (not reached)\n")
    sys.stdout.write(f"{len(now.points)} points\n")
    if write:
        state.save_catalogue(now)
        table.write(now.points)
    return 0


def _only(kept: State, houses: Houses, number: int) -> int:
    found = {one.plan.number: one.plan for one in kept.records}
    if number not in found:
        raise SystemExit(f"There is no cycle {number} in this state file; name the one that was printed with --state.")
    (record,) = houses.run(lambda _: found.pop(number, None))
    sys.stdout.write(json.dumps({"cycle": number, "hit": record.hit, "faults": record.faults}) + "\n")
    return 1 if record.faults else 0


def _close(kept: State, seed: int, no_power: str) -> int:
    struck, missing = kept.struck, [name for name in kept.points if not kept.hits[name]]
    say(
        f"{len(struck)} mishaps: {kept.share(power=False):.0%} between intent and hand-over, "
        f"{kept.share(power=True):.0%} power cuts; {len(kept.points) - len(missing)} of {len(kept.points)} points hit"
    )
    if 0 < len(missing) <= NAMED:
        say(f"not hit yet: {' '.join(missing)}")
    told = kept.summary(seed)
    if no_power:
        say(f"NO POWER CUTS: {no_power}")
        told |= {"power_cuts": 0, "no_power_cuts_because": no_power}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if kept.faulty else 0


if __name__ == "__main__":
    sys.exit(main())
