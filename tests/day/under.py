"""Runs a part of ours on the day's clock: `python -m tests.day.under CLOCK MODULE ARGUMENTS…`. Nothing else of it differs."""

import runpy
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = str(Path(__file__).parents[2])
_OPENER: Final = "from bus_agent.spooler.opener import main\n"


def main() -> None:
    """Start the real program."""
    path, module, *arguments = sys.argv[1:]
    if arguments[0] == "spooler":
        from bus_agent import lean

        lean.leave_out(lean.UNUSED_BY_SPOOLER)  # as its own command does, before anything else is imported
    from tests.day.clock import drive

    drive(Path(path))
    if arguments[0] == "spooler":
        _drive_openers(path)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _drive_openers(path: str) -> None:
    from bus_agent.spooler import launch

    if _OPENER not in launch._START:
        raise RuntimeError("an opener is started in another way now: its clock must follow")
    clock = f"sys.path.append({_ROOT!r})\nfrom pathlib import Path\nfrom tests.day.clock import drive\ndrive(Path({path!r}))\n"
    launch._START = launch._START.replace(_OPENER, clock + _OPENER)  # type: ignore[misc]


if __name__ == "__main__":
    main()
