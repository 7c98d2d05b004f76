"""The deck: what the screen is, without a terminal. Its clock is the test's."""

from typing import Any

import msgspec
import pytest

from bus_agent.shown import LockShown, Said, SignedInShown, Snapshot
from bus_agent.tui.deck import Deck
from bus_agent.tui.lines import Entry
from bus_agent.tui.scene import Back, Choice, Marks, Open, Pad, Scene, Tell, Tone
from bus_agent.tui.words import TuiWord
from cityhall_base.words import Language
from cityhall_wire.modes import DutyMode
from tests.screen_city import CITY, JOB, QUIET, TALKING, TestClock, shown, with_job

SURE = Tell("/v1/session/end")
PANIC = LockShown(reason="panic", key="reason.panic", sentence="Panic was pressed.")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def deck(clock: TestClock) -> Deck:
    return deck_with(clock, QUIET)


def deck_with(clock: TestClock, snapshot: Snapshot, **scenes: Any) -> Deck:
    from bus_agent.tui.scenes import SCENES

    deck = Deck(clock, Language.JAPANESE, {**SCENES, **scenes})
    deck.update(snapshot, CITY, True)
    return deck


def test_without_an_agent_it_asks_to_wait_and_comes_back_by_itself(clock: TestClock) -> None:
    deck = Deck(clock, Language.JAPANESE)
    assert deck.scene().sentence == "しばらくお待ちください。"
    deck.update(QUIET, CITY, True)
    assert deck.place == Open("counter")
    deck.update(QUIET, CITY, False)
    assert deck.scene().sentence == "しばらくお待ちください。"
    assert (deck.scene().choices, deck.press(1)) == ((), None)


def test_a_slow_choice_is_asked_again_and_can_be_confirmed_after_two_seconds_only(clock: TestClock) -> None:
    deck = deck_with(clock, shown(session=TALKING))
    assert deck.press(3) is None
    asked = deck.scene()
    assert asked.sentence == "窓口対応を終了しますか。印刷していない書類は消えます。"
    assert asked.tone is Tone.LOOK
    clock.now += 1.9
    assert deck.press(1) is None
    clock.now += 0.2
    assert deck.press(1) == SURE


def test_a_slow_choice_that_is_taken_back_does_nothing(clock: TestClock) -> None:
    deck = deck_with(clock, shown(session=TALKING))
    deck.press(3)
    clock.now += 5
    assert deck.press(2) is None
    assert deck.place == Open("visit.talk")
    assert deck.scene().choices[2].label == "終了する"


def test_what_is_asked_again_is_dropped_where_the_moment_changes(clock: TestClock) -> None:
    deck = deck_with(clock, shown(session=TALKING))
    deck.press(3)
    deck.update(with_job(), CITY, True)
    assert deck.place.scene == "visit.card"
    clock.now += 5
    assert deck.press(1) == Tell(f"/v1/jobs/{JOB}/print"), "and not the end of the session"


@pytest.mark.parametrize(
    "change",
    [
        {"mode": DutyMode.ROUTE_BUS},
        {"locked": PANIC},
    ],
    ids=["duty ends", "lock"],
)
def test_leaving_duty_and_a_lock_close_everything_at_once(clock: TestClock, change: dict[str, Any]) -> None:
    deck = deck_with(clock, with_job(state="uncertain"))
    deck.open("visit.spoiled", JOB)
    deck.touch(Entry("sheets", "1"))
    deck.press(1)
    deck.update(shown(**change), CITY, True)
    assert deck.place.scene in {"route_bus", "locked"}
    assert deck.entered == {}


def test_what_goes_on_below_an_open_scene_is_said_and_takes_nothing_away(clock: TestClock) -> None:
    deck = deck_with(clock, shown(session=TALKING))
    deck.open("visit.phone", "shimin")
    assert deck.note is None
    deck.update(with_job(), CITY, True)
    assert deck.place == Open("visit.phone", "shimin")
    assert deck.note == Said(key=TuiWord.WAITS, sentence=TuiWord.WAITS.english)
    deck.press(1)
    assert deck.place == Open("visit.card", JOB)


def test_whoever_is_led_to_the_moment_is_told_of_nothing_that_waits(clock: TestClock) -> None:
    deck = deck_with(clock, with_job(state="printing"))
    deck.open("guide", "jam")
    deck.update(with_job(state="uncertain"), CITY, True)
    assert deck.note is not None
    deck.open("visit.outcome", JOB)
    assert deck.note is None
    deck.open("visit.spoiled", JOB)
    assert (deck.place, deck.note) == (Open("visit.spoiled", JOB), None)


@pytest.mark.parametrize(("within", "scene"), [(True, "locked"), (False, "route_bus")])
def test_after_the_theft_key_the_crew_reads_what_to_do_and_passengers_read_nothing(
    clock: TestClock, within: bool, scene: str
) -> None:
    duty = msgspec.structs.replace(QUIET.duty, within_hours=within)
    deck = deck_with(clock, shown(mode=DutyMode.ROUTE_BUS, duty=duty, locked=PANIC))
    assert (deck.place.scene, deck.quiet) == (scene, not within)


def test_in_route_bus_nothing_is_opened_by_a_key(clock: TestClock) -> None:
    deck = deck_with(clock, shown(mode=DutyMode.ROUTE_BUS))
    deck.open("counter")
    assert deck.place == Open("route_bus")


def test_a_scene_whose_matter_is_gone_gives_way_to_the_moment(clock: TestClock) -> None:
    deck = deck_with(clock, with_job(state="uncertain"))
    deck.open("visit.spoiled", JOB)
    deck.update(QUIET, CITY, True)
    assert "どの会場" in deck.scene().sentence
    assert deck.place == Open("counter")


