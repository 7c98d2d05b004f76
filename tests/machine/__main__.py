"""`./run machine [--steps N] [--seed S] [--planted] [--shrink]`: both sides over the table for as long as wanted.

With --planted each fault of `planted.py` is put in, and must be found within so many steps. The last line is one JSON object;
exit 1 where an invariant broke, or a planted fault was not found.
"""

import argparse
import json
import sys
import time
from typing import Any

from tests.machine.drive import STEPS, drive, finds
from tests.machine.planted import FAULTS


def run(steps: int, seed: int, shrink: bool) -> dict[str, Any]:
    """So many steps, or fewer where something did not hold."""
    began = time.monotonic()
    report = drive(-(-steps // STEPS), seed, shrink)
    print(report.program)
    for what, times in sorted(report.seen.items()):
        print(f"{times:8} {what}")
    seconds = time.monotonic() - began
    per_s = round(report.steps / seconds)
    return {
        "seed": seed,
        "steps": report.steps,
        "violation": report.violation,
        "seconds": round(seconds, 1),
        "steps_per_s": per_s,
    }


def plant(steps: int, seed: int) -> dict[str, Any]:
    """Which of the planted faults were found, and after how many steps."""
    found = {}
    for fault in FAULTS:
        report = finds(fault, -(-steps // STEPS), seed)
        found[fault.__name__] = report.steps if report.violation else None
        print(f"{report.steps:8} {fault.__name__}: {report.violation or 'NOT FOUND'}", flush=True)
    return {"seed": seed, "found_after": found, "violation": ""}


def main() -> int:
    """Print what was met, and the report as the last line."""
    parser = argparse.ArgumentParser(
        prog="run machine", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20_000, help="rules in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20261121, help="the same seed takes the same steps")
    parser.add_argument("--planted", action="store_true", help="must find what is planted, each within --steps")
    parser.add_argument("--shrink", action="store_true", help="look for the shortest way to a violation (minutes)")
    arguments = parser.parse_args()
    steps, seed = arguments.steps, arguments.seed
    report = plant(steps, seed) if arguments.planted else run(steps, seed, arguments.shrink)
    print(json.dumps(report))
    return 1 if report["violation"] or None in report.get("found_after", {}).values() else 0


if __name__ == "__main__":
    sys.exit(main())
