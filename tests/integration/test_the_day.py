"""The whole day with real processes on a driven clock, and once more with a power cut: the books are what really happened."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.power import why_not

TOP = Path(__file__).parents[2]
HINDRANCE = why_not()

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]


def lived(seed: int) -> tuple[int, dict[str, object]]:
    # In a process of its own, because namespaces are entered for good.
    argv = [sys.executable, "-m", "tests.day", "--only", str(seed)]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_the_books_of_a_whole_day_agree_sheet_by_sheet_and_yen_by_yen_also_after_a_power_cut() -> None:
    # Where no power can be cut here, the day without a cut; `./run day` lives both.
    code, said = lived(0 if HINDRANCE else 10)
    assert bool(said["struck"]) is not bool(HINDRANCE)
    assert (code, said["faults"]) == (0, [])
    assert not HINDRANCE or said["open"] == []
