"""Docs that fail: what the README names is there, and every command is in it."""

import argparse
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus_agent import cli as bus_cli
from cityhall_relay import cli as relay_cli
from cityhall_wire.messages.envelope import KINDS
from provisioning import cli as provision_cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIRE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")


def named_paths(text: str) -> set[str]:
    rooms = "|".join(path.name for path in ROOT.iterdir() if path.is_dir())
    return set(re.findall(rf"`((?:{rooms})/[\w./-]*)`", text)) | set(re.findall(r"\]\(((?!http)[\w./-]+)\)", text))


def test_every_path_that_the_readme_names_exists() -> None:
    paths = named_paths(README)
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


def commands_of(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                below = list(commands_of(inner, f"{before}{name} "))
                yield from below or [f"{before}{name}"]


@pytest.mark.parametrize(
    ("program", "parser"),
    [
        ("cityhall-relay", relay_cli.parser),
        ("bus-agent", bus_cli.parser),
        ("cityhall-provision", provision_cli.parser),
    ],
)
def test_every_command_stands_in_the_readme(program: str, parser: Callable[[], argparse.ArgumentParser]) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{program}` |"))
    said = set(re.findall(r"`([^`]+)`", row.replace("\\|", "|"))) - {program}
    expected = {f"{a} {c}" for a, b in (one.split(" ", 1) for one in said if " " in one) for c in b.split("|")}
    assert expected | {one for one in said if " " not in one} == set(commands_of(parser()))


def every_test() -> set[str]:
    """Names of test files and of the functions in them."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    functions = re.findall(
        r"^def (test_\w+)\(", "\n".join(path.read_text(encoding="utf-8") for path in files), re.MULTILINE
    )
    return {path.stem for path in files} | set(functions)


@pytest.mark.parametrize(
    "page",
    ["argument.md", "auditor.md", "borders.md", "concierge.md", "crash.md", "design.md", "lifecycle.md"],
)
def test_every_path_and_test_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [
        path for path in named_paths(text) if not (ROOT / path).exists() and not (ROOT / "docs" / path).exists()
    ] == []
    assert set(re.findall(r"`(test_\w+)`", text)) - every_test() == set()


def test_every_border_names_a_test() -> None:
    lines = (ROOT / "docs" / "borders.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| border |")]
    assert len(rows) > 25
    assert [row for row in rows if "`test_" not in row.split(" | ")[2]] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_message_stands_in_the_protocol(kind: str) -> None:
    assert f"`{kind}" in WIRE