def test_what_was_typed_goes_with_its_scene(clock: TestClock) -> None:
    deck = deck_with(clock, with_job(state="uncertain"))
    deck.open("visit.spoiled", JOB)
    deck.touch(Entry("sheets", "1"))
    deck.open("visit.outcome", JOB)
    assert deck.entered == {}


def test_a_refusal_stays_until_the_next_touch(clock: TestClock) -> None:
    deck = deck_with(clock, with_job())
    act = deck.press(1)
    assert isinstance(act, Tell)
    deck.begin()
    refusal = Said(key="refused.busy", sentence="Another document is at the printer; wait until it is done.")
    deck.told(act, refusal)
    assert (deck.refusal, deck.place.scene) == (refusal, "visit.card")
    deck.press(2)
    assert deck.refusal is None


def test_while_a_command_is_on_its_way_nothing_else_is_pressed_and_the_wait_is_counted(clock: TestClock) -> None:
    deck = deck_with(clock, with_job())
    deck.press(1)
    deck.begin()
    assert (deck.press(1), deck.scene().choices) == (None, ())
    clock.now += 3.5
    assert any("3秒" in getattr(part, "text", "") for part in deck.scene().body)


def test_after_a_command_its_next_scene_opens_or_the_moment_comes_back(clock: TestClock) -> None:
    then = Scene(sentence="then")
    deck = deck_with(clock, QUIET, then=lambda _: then)
    deck.told(Tell("/v1/mode", then="then"), None)
    assert deck.scene() is then
    deck.told(Tell("/v1/mode"), None)
    assert deck.place == Open("counter")


def test_an_act_of_nothing_and_a_key_without_a_choice_do_nothing(clock: TestClock) -> None:
    bare = Scene(sentence="x", choices=(Choice("x", None), Choice("y", Back())))
    deck = deck_with(clock, QUIET, bare=lambda _: bare)
    deck.open("bare")
    assert (deck.press(1), deck.press(3), deck.place) == (None, None, Open("bare"))
    deck.press(2)
    assert deck.place == Open("counter")


def test_time_goes_on_between_two_snapshots(clock: TestClock, deck: Deck) -> None:
    clock.now += 60
    assert deck.at == QUIET.at + 60_000


# --- the theft key ---


def hold_by_key(deck: Deck, clock: TestClock, first: float, gap: float, until: float) -> bool:
    """Whether it counted; the key repeats as terminals do."""
    deck.hold.key()
    end, wait = clock.now + until, first
    while clock.now < end:
        clock.now += wait
        wait = gap
        deck.hold.key()
        if deck.hold.tick():
            return True
    return False


@pytest.mark.parametrize(("first", "gap"), [(0.25, 0.03), (0.66, 0.04), (0.7, 0.1)])
def test_a_key_that_repeats_for_three_seconds_counts(deck: Deck, clock: TestClock, first: float, gap: float) -> None:
    started = clock.now
    assert hold_by_key(deck, clock, first, gap, 4)
    assert clock.now - started >= 3


def test_a_key_that_is_let_go_or_only_pressed_often_does_nothing(deck: Deck, clock: TestClock) -> None:
    assert not hold_by_key(deck, clock, 0.25, 0.03, 2.8)
    clock.now += 0.4
    assert not deck.hold.tick()
    assert not deck.hold.running
    assert not hold_by_key(deck, clock, 0.5, 0.5, 5), "taps are no hold"


def test_a_finger_that_stays_for_three_seconds_counts_and_one_that_lifts_does_not(deck: Deck, clock: TestClock) -> None:
    deck.hold.down()
    clock.now += 2.9
    assert not deck.hold.tick()
    assert "あと1秒" in deck.scene().body[1].label  # type: ignore[attr-defined]
    deck.hold.up()
    clock.now += 1
    assert not deck.hold.tick()
    deck.hold.down()
    clock.now += 3
    assert deck.hold.tick()
    assert not deck.hold.tick(), "once"


def test_who_is_not_signed_in_signs_in_first_except_where_nobody_has_to(clock: TestClock) -> None:
    nobody = SignedInShown(wanted=True)
    signing = Scene(sentence="sign in")
    deck = deck_with(clock, shown(signed_in=nobody), sign_in=lambda _: signing)
    assert deck.scene() is signing
    deck.update(shown(signed_in=nobody, mode=DutyMode.ON_THE_WAY), CITY, True)
    assert deck.place == Open("way")


def test_digits_and_touches_enter_the_same(clock: TestClock) -> None:
    from bus_agent.tui.lines import Room
    from bus_agent.tui.parts import draw, keys
    from bus_agent.tui.scene import Mark

    parts = (Marks(name="m", items=(Mark("a", "A"), Mark("b", "B"))), Pad(name="p", label="P", most=3, letters="A-?"))
    for part in parts:
        touched = {touch.entry for line in draw(part, Room(74, Language.JAPANESE, {})) for touch in line.touches}
        assert touched == set(keys(Scene(sentence="x", body=(part,)), {}).values())


def test_every_word_of_the_screen_is_in_both_languages_without_a_hole() -> None:
    assert all("{" not in word.say(language, "x") for word in TuiWord for language in Language)


def test_a_snapshot_of_a_newer_agent_is_still_read() -> None:
    raw = msgspec.json.decode(msgspec.json.encode(QUIET))
    assert msgspec.convert(raw | {"something_new": 1}, Snapshot) == QUIET
