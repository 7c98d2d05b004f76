"""`./run demo --rehearse`: every mishap through the whole house, and what both sides read while it lasts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cityhall_base.words import japanese
from provisioning.demo.mishaps import MISHAPS
from provisioning.demo.rehearse import chosen
from provisioning.errors import WalkError

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
]

ENDS = {
    "paper-out": ("do.refill", "handed_over", 1),
    "paper-out-between": ("do.refill", "spoiled", 2),
    "jam": ("do.clear_jam", "spoiled", 1),
    "cover": ("printer.cover_open", "handed_over", 1),
    "other-paper": ("do.other_paper", "handed_over", 1),
    "toner": ("printer.toner_out", "handed_over", 1),
    "waste": ("printer.waste_full", "handed_over", 1),
    "output-full": ("printer.look_at_panel", "handed_over", 1),
    "lie": ("do.print", "handed_over", 1),
    "power": ("printer.unknown", "not_printed", 0),
    "line": ("link.dead_zone", "handed_over", 1),
}
"""What the bus says while it lasts, where the document ends, and the sheets in the tray."""


def rehearse(*words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "provisioning.demo", *words]
    return subprocess.run(argv, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=200, check=False)


def test_all_that_can_go_wrong_is_said_in_japanese_mended_and_ended() -> None:
    done = rehearse("--rehearse", "all", typed="地震\nq\n")
    assert done.returncode == 0, done.stderr
    played = {one["mishap"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert played.keys() == MISHAPS.keys() == ENDS.keys()
    for name, (says, state, came_out) in ENDS.items():
        assert (says in played[name]["said"], played[name]["state"], played[name]["came_out"]) == (
            True,
            state,
            came_out,
        )
        # An end of 要確認 is asked for, and nothing else is.
        assert ("do.look" in played[name]["said"]) is (state != "handed_over")
    for key in {*(key for one in played.values() for key in one["said"]), "clerk.handed_over", "clerk.spoiled"}:
        assert japanese()[key].replace("{detail}", "改ざん防止用紙") in done.stderr
    assert "「地震」は一覧にありません" in done.stderr
    assert "marker-waste-almost-full-report" in done.stderr  # the lie, and to the technician alone
    assert japanese()["printer.waste_almost_full"] not in done.stderr


def test_a_mishap_that_does_not_exist_is_said_before_anything_starts() -> None:
    done = rehearse("--rehearse", "earthquake", "--once")
    assert (done.returncode, done.stdout) == (1, "")
    assert "paper-out" in done.stderr
    with pytest.raises(WalkError, match="no mishap earthquake"):
        chosen("jam,earthquake")
    assert chosen("jam,cover") == ["jam", "cover"]
