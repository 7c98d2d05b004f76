"""`./run bench WHAT`: measures, prints a table, and one JSON object as the last line; exit 1 where a limit is broken."""

import argparse
import sys

from tests.bench import memory

MEASURES = {"memory": memory.main}


def main() -> int:
    """Run the measurement that is named on the command line."""
    parser = argparse.ArgumentParser(prog="run bench", description=__doc__)
    parser.add_argument("what", choices=sorted(MEASURES))
    return MEASURES[parser.parse_args().what]()


if __name__ == "__main__":
    sys.exit(main())
