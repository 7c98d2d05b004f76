"""The power cut of `./run crash` loses what was not synced, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.power import why_not

HINDRANCE = why_not()

pytestmark = pytest.mark.skipif(bool(HINDRANCE), reason=f"no power cuts here: {HINDRANCE}")

# In a process of its own, because namespaces are entered for good.
PROGRAM = """
import os, sys, tempfile
from pathlib import Path
from bus_agent.agent.bodies import Bodies
from tests.crash import world
from tests.crash.power import Supply

why = world.enter()
if why:
    sys.exit(why)
with tempfile.TemporaryDirectory() as name:
    state = Path(name) / "state"
    state.mkdir()
    supply = Supply(Path(name) / "disk", state)
    for name, synced in (("promised", True), ("hoped", False)):
        with (state / name).open("wb") as file:
            file.write(b"row")
            if synced:
                file.flush()
                os.fsync(file.fileno())
    Bodies(state).prepare("ciphertext", 3)
    supply.cut([])
    supply.restore()
    print([path.name for path in sorted(state.iterdir()) if path.is_file() and path.read_bytes() == b"row"])
    print([path.name for path in (state / "bodies").iterdir()])
    supply.remove()
"""


def test_what_was_synced_survives_a_power_cut_and_what_was_not_is_gone() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("['promised']\n['ciphertext']", 0), done.stderr
