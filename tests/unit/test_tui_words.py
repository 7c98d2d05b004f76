"""The walk: every state, end and refusal of a document, every word of the printer, every advice, in both languages, as drawn."""

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from bus_agent import book_errors
from bus_agent.agent.advice import Do
from bus_agent.errors import BusError, LinkError, RefusedError
from bus_agent.shown import Advice, Level, Light, LightShown, LockShown, NoteShown, Said, Snapshot
from bus_agent.status_text import StatusWord
from bus_agent.tui.guides import GUIDES, HELPS
from bus_agent.tui.now import now
from bus_agent.tui.scene import Context, Pick, Scene
from bus_agent.tui.scenes import SCENES
from bus_agent.tui.words import TuiWord
from bus_agent.tui.wrap import wrap
from cityhall_base import reasons, terms
from cityhall_base.printer_state import PrinterWord, Severity
from cityhall_base.reasons import REASONS, Reason
from cityhall_base.words import Language, Word, japanese, say
from cityhall_wire.lifecycle import ENDS, TABLE, JobState
from cityhall_wire.modes import DutyMode
from tests import screen_city as small
from tests.screen_walk import WIDTH, faults, of_text

BOTH = tuple(Language)
MOST_LINES = 2
"""Of a sentence on the stage."""


def below(kind: type[BusError]) -> Iterator[type[BusError]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


assert book_errors  # its classes are refusals too
REFUSALS = [kind for root in (RefusedError, LinkError) for kind in (root, *below(root)) if "key" in kind.__dict__]


def drawn(seen: Snapshot, language: Language, scene: str, about: str = "") -> Scene:
    """The scene, without a fault."""
    context = Context(seen, small.CITY, language, about, {})
    made = SCENES[scene](context)
    assert list(faults(made, context)) == [], (scene, about, language)
    return made


def stage_of(seen: Snapshot, language: Language) -> Scene:
    """What stands there by itself."""
    place = now(seen)
    return drawn(seen, language, place.scene, place.about)


def changed(**fields: object) -> Snapshot:
    return msgspec.structs.replace(small.QUIET, **fields)


def with_job(state: str, why: str = "", **fields: object) -> Snapshot:
    job = msgspec.structs.replace(small.CARD, state=state, why=why, why_sentence=reasons.sentence(why) if why else "")
    return changed(jobs=(job,), session=small.TALKING, **fields)


def check(key: str, english: str, detail: str = "38") -> None:
    """A sentence of the catalogue has both languages, and stands on the stage in two lines."""
    assert key in japanese(), f"{key} has no Japanese"
    for language in BOTH:
        lines = wrap(say(key, english.replace("{detail}", detail), language, detail), WIDTH)
        assert any(lines), key
        assert len(lines) <= MOST_LINES, (key, lines)
        assert [fault for line in lines for fault in of_text(line, language)] == [], key


# --- a document's life ---


def test_the_table_and_its_ends_are_all_states_and_each_has_its_word() -> None:
    assert {row.state for row in TABLE} | {row.to for row in TABLE} | ENDS == set(JobState)
    for state in JobState:
        check(f"state.{state}", terms.STATES[state].english)


@pytest.mark.parametrize("state", JobState)
def test_every_state_and_end_has_its_scene_whatever_led_to_it(state: JobState) -> None:
    for language in BOTH:
        assert stage_of(with_job(state), language).sentence


def test_after_every_event_of_the_table_something_is_said() -> None:
    for row, language in product(TABLE, BOTH):
        assert stage_of(with_job(row.to), language).sentence


def test_every_reason_is_said_in_both_languages() -> None:
    for reason in Reason:
        check(reason, reason.english)
        assert reasons.sentence(reason.bare, Language.JAPANESE) != reasons.sentence(reason.bare, Language.ENGLISH)


def test_every_reason_stands_with_a_document_that_a_person_looks_at() -> None:
    for why, language in product(REASONS, BOTH):
        assert stage_of(with_job(JobState.UNCERTAIN, why), language).sentence


def test_every_reason_for_a_lock_stands_on_the_stage_with_what_to_do() -> None:
    for why, language, empty in product(REASONS, BOTH, (True, False)):
        lock = LockShown(reason=why, key=reasons.key(why), sentence=reasons.sentence(why))
        made = stage_of(changed(locked=lock, printer_empty=empty), language)
        assert made.sentence == reasons.sentence(why, language)
        assert made.choices


def test_every_refusal_is_said_in_both_languages() -> None:
    assert len(REFUSALS) > 40
    for error in REFUSALS:
        check(error.key, (error.__doc__ or "").strip())


# --- the printer, the advice, the lights ---


def test_every_word_of_the_printer_is_said_and_its_guide_comes_first() -> None:
    for word in PrinterWord:
        check(word, word.english)
    for key, language in product(HELPS.keys() & set(PrinterWord), BOTH):
        note = NoteShown(severity=Severity.NOW, key=key, sentence="x", reason="x")
        shown = msgspec.structs.replace(small.QUIET.printer_shown, notes=(note,))
        menu = drawn(changed(printer_shown=shown), language, "trouble").body[0]
        assert isinstance(menu, Pick)
        assert menu.items[0].id == HELPS[key]


def test_only_a_printer_that_is_well_has_no_guide() -> None:
    assert set(PrinterWord) - set(HELPS) == {PrinterWord.READY, PrinterWord.PRINTING}
    assert set(HELPS.values()) <= set(GUIDES)
    assert {key for key in HELPS if key.startswith("do.")} <= set(Do)
    assert {key for key in HELPS if key.startswith("refused.")} <= {error.key for error in REFUSALS}


def test_every_advice_is_said_in_both_languages() -> None:
    for advice in Do:
        check(advice, advice.english)


def test_the_menu_of_trouble_stands_whatever_the_agent_advises() -> None:
    words: list[Word] = [*Do, *PrinterWord, *Reason]
    said = {str(word): word.english for word in words} | {error.key: error.__doc__ or "" for error in REFUSALS}
    for (key, english), language in product(said.items(), BOTH):
        drawn(changed(advice=Advice(key, english.replace("{detail}", "38"), "", "38")), language, "trouble")


@pytest.mark.parametrize("light", Light)
def test_every_light_says_what_is_wrong_and_offers_one_button(light: Light) -> None:
    said = Said(key=StatusWord.LINK_UP, sentence=StatusWord.LINK_UP.english)
    for level, language in product(Level, BOTH):
        shown = LightShown(light=light, level=level, short=said, said=said, guide="no_line")
        made = drawn(changed(lights=(shown,)), language, "light", light)
        assert [choice.label for choice in made.choices][1:] == [TuiWord.BACK.say(language)]


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_every_guide_has_its_steps_beside_a_picture_in_both_languages(name: str) -> None:
    guide = GUIDES[name]
    assert 1 < len(guide.steps) <= 4
    assert len(guide.picture) <= 7
    assert max(map(len, guide.picture)) <= 26
    for language in BOTH:
        assert drawn(small.QUIET, language, "guide", name).choices


def test_what_stands_behind_the_keys_stands_in_every_mode() -> None:
    for mode, language in product(DutyMode, BOTH):
        for scene in ("day", "day.duty", "day.mode", "day.extend", "lists", "trouble"):
            drawn(changed(mode=mode), language, scene)


def test_every_word_of_the_screen_can_be_drawn() -> None:
    for key, text in japanese().items():
        if key.startswith(("desk.", "guide.", "tui.")):
            for line in wrap(text.replace("{detail}", "38"), WIDTH):
                assert list(of_text(line, Language.JAPANESE)) == [], key


def test_what_the_walk_looks_for_is_found() -> None:
    for wrong in ("。つぎ", "paper", "①", "\U0001f600", "{detail}"):
        assert list(of_text(wrong, Language.JAPANESE)), wrong
    assert list(of_text("用紙 A-000412、長谷公民館", Language.JAPANESE)) == []
