"""`./run crash`: prints a job in each cycle and lets one mishap happen at a named point (docs/crash.md)."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from provisioning.errors import PartError
from tests.crash import power, state, table, world
from tests.crash.cycle import Cycle, Plan, Record
from tests.crash.house import CrashHouse
from tests.crash.scenarios import SCENARIOS
from tests.crash.state import State

NAMED: Final = 40
"""Points not hit yet are named once they are so few."""

HOUSE_CYCLES: Final = 40
"""Then a new house: an old one would hide what only a fresh one shows."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="run crash", description=__doc__)
    much = made.add_mutually_exclusive_group()
    much.add_argument("--cycles", type=int, metavar="N", help="so many cycles (60 where nothing is said)")
    much.add_argument("--minutes", type=float, metavar="M", help="as many cycles as fit")
    much.add_argument("--only", type=int, metavar="CYCLE", help="repeat this cycle of the state file, exactly")
    much.add_argument("--points", action="store_true", help="a dry cycle of each kind; prints every point")
    made.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    made.add_argument("--resume", action="store_true", help="go on where the state file ends; totals add up")
    made.add_argument("--state", type=Path, default=state.default_path(), metavar="FILE", help="where a run is kept")
    made.add_argument("--write", action="store_true", help="with --points: keep them for the next runs")
    return made


class Run:
    """A house at a time, cycle after cycle."""

    def __init__(self, kept: State, path: Path, no_power: str) -> None:
        self.kept, self._path, self._no_power = kept, path, no_power
        self._house: CrashHouse | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._age = 0

    @contextmanager
    def open(self) -> Iterator["Run"]:
        """Nothing of it runs or is mounted afterwards."""
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        """End the house."""
        if self._house is not None:
            self._house.stop()
        if self._folder is not None:
            self._folder.cleanup()
        self._house = self._folder = None

    def cycle(self, plan: Plan) -> Record:
        """One, in this house or a new one. What it found is said and, where it is a fault, kept."""
        house = self._ready()
        cycle = Cycle(house, plan)
        try:
            record = cycle.run()
        except PartError as error:
            record = Record(
                plan=plan, hit=True, between=False, outcome="", state="", faults={"stuck": str(error)}, seconds=0
            )
        self._age += 1
        say(_line(record))
        if record.faults:
            self._keep(house, cycle, record)
        return record

    def _ready(self) -> CrashHouse:
        if self._house is not None and self._age < HOUSE_CYCLES:
            return self._house
        self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="mobile-cityhall-crash-")
        self._house, self._age = CrashHouse(Path(self._folder.name), power=not self._no_power), 0
        self._house.start()
        self._house.concierge.run("mode", "city_hall")
        return self._house

    def _keep(self, house: CrashHouse, cycle: Cycle, record: Record) -> None:
        """Logs, journals and the description; then a new house, because this one's faults are not the next cycle's."""
        where = self._path.parent / f"{self._path.stem}-{record.plan.seed}-{record.plan.number}"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        (where / "cycle.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
        (where / "order.txt").write_text("\n".join(" ".join(names) for names in house.points.order))
        people = cycle.people
        shown = {"view": people.view, "board": people.board, "advice": people.advice, "said": people.said}
        shown |= {"papers": [msgspec.to_builtins(one) for one in people.papers]}
        (where / "shown.json").write_text(json.dumps(shown, ensure_ascii=False, indent=1))
        for name in ("log", "bus/state", "cityhall/relay/state", "printer/paper"):
            shutil.copytree(house.dir / name, where / name, dirs_exist_ok=True)
        say(f"  kept in {where}; again: ./run crash --only {record.plan.number} --state {self._path}")
        self._age = HOUSE_CYCLES


def main() -> int:
    """0 where everything that must be zero is."""
    arguments = parser().parse_args()
    no_power = world.enter() or power.why_not()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started it in the background
    kept = state.load(arguments.state if arguments.resume or arguments.only is not None else Path("/dev/null/none"))
    with Run(kept, arguments.state, no_power).open() as run:
        if arguments.points:
            return _points(run, arguments.write)
        if arguments.only is not None:
            return _only(run, arguments.only)
        if not kept.found:
            _dry(run)
        _cycles(run, arguments)
    return _close(kept, arguments.seed, no_power)


def _cycles(run: Run, arguments: argparse.Namespace) -> None:
    until = time.monotonic() + 60 * arguments.minutes if arguments.minutes else float("inf")
    left = arguments.cycles or (60 if not arguments.minutes else sys.maxsize)
    slowest = 0.0
    # The closing of the house must fit too.
    while left > 0 and time.monotonic() + slowest + 5 < until:
        number = len(run.kept.records) + 1
        began = time.monotonic()
        plan = state.next_plan(run.kept, number, arguments.seed, power=not run._no_power)
        run.kept.add(run.cycle(plan))
        state.save(arguments.state, run.kept)
        slowest, left = max(slowest, time.monotonic() - began), left - 1


def _dry(run: Run) -> None:
    for number, scenario in enumerate(SCENARIOS):
        record = run.cycle(Plan(number=number, seed=0, scenario=scenario))
        if record.faults:
            raise SystemExit(f"A cycle without any mishap is at fault: {record.faults}")
        run.kept.note(scenario, record.reached)


def _points(run: Run, write: bool) -> int:
    known = set(run.kept.points)
    _dry(run)
    points = run.kept.points
    for name in points:
        kinds = [scenario for scenario, reached in run.kept.found.items() if name in reached]
        sys.stdout.write(f"{name}{'' if name in known else '  (new)'}  {' '.join(kinds)}\n")
    sys.stdout.write(f"{len(points)} points\n")
    if write:
        state.save_catalogue(run.kept)
        table.write(points)
    return 0


def _only(run: Run, number: int) -> int:
    found = [one.plan for one in run.kept.records if one.plan.number == number]
    if not found:
        raise SystemExit(f"There is no cycle {number} in this state file; name the one that was printed with --state.")
    record = run.cycle(found[-1])
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


def _line(record: Record) -> str:
    how = "" if record.hit or record.plan.strike is None else "  (not reached)"
    found = f"  FAULT {record.faults}" if record.faults else ""
    return f"{record.seconds:5.1f} s  {record.plan}{how} -> {record.outcome}, {record.state}{found}"


def say(text: str) -> None:
    """What a person may want to read; the last line on standard output is for programs."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
