"""A few cycles of `./run crash`: that it runs, that it judges, and that its last line is what docs/crash.md says."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.crash.verdict import FAULTS

pytestmark = pytest.mark.timeout(180)


def test_three_cycles_with_a_mishap_each_have_no_fault() -> None:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        argv = [sys.executable, "-m", "tests.crash", "--cycles", "3", "--seed", "3", "--state", f"{name}/state.json"]
        done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["cycles"] == told["printed"] + told["not_printed"] + told["uncertain"] == 3
    assert {told[name] for name in FAULTS[:6]} == {0}
    assert sum(told["kill_points"].values()) > 0
    assert told["seed"] == 3
