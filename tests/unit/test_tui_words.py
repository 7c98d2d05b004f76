"""The walk: every state, end and refusal of a document, every word of the printer, every advice, in both languages, as drawn."""

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from bus_agent.agent.advice import Do
from bus_agent.book_errors import SheetsDifferError
from bus_agent.errors import BusError, LinkError, RefusedError
from bus_agent.shown import Advice, Level, Light, LightShown, LockShown, NoteShown, Said, Snapshot
from bus_agent.status_text import StatusWord
from bus_agent.tui.desk import DeskWord
from bus_agent.tui.guides import GUIDES, HELPS
from bus_agent.tui.now import now
from bus_agent.tui.scene import Context, Scene
from bus_agent.tui.scenes import SCENES
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


def drawn(seen: Snapshot, language: Language, scene: str, about: str = "") -> Scene:
    """The scene, without a fault."""
    context = Context(seen, small.CITY, language, about, {})
    made = SCENES[scene](context)
    assert list(faults(made, context)) == []
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
        text = say(key, english, language, detail)
        assert text, key
        assert len(wrap(text, WIDTH)) <= MOST_LINES, (key, text)
        assert [fault for line in wrap(text, WIDTH) for fault in of_text(line, language)] == [], key


# --- a document's life ---


@pytest.mark.parametrize("state", JobState)
def test_every_state_and_end_has_its_word_and_its_scene(state: JobState) -> None:
    assert {row.state for row in TABLE} | {row.to for row in TABLE} | ENDS == set(JobState)
    check(f"state.{state}", terms.STATES[state].english)
    for language in BOTH:
        assert stage_of(with_job(state), language).sentence


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.state}-{row.event}")
def test_after_every_event_something_is_said(row) -> None:  # type: ignore[no-untyped-def] # a Row; pytest names it
    for language in BOTH:
        assert stage_of(with_job(row.to), language).sentence


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_in_both_languages(reason: Reason) -> None:
    check(reason, reason.english)
    assert reasons.sentence(reason.bare, Language.JAPANESE) != reasons.sentence(reason.bare, Language.ENGLISH)


@pytest.mark.parametrize("why", sorted(REASONS))
def test_every_reason_fits_beside_the_document_that_it_is_about(why: str) -> None:
    for state, language in product((JobState.UNCERTAIN, JobState.PRINTED, JobState.ON_BUS), BOTH):
        assert stage_of(with_job(state, why), language).sentence


@pytest.mark.parametrize("why", sorted(REASONS))
def test_every_lock_stands_on_the_stage_with_what_to_do(why: str) -> None:
    lock = LockShown(reason=why, key=reasons.key(why), sentence=reasons.sentence(why))
    for language in BOTH:
        made = stage_of(changed(locked=lock), language)
        assert made.sentence == reasons.sentence(why, language)
        assert made.choices


@pytest.mark.parametrize("error", [RefusedError, *below(RefusedError), LinkError, *below(LinkError)])
def test_every_refusal_is_said_in_both_languages(error: type[BusError]) -> None:
    if "key" in error.__dict__:
        check(error.key, (error.__doc__ or "").strip())


# --- the printer, the advice, the lights ---


@pytest.mark.parametrize("word", PrinterWord)
def test_every_word_of_the_printer_is_said_and_has_its_guide(word: PrinterWord) -> None:
    check(word, word.english)
    if word not in (PrinterWord.READY, PrinterWord.PRINTING):
        note = NoteShown(severity=Severity.NOW, key=word, sentence=word.english, reason="x")
        seen = changed(printer_shown=msgspec.structs.replace(small.QUIET.printer_shown, notes=(note,)))
        for language in BOTH:
            first = drawn(seen, language, "trouble").body[0].items[0]  # type: ignore[attr-defined] # a Pick
            assert first.id == HELPS[word]


@pytest.mark.parametrize("advice", Do)
def test_every_advice_is_said_in_both_languages(advice: Do) -> None:
    check(advice, advice.english)


@pytest.mark.parametrize(
    "advice", [*Do, *PrinterWord, *Reason, *(e for e in below(RefusedError) if "key" in e.__dict__)]
)
def test_the_menu_of_trouble_stands_whatever_the_agent_advises(advice: Word | type[BusError]) -> None:
    key = str(advice) if isinstance(advice, Word) else advice.key
    english = advice.english if isinstance(advice, Word) else (advice.__doc__ or "")
    for language in BOTH:
        drawn(changed(advice=Advice(key, english, "", "38")), language, "trouble")


@pytest.mark.parametrize(("light", "level"), list(product(Light, Level)))
def test_every_light_says_what_is_wrong_and_offers_one_button(light: Light, level: Level) -> None:
    said = Said(key=StatusWord.LINK_UP, sentence=StatusWord.LINK_UP.english)
    shown = LightShown(light=light, level=level, short=said, said=said, guide="no_line")
    for language in BOTH:
        made = drawn(changed(lights=(shown,)), language, "light", light)
        assert [choice.label for choice in made.choices][1:] == [DeskWord.BACK.say(language)]


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_every_guide_has_its_steps_beside_a_picture_in_both_languages(name: str) -> None:
    guide = GUIDES[name]
    assert 1 < len(guide.steps) <= 4
    assert len(guide.picture) <= 7
    for language in BOTH:
        assert drawn(small.QUIET, language, "guide", name).choices
    assert set(HELPS.values()) <= set(GUIDES)


@pytest.mark.parametrize(
    ("scene", "mode"), list(product(("day", "day.duty", "day.mode", "lists", "trouble"), DutyMode))
)
def test_what_stands_behind_the_keys_stands_in_every_mode(scene: str, mode: DutyMode) -> None:
    for language in BOTH:
        drawn(changed(mode=mode), language, scene)


@pytest.mark.parametrize("key", [key for key in japanese() if key.startswith(("desk.", "guide.", "tui."))])
def test_every_word_of_the_screen_can_be_drawn(key: str) -> None:
    for line in wrap(japanese()[key].replace("{detail}", "38"), WIDTH):
        assert list(of_text(line, Language.JAPANESE)) == []


def test_a_line_that_begins_with_a_stop_would_be_found() -> None:
    assert list(of_text("。", Language.JAPANESE))
    assert list(of_text("paper", Language.JAPANESE))
    assert list(of_text("①", Language.JAPANESE))
    assert list(of_text("😀", Language.ENGLISH))
    assert SheetsDifferError.key in japanese()
