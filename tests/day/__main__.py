"""`./run day`: the whole day, and the same day with a power cut at a random moment, each in a house and namespaces of its own."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from provisioning.demo.bytecode import compile_ours
from tests.crash import power, world
from tests.day.books import Books, judge
from tests.day.day import Day, PowerCut
from tests.day.house import DayHouse

SEED_S: Final = 300


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="run day", description=__doc__)
    made.add_argument(
        "--seeds", type=int, default=0, metavar="N", help="so many days with a power cut, after one without"
    )
    made.add_argument("--first", type=int, default=1, metavar="SEED", help="the first of them")
    made.add_argument("--only", type=int, metavar="SEED", help="this one alone; 0: the day without a mishap")
    made.add_argument("--houses", type=int, default=os.cpu_count() or 1, metavar="N", help="at once")
    return made


def main() -> int:
    """0 where each day's books agree, or name the sheet about which they do not."""
    arguments = parser().parse_args()
    if arguments.only is not None:
        return _one(arguments.only)
    compile_ours()
    seeds = [0, *range(arguments.first, arguments.first + arguments.seeds)]
    with ThreadPoolExecutor(arguments.houses) as pool:
        codes = list(pool.map(_apart, seeds))
    print(json.dumps({"days": len(seeds), "failed": sum(map(bool, codes))}))
    return 1 if any(codes) else 0


def _apart(seed: int) -> int:
    argv = [sys.executable, "-m", "tests.day", "--only", str(seed)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SEED_S, check=False)
    print(done.stdout.strip() or done.stderr[-2000:], flush=True)
    return done.returncode


def _one(seed: int) -> int:
    why_not = world.enter() or power.why_not()
    if seed and why_not:
        print(f"no power cut on this machine: {why_not}")
        return 1
    with tempfile.TemporaryDirectory(prefix="day-", ignore_cleanup_errors=True) as folder:
        books, cut = run(Path(folder) / "house", seed)
    struck = cut is not None and cut.struck
    said = {"seed": seed, "mishap": str(cut or "none"), "struck": struck, "open": books.open, "faults": books.faults}
    print(json.dumps(said, ensure_ascii=False))
    return 1 if books.faults else 0


def run(where: Path, seed: int) -> tuple[Books, PowerCut | None]:
    """The day of this seed, and what happened in it; seed 0: nothing. Raises NotDoneError."""
    with DayHouse(where, power=bool(seed)) as house:
        cut = PowerCut(house, seed) if seed else None
        day = Day(house, cut or (lambda: None))
        try:
            day.run()
            return judge(day, strict=not seed), cut
        finally:
            day.people.close()


if __name__ == "__main__":
    sys.exit(main())
