"""Docs that are drawn from the code: none is stale, and what they draw is whole."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityhall_base.reasons import REASONS
from cityhall_relay.release import CHECKS
from cityhall_wire.lifecycle import TABLE
from tests.pages.__main__ import DOCS, PAGES
from tests.unit.test_words import below, load_everything

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_drawn_from_the_code_is_as_the_code_is(name: str) -> None:
    drawn: Callable[[], str] = PAGES[name]
    assert (DOCS / name).read_text(encoding="utf-8") == drawn(), "stale: ./run pages"


def test_every_row_of_the_table_is_in_the_diagram() -> None:
    diagram = PAGES["lifecycle.md"]().split("```")[1]
    for row in TABLE:
        if row.state is not row.to:
            assert re.search(rf"^ +({row.state}|before_release) --> {row.to}: .*\b{row.event}\b", diagram, re.MULTILINE)


def said_in(path: Path) -> Iterator[str]:
    """Every literal reason that a file gives: beside a finding, in `why=`, and in the calls that take one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case (
                ast.Tuple(elts=[ast.Attribute(value=ast.Name(id="Finding")), ast.Constant(value=str() as why), *_])
                | ast.Call(args=[ast.Attribute(value=ast.Name(id="Finding")), ast.Constant(value=str() as why), *_])
                | ast.Call(func=ast.Name(id="_doubt"), args=[ast.Constant(value=str() as why), *_])
                | ast.Call(func=ast.Attribute(attr="cancel"), args=[ast.Constant(value=str() as why)])
                | ast.keyword(arg="why", value=ast.Constant(value=str() as why))
            ):
                yield why


def test_every_reason_that_the_code_gives_has_its_sentences() -> None:
    load_everything()
    rooms = [*(ROOT / "bus_agent").rglob("*.py"), *(ROOT / "cityhall_relay").glob("*.py")]
    said = {why for path in rooms for why in said_in(path)} - {""}
    assert {"another_printer", "spooler_stopped", "job_not_found", "sent", "impressions_differ", "send_broken"} <= said
    assert said - REASONS.keys() - {kind.__dict__.get("key") for kind in below(Exception)} == set()


def test_every_refusal_of_a_release_has_its_sentences() -> None:
    assert {reason for reason, _ in CHECKS} <= REASONS.keys()
