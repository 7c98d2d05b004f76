"""The catalogue: every key that a concierge or clerk can meet has its sentence in both languages, and no other is kept."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import bus_agent
import cityhall_base
import cityhall_relay
import cityhall_wire
import provisioning
from bus_agent.errors import BusError
from bus_agent.status_text import sentence
from cityhall_base import terms
from cityhall_base.web.errors import HttpError
from cityhall_base.words import Language, Word, japanese, say
from cityhall_relay.errors import RelayError
from cityhall_relay.intake.errors import IntakeError
from cityhall_relay.intake.report import Refusal
from cityhall_wire.errors import WireError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import DutyMode

FAMILIES = (BusError, RelayError, IntakeError, WireError, HttpError)
"""What the technician alone meets (SetupError, ProvisionError) is English only."""
PLAIN = re.compile("[A-Za-z]+")
LATIN = frozenset({"Enter", "q", "PDF", "JSON", "XFA", "A", "seccomp", "libseccomp", "detail"})


def load_everything() -> None:
    for room in (bus_agent, cityhall_base, cityhall_relay, cityhall_wire, provisioning):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)


def below(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def english() -> dict[str, str]:
    """Key → sentence of everything in the code."""
    load_everything()
    found: dict[str, str] = {}
    for family in FAMILIES:
        for error in (family, *below(family)):
            found.setdefault(error.__dict__.get("key", ""), (error.__doc__ or "").strip())
    found |= {str(word): word.english for kind in below(Word) for word in kind}
    found |= {str(refusal): refusal.sentence for refusal in Refusal}
    found.pop("", None)  # a class that only adds to its parent says what that says
    return found


ENGLISH = english()


def test_every_key_of_the_code_has_its_japanese_and_no_other_is_kept() -> None:
    assert {"missing": ENGLISH.keys() - japanese().keys(), "stale": japanese().keys() - ENGLISH.keys()} == {
        "missing": set(),
        "stale": set(),
    }


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_both_languages_say_something_and_leave_room_for_the_same_detail(key: str) -> None:
    ours, theirs = ENGLISH[key], japanese().get(key, "")
    assert ours
    assert theirs
    assert ("{detail}" in ours) == ("{detail}" in theirs)


def test_japanese_is_japanese() -> None:
    strange = {key: set(PLAIN.findall(text)) - LATIN for key, text in japanese().items()}
    assert {key: words for key, words in strange.items() if words} == {}


def test_what_is_done_next_is_one_or_two_short_lines() -> None:
    long = [key for key, text in japanese().items() if len(text) > 62]
    assert long == []


def test_every_mode_and_state_has_the_domains_word() -> None:
    assert terms.MODES.keys() == set(DutyMode)
    assert terms.STATES.keys() == set(JobState)
    assert terms.state("uncertain", Language.JAPANESE) == "要確認"
    assert terms.mode("early_voting", Language.JAPANESE) == "期日前投票"


def test_a_key_of_a_newer_server_is_said_as_it_came() -> None:
    said: dict[str, Any] = {"key": "do.something_new", "sentence": "Wave a flag.", "detail": ""}
    assert sentence(said, Language.JAPANESE) == "Wave a flag."


def test_a_detail_stands_in_both_languages() -> None:
    assert (
        say("do.refill", "put plain paper in", Language.JAPANESE, "普通紙")
        == "用紙がなくなりました。普通紙を入れると、続きが印刷されます。"
    )
    assert say("do.refill", "put plain paper in", Language.ENGLISH, "普通紙") == "put plain paper in"
