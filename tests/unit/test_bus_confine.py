"""What an opener can still reach when it makes its key: nothing that the print key's file is in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bus_agent

PROGRAM = """
import json, sys
sys.path.append(sys.argv[1])
from bus_agent import lean
lean.leave_out()
from bus_agent.spooler import opener
from bus_agent.harden import harden
from bus_agent.spooler.printer import Printer
from cityhall_base.landlock import forbid_files

def attempt(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"

harden()
opener._confine(Printer("ipp://localhost:1/ipp/print"))
print(json.dumps({
    "landlock": forbid_files(),
    "read the print key": attempt(lambda: open(sys.argv[2])),
    "write a file": attempt(lambda: open(sys.argv[2], "w")),
    "make a key of its own": attempt(opener.OpenerKey),
}))
"""


def test_a_confined_opener_reads_no_file_and_still_makes_its_key(tmp_path: Path) -> None:
    key = tmp_path / "print.key"
    key.write_text("a key")
    top = str(Path(bus_agent.__file__).parents[1])
    argv = [sys.executable, "-I", "-c", PROGRAM, top, str(key)]
    found = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout)
    if not found.pop("landlock"):
        pytest.skip("this kernel has no Landlock")
    denied = {"read the print key": "PermissionError", "write a file": "PermissionError"}
    assert found == denied | {"make a key of its own": "done"}
    assert key.read_text() == "a key"


def test_the_agent_starts_without_the_screens_libraries() -> None:
    program = "from bus_agent import lean\nlean.leave_out(lean.UNUSED_BY_AGENT)\nimport bus_agent.agent.boss, sys\n"
    program += "print(*(one for one in ('rich', 'pygments', 'textual') if sys.modules.get(one)))"
    top = str(Path(bus_agent.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=top, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == []
