"""Scenes of the counter: which one stands there, that it fits the smallest terminal, and that the agent takes what it sends."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from bus_agent.agent.api import CallBody, HandOverBody, SpoiledBody, WhyBody
from bus_agent.agent.books_desk import FeeBody, WhyFeeBody
from bus_agent.shown import NoteShown, Snapshot
from bus_agent.tui.deck import Deck
from bus_agent.tui.keys import CHOICE_ROWS, label_rows
from bus_agent.tui.names import visit
from bus_agent.tui.now import TABLE, now
from bus_agent.tui.scene import MOST_CHOICES, Aside, Open, Scene, Tell, Tone
from bus_agent.tui.scenes import SCENES
from bus_agent.tui.stage import ROWS, SMALL, rows
from cityhall_base.visit_steps import STEPS, VisitStep, running
from cityhall_base.words import Language
from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import DutyMode
from tests.screen_city import CARD, CITY, JOB, QUIET, TALKING, TestClock, shown, with_job
from tests.screen_moments import ABOVE, DAY, MOMENTS, OTHER

replace = msgspec.structs.replace


def deck(
    snapshot: Snapshot, language: Language, over: Open | None = None, entered: dict[str, str] | None = None
) -> Deck:
    made = Deck(TestClock(), language)
    made.update(snapshot, CITY, True)
    if over:
        made.open(*over)
    made.entered.update(entered or {})
    return made


def every_scene() -> list[Any]:
    moments = [pytest.param(seen, None, {}, id=name) for name, (seen, _) in MOMENTS.items()]
    return moments + [pytest.param(seen, over, entered, id=name) for name, (seen, over, entered) in ABOVE.items()]


@pytest.mark.parametrize("name", MOMENTS)
def test_the_moment_is_known_from_the_snapshot_alone(name: str) -> None:
    snapshot, scene = MOMENTS[name]
    assert now(snapshot).scene == scene


def test_every_line_of_the_table_is_met_and_the_last_one_always_holds() -> None:
    signing, locked = {"wanted": True}, {"reason": "panic", "key": "reason.panic", "sentence": "x"}
    from bus_agent.shown import LockShown, SignedInShown

    more = (shown(signed_in=SignedInShown(**signing)), shown(locked=LockShown(**locked)))  # type: ignore[arg-type]
    snapshots = [*(seen for seen, _ in MOMENTS.values()), *more]
    first = {next(line for line in TABLE if line(seen)) for seen in snapshots}
    assert first == set(TABLE)
    assert all(TABLE[-1](seen) for seen in snapshots)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("snapshot", "over", "entered"), every_scene())
def test_a_scene_fits_the_smallest_terminal(
    snapshot: Snapshot, over: Open | None, entered: dict[str, str], language: Language
) -> None:
    scene = deck(snapshot, language, over, entered).scene()
    assert rows(scene, language, entered) <= ROWS
    assert len(scene.choices) <= MOST_CHOICES
    assert [one.label for one in scene.choices if label_rows(one, len(scene.choices), SMALL[0]) > CHOICE_ROWS] == []
    for one in scene.choices:
        if one.sure:
            assert rows(Scene(sentence=one.sure), language) <= ROWS


@pytest.mark.parametrize(("snapshot", "over", "entered"), every_scene())
def test_a_scene_opens_only_what_there_is(snapshot: Snapshot, over: Open | None, entered: dict[str, str]) -> None:
    scene = deck(snapshot, Language.JAPANESE, over, entered).scene()
    acts = [one.act for one in scene.choices] + [part.act for part in scene.body if isinstance(part, Aside)]
    opened = {act.scene for act in acts if isinstance(act, Open)}
    opened |= {act.then for act in acts if isinstance(act, Tell) and act.then}
    assert opened <= SCENES.keys()


class Face(msgspec.Struct, forbid_unknown_fields=True):
    face: int


BODIES: Final[dict[str, type[Any] | None]] = {
    r"/v1/session/call": CallBody,
    r"/v1/session/end": None,
    r"/v1/visit/seen": None,
    r"/v1/feedback": Face,
    r"/v1/jobs/j[a-z0-9]{24}/hand-over": HandOverBody,
    r"/v1/jobs/j[a-z0-9]{24}/spoiled": SpoiledBody,
    r"/v1/jobs/j[a-z0-9]{24}/refuse": WhyBody,
    r"/v1/jobs/j[a-z0-9]{24}/(print|nothing-came-out)": None,
    r"/v1/fees/j[a-z0-9]{24}/paid": FeeBody,
    r"/v1/fees/j[a-z0-9]{24}/(waived|refunded)": WhyFeeBody,
}


@pytest.mark.parametrize(("snapshot", "over", "entered"), every_scene())
def test_what_a_scene_sends_is_what_the_agent_takes(
    snapshot: Snapshot, over: Open | None, entered: dict[str, str]
) -> None:
    for choice in deck(snapshot, Language.JAPANESE, over, entered).scene().choices:
        if isinstance(choice.act, Tell):
            takes = next(kind for path, kind in BODIES.items() if re.fullmatch(path, choice.act.path))
            if takes is not None and (choice.act.body is not None or takes is not HandOverBody):
                msgspec.json.decode(msgspec.json.encode(dict(choice.act.body or {})), type=takes)


# --- whom she calls ---


def choices(scene: Scene) -> list[str]:
    return [one.label for one in scene.choices]


def test_the_sections_key_of_the_slot_comes_first_and_its_slot_is_called() -> None:
    scene = deck(shown(day=DAY), Language.JAPANESE).scene()
    assert choices(scene) == ["税務課", "市民課", "ほかの課"]
    assert scene.choices[0].act == Tell("/v1/session/call", {"section": "zeimu", "stop": "hase", "slot": 3})


def test_who_comes_without_a_booking_is_called_without_one() -> None:
    scene = deck(shown(day=DAY), Language.JAPANESE, entered={"slot": "none"}).scene()
    assert scene.choices[1].act == Tell("/v1/session/call", {"section": "shimin", "stop": "hase", "slot": 0})
    event = deck(shown(mode=DutyMode.EVENT, day=DAY), Language.JAPANESE).scene()
    assert event.choices[0].act == Tell("/v1/session/call", {"section": "shimin", "stop": "hase", "slot": 0})


def test_a_slot_that_had_its_visit_is_not_offered_again() -> None:
    scene = deck(shown(day=replace(DAY, done=(3,))), Language.JAPANESE).scene()
    assert scene.choices[0].act == Tell("/v1/session/call", {"section": "shimin", "stop": "hase", "slot": 4})


def test_every_section_is_called_with_at_most_three_presses() -> None:
    made = deck(shown(day=DAY), Language.JAPANESE)
    made.press(3)
    made.entered["section"] = "kosodate"
    assert made.press(1) == Tell("/v1/session/call", {"section": "kosodate", "stop": "hase", "slot": 3})


def test_a_bus_of_one_stop_needs_nobody_to_say_where_it_is() -> None:
    made = Deck(TestClock(), Language.JAPANESE)
    made.update(QUIET, replace(CITY, stops=CITY.stops[:1]), True)
    assert made.press(1) == Tell("/v1/session/call", {"section": "shimin", "stop": "hase", "slot": 0})


def test_a_city_that_is_not_known_yet_is_waited_for() -> None:
    made = Deck(TestClock(), Language.JAPANESE)
    made.update(shown(day=DAY), made.city, True)
    assert (made.scene().tone, made.scene().choices) == (Tone.CALM, ())


# --- the steps that both screens show ---

NO_JOB: Final[Callable[..., VisitStep]] = lambda **at: running(**{"state": None, "approved": False} | at)  # noqa: E731


def test_the_steps_of_a_visit_follow_one_another() -> None:
    visited = [
        NO_JOB(accepted=False, checked=False),
        NO_JOB(accepted=True, checked=False),
        NO_JOB(accepted=True, checked=True),
        *(
            running(accepted=True, checked=True, state=state, approved=approved)
            for state, approved in (
                (JobState.SEALED, False),
                (JobState.ON_BUS, False),
                (JobState.ON_BUS, True),
                (JobState.PRINTING, True),
                (JobState.PRINTED, True),
                (JobState.UNCERTAIN, True),
            )
        ),
    ]
    places = [STEPS.index(step) for step in visited]
    assert places == sorted(places)
    assert {*STEPS} - {*visited} == {VisitStep.ANSWER}, "which is done as soon as a clerk is connected"


def test_every_state_of_a_document_has_its_step() -> None:
    assert all(running(accepted=True, checked=True, state=state, approved=False) in STEPS for state in JobState)


def test_the_scene_marks_the_running_step() -> None:
    context = deck(with_job(), Language.JAPANESE)._context()
    assert visit(context, CARD).steps[visit(context, CARD).now] == "印刷"


# --- what came out ---


def body_of(name: str) -> Any:
    snapshot, over, entered = ABOVE[name]
    act = deck(snapshot, Language.JAPANESE, over, entered).scene().choices[0].act
    return act.body if isinstance(act, Tell) else act


def test_marked_sheets_are_reported_with_the_drawers_numbers() -> None:
    assert body_of("spoiled, which") == {"why": "unusable", "sheets": ("A-000412",), "came_out": 1}
    assert body_of("spoiled, all") == {"why": "unusable", "sheets": ("A-000412", "A-000413")}
    assert body_of("spoiled, nine") == {"why": "unusable", "sheets": ("A-000412", "A-000420"), "came_out": 2}
    assert body_of("spoiled, no numbers") == {"why": "unusable", "sheets": ()}


def test_without_a_mark_and_with_too_many_nothing_can_be_reported() -> None:
    assert body_of("spoiled, none marked") is None
    assert body_of("spoiled, too many") is None


def test_another_number_counts_on_and_one_that_cannot_be_read_is_said_so() -> None:
    assert body_of("another number, given") == {"sheets": ("A-000500", "A-000501")}
    assert body_of("another number, spoiled") == {"why": "unusable", "sheets": ("A-000500",), "came_out": 1}
    assert body_of("cannot be read") == {"why": "unusable", "sheets": ("?", "?")}


def test_a_jam_is_named_as_the_cause() -> None:
    note = NoteShown(severity="now", key="printer.jam", sentence="Paper is jammed.", reason="media-jam-error")
    seen = with_job(state="uncertain")
    seen = replace(seen, printer_shown=replace(seen.printer_shown, notes=(note,)))
    act = deck(seen, Language.JAPANESE, Open("visit.spoiled", JOB), {"sheets": "1"}).scene().choices[0].act
    assert isinstance(act, Tell)
    assert act.body == {"why": "jam", "sheets": ("A-000412",), "came_out": 1}


def test_sheets_of_a_document_that_lies_beside_the_printer_come_before() -> None:
    first = replace(CARD, job=OTHER, state="printed")
    seen = shown(session=TALKING, jobs=(first, replace(CARD, state="printed")))
    act = deck(seen, Language.JAPANESE, Open("visit.spoiled", JOB)).scene().choices[0].act
    assert isinstance(act, Tell)
    assert act.body == {"why": "unusable", "sheets": ("A-000414", "A-000415")}


def test_what_would_lose_paper_is_asked_again() -> None:
    scene = deck(MOMENTS["doubt"][0], Language.JAPANESE).scene()
    assert [bool(one.sure) for one in scene.choices] == [False, False, True]
    assert all(deck(*_above(name)).scene().choices[0].sure for name in ABOVE if name.startswith("spoiled"))


def _above(name: str) -> tuple[Snapshot, Language, Open, dict[str, str]]:
    snapshot, over, entered = ABOVE[name]
    return snapshot, Language.JAPANESE, over, entered


def test_nobody_says_that_nothing_came_out_of_a_printer_that_counted() -> None:
    assert choices(deck(MOMENTS["printed"][0], Language.JAPANESE).scene()) == ["お渡ししました", "使えない紙が出た"]


def test_several_documents_come_one_after_the_other() -> None:
    scene = deck(MOMENTS["two jobs"][0], Language.JAPANESE).scene()
    assert any("あと1件" in str(part) for part in scene.body)


def test_a_document_that_is_not_allowed_yet_cannot_be_printed() -> None:
    scene = deck(MOMENTS["not allowed yet"][0], Language.JAPANESE).scene()
    assert scene.choices[0].act is None
    assert scene.sentence == "まだ印刷が許可されていません。職員に「印刷を許可」を押してもらってください。"


def test_in_route_bus_there_is_one_line_and_within_the_hours_a_way_back() -> None:
    within = deck(MOMENTS["route bus"][0], Language.JAPANESE).scene()
    assert (within.sentence, choices(within)) == ("路線バスとして運行しています", ["業務をはじめる"])
    over = replace(MOMENTS["route bus"][0], duty=replace(QUIET.duty, within_hours=False))
    assert choices(deck(over, Language.JAPANESE).scene()) == []
