"""Cycle after cycle in one house at a time; and what is kept of a cycle that found something."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from provisioning.errors import PartError
from tests.crash.cycle import Cycle, Plan, Record
from tests.crash.house import CrashHouse

HOUSE_CYCLES: Final = 40
"""Then a new house: an old one would hide what only a fresh one shows."""


class Runner:
    """`state` is the file beside which a faulty cycle is kept; with `keep` every one."""

    def __init__(self, state: Path, *, no_power: bool, keep: bool) -> None:
        self._path, self._no_power, self._keep_all = state, no_power, keep
        self._house: CrashHouse | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._age = 0

    @contextmanager
    def open(self) -> Iterator[Self]:
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
        if record.faults or self._keep_all:
            self._keep(house, cycle, record)
        return record

    def _ready(self) -> CrashHouse:
        if self._house is not None and self._age < HOUSE_CYCLES:
            return self._house
        self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="mobile-cityhall-crash-")
        self._house, self._age = CrashHouse(Path(self._folder.name), power=not self._no_power), 0
        self._house.start()
        return self._house

    def _keep(self, house: CrashHouse, cycle: Cycle, record: Record) -> None:
        """Logs, journals and the description; then a new house, because this one's faults are not the next cycle's."""
        where = self._path.parent / f"{self._path.stem}-{record.plan.seed}-{record.plan.number}"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        (where / "cycle.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
        (where / "order.txt").write_text("\n".join(" ".join(names) for names in house.points.order))
        people = cycle.people
        stand = [{"sha256": one.sha256, "view": one.view, "board": one.board} for one in people.errands]
        shown = {"errands": stand, "advice": people.advice, "said": people.said}
        shown |= {"papers": [msgspec.to_builtins(one) for one in people.papers]}
        (where / "shown.json").write_text(json.dumps(shown, ensure_ascii=False, indent=1))
        for name in ("log", "bus/state", "cityhall/relay/state", "printer/paper"):
            shutil.copytree(house.dir / name, where / name, dirs_exist_ok=True)
        say(f"  kept in {where}; again: ./run crash --only {record.plan.number} --state {self._path}")
        self._age = HOUSE_CYCLES


def _line(record: Record) -> str:
    how = "" if record.hit or record.plan.strike is None else "  (not reached)"
    found = f"  FAULT {record.faults}" if record.faults else ""
    return f"{record.seconds:5.1f} s  {record.plan}{how} -> {record.outcome}, {record.state}{found}"


def say(text: str) -> None:
    """What a person may want to read; the last line on standard output is for programs."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
