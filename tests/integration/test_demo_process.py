"""A part of the demo starts as another user, ends when asked, and leaves nothing behind, however it or its parent ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.demo.process import Command, Part
from provisioning.demo.users import FIRST_UID
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.files import Owner, me

ENV = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""


def part(folder: Path, code: str, ready: str = "") -> Part:
    log = folder / "log"
    command = Command("test", (sys.executable, "-c", code), me(), ENV, log)
    return Part(command, lambda: ready in log.read_text())


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_what_ignores_sigterm_ends_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.demo.process.STOP_S", 0.2)
    stubborn = part(tmp_path, STUBBORN, ready="\n")
    stubborn.start()
    grandchild = int((tmp_path / "log").read_text())
    stubborn.stop()
    wait_until(lambda: not alive(grandchild), 5, "the grandchild is gone")
    assert not stubborn.running


def test_a_part_that_ends_at_once_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="no such city"):
        part(tmp_path, "raise SystemExit('no such city')", ready="never").start()


def test_a_killed_part_can_be_started_again(tmp_path: Path) -> None:
    one = part(tmp_path, "import time; print('up', flush=True); time.sleep(600)", ready="up")
    one.start()
    first = one.pid
    one.kill()
    assert not one.running
    with pytest.raises(PartError):
        _ = one.pid
    one.start()
    assert one.pid != first
    one.stop()


def test_a_part_dies_with_its_parent(tmp_path: Path) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from provisioning.demo.process import Command, Part
from provisioning.files import me
part = Part(Command("x", ("sleep", "600"), me(), {ENV!r}, Path({str(tmp_path / "log")!r})), lambda: True)
part.launch()
print(part.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        # It must have become `sleep`: before that the kernel was not yet told to end it with its parent.
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n", 5, "the part runs")
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
        wait_until(lambda: not alive(pid), 5, "the part is gone")


@as_root
def test_as_root_a_part_is_another_user_without_any_group_of_ours(tmp_path: Path) -> None:
    owner = Owner(FIRST_UID, FIRST_UID)
    command = Command("test", ("cat", "/proc/self/status"), owner, ENV, tmp_path / "log", (FIRST_UID + 7,))
    other = Part(command, lambda: False)
    other.launch()
    wait_until(lambda: not other.running, 5, "it has ended")
    other.stop()  # its last words are in the log now
    status = dict(line.split(":\t", 1) for line in (tmp_path / "log").read_text().splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(FIRST_UID)] * 4
    assert status["Gid"].split() == [str(FIRST_UID)] * 4
    assert status["Groups"].split() == [str(FIRST_UID + 7)]
    assert status["NoNewPrivs"] == "1"
