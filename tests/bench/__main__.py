"""`./run bench [WHAT]`: measures, prints one table, and one JSON object as the last line.

A missed goal is printed as missed and the exit code stays 0: a figure is to be read, not to be made green. Exit code 1: something
could not be measured, or a limit of memory is broken.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Final

import msgspec

from tests.bench import (
    convergence,
    crypto,
    machine,
    memory,
    payload,
    powercut,
    release,
    screen_console,
    screen_tui,
    table,
)
from tests.bench.table import Row

ROUNDS: Final = 9
LEAST_ROUNDS: Final = 7
"""A median of fewer says little on a machine with other work."""

Measure = Callable[[], Iterator[Row]]


def main() -> int:
    """Run what is named on the command line, or all of it."""
    parser = argparse.ArgumentParser(prog="run bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("release", "crypto", "payload", "recovery", "memory", "screens"),
        help="one part of the table",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"at least {LEAST_ROUNDS}, after a warm-up")
    parser.add_argument("--minutes", type=float, default=screen_console.MINUTES, help="of the console under load (5)")
    parser.add_argument("--stages", action="store_true", help="also where our own time goes between press and paper")
    asked = parser.parse_args()
    if asked.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds: at least {LEAST_ROUNDS}")
    if asked.what == "memory":
        return memory.main()
    measures: dict[str, Measure] = {
        "release": lambda: release.measure(asked.rounds, asked.stages),
        "crypto": lambda: crypto.measure(asked.rounds),
        "payload": lambda: payload.measure(asked.rounds),
        "recovery": lambda: chain(powercut.measure(), convergence.measure(asked.rounds)),
        "memory": memory.rows,
        "screens": lambda: chain(screen_tui.rows(), screen_console.rows(asked.minutes)),
    }
    return report({asked.what: measures[asked.what]} if asked.what else measures, asked.rounds)


def report(measures: Mapping[str, Measure], rounds: int) -> int:
    """Measure and print; the exit code."""
    described = machine.describe()
    rows: dict[str, list[Row]] = {name: [] for name in measures}
    not_measured = {}
    for name, measure in measures.items():
        try:
            rows[name].extend(measure())
        except Exception as error:  # one measurement that fails must not hide the others
            traceback.print_exc()
            not_measured[name] = f"{type(error).__name__}: {error}"
    whole = [row for some in rows.values() for row in some]
    how = "" if set(measures) == {"screens"} else f"Medians of {rounds} after a warm-up.\n"
    sys.stdout.write(f"{machine.sentence(described)}{how}\n{table.text(whole)}")
    for name, why in not_measured.items():
        sys.stdout.write(f"NOT MEASURED: {name}: {why}\n")
    result = {
        "machine": described,
        "rounds": rounds,
        "rows": [row.as_json() for row in whole],
        "missed": [row.what for row in whole if row.held is False],
        "not_measured": not_measured,
    }
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    broken = any(row.held is False for row in rows.get("memory", ()))
    return 1 if not_measured or broken else 0


if __name__ == "__main__":
    sys.exit(main())
