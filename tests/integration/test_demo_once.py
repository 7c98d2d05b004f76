"""`./run demo` as a newcomer runs it: real parts, one certificate, every promised field, nothing left behind."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate

ROOT = Path(__file__).parents[2]
PARTS = {"dbus-daemon", "ippeveprinter", "mosquitto", "relay", "spooler", "agent"}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: it is root's alone, and the parts are to be users of their own.
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "もーば 1"  # a folder as people name them


def demo(*words: str | Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "provisioning.demo", *map(str, words)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def running_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Part → (uid, pid) of the processes whose command line or log names `folder`."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().replace("\0", " ")
            status = (process / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in words and "provisioning.demo" not in words:
            found[name_of(words)] = (int(re.search(r"Uid:\t(\d+)", status)[1]), int(process.name))  # type: ignore[index]
    return found


def name_of(words: str) -> str:
    for mark, name in (
        ("cityhall_relay.cli serve", "relay"),
        ("bus_agent.cli spooler", "spooler"),
        ("cli run", "agent"),
    ):
        if mark in words:
            return name
    return Path(words.split()[0]).name


def test_once_prints_one_certificate_and_says_all_that_is_promised(folder: Path) -> None:
    process = demo("--once", "--yes", "--dir", folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    certificate = sample_certificate(1)
    assert re.fullmatch(r"j[0-9a-f]{24}", result["job"])
    assert (result["state"], result["sheets"], result["plaintext_hits"]) == ("handed_over", 1, 0)
    assert result["paper_sha256"] == result["source_sha256"]
    assert len(certificate) < result["payload_bytes_to_bus"] < len(certificate) + 64 * 1024
    assert all(
        0 <= result[name] < 30_000 for name in ("submit_to_on_bus_ms", "release_to_paper_ms", "printed_to_clerk_ms")
    )
    assert result["tunnel"].startswith("none: ")
    assert result["isolation"] == "users" or result["isolation"].startswith("one user: ")
    assert isinstance(result["intake_isolation"], list)
    assert running_below(folder) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_each_part_is_a_user_of_its_own_and_ctrl_c_leaves_nothing(folder: Path) -> None:
    with demo("--dir", folder) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C" in line:
                break
        running = running_below(folder)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, "".join(said)
    assert set(running) == PARTS, "".join(said)
    users = {part: uid for part, (uid, _) in running.items()}
    # The message bus is a piece of the virtual printer.
    assert users.pop("dbus-daemon") == users["ippeveprinter"]
    assert len(set(users.values())) == len(users)
    assert 0 not in users.values()
    wait_until(lambda: running_below(folder) == {}, 10, "all is gone")


def test_a_demo_that_was_killed_leaves_nothing_running(folder: Path) -> None:
    with demo("--dir", folder) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("All run in"))
        assert set(running_below(folder)) == PARTS
        process.kill()
    wait_until(lambda: running_below(folder) == {}, 10, "all is gone")


def test_a_document_that_intake_refuses_ends_with_its_sentence_and_status_4(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "no.pdf").write_bytes(b"not a certificate")
    process = demo("--once", "--dir", folder, "--document", tmp_path / "no.pdf")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert "not a PDF document" in err
    assert out == ""
    assert running_below(folder) == {}


def test_the_users_own_pdf_is_what_comes_out(folder: Path, tmp_path: Path) -> None:
    own = sample_certificate(77, pages=2)
    (tmp_path / "own.pdf").write_bytes(own)
    process = demo("--once", "--dir", folder, "--document", tmp_path / "own.pdf")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out.strip().splitlines()[-1])["sheets"] == 2


def test_a_folder_in_use_is_refused_and_untouched(folder: Path) -> None:
    folder.mkdir()
    (folder / "diary.txt").write_text("somebody's")
    folder.chmod(0o1777)
    process = demo("--once", "--dir", folder)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "choose an empty folder" in err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
