"""The locks pin everything that pyproject.toml asks for, by hash, and name no place to fetch it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock")


def pins(lock: str) -> dict[str, Requirement]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = [Requirement(line.partition(" \\")[0]) for line in text.splitlines() if re.match(r"\w", line)]
    return {canonicalize_name(pin.name): pin for pin in found}


def asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("wanted", asked_for(), ids=lambda wanted: wanted.name)
def test_what_the_project_asks_for_is_pinned_within_its_bounds(wanted: Requirement) -> None:
    pin = pins("requirements.lock")[canonicalize_name(wanted.name)]
    assert all(wanted.specifier.contains(specifier.version) for specifier in pin.specifier)


def test_both_locks_pin_what_they_share_alike() -> None:
    run, build = (pins(lock) for lock in LOCKS)
    assert all(run[name].specifier == build[name].specifier for name in run.keys() & build.keys())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_carries_hashes_and_no_lock_names_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\w)", text)[1:]
    assert len(blocks) == len(pins(lock))
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|--(extra-)?index|--find-links", text)
