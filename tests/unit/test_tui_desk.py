"""What stands behind F9 to F12, and all that opens from there: no dead end, and no request that the agent cannot read."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus_agent.agent import api, books_desk, people
from bus_agent.agent.books import BooksWord
from bus_agent.shown import (
    Advice,
    BooksShown,
    CityShown,
    DayShown,
    DifferenceShown,
    FeeShown,
    ItemShown,
    Level,
    Light,
    LightShown,
    ListShown,
    NoteShown,
    PaperName,
    PaperShown,
    PlaceShown,
    Said,
    SignedInShown,
    Snapshot,
    SupplyShown,
)
from bus_agent.tui.checks import BUTTONS
from bus_agent.tui.now import QUIET_SCENES
from bus_agent.tui.scene import Back, Context, Open, Pad, Pick, Scene, Tell
from bus_agent.tui.scenes import SCENES
from bus_agent.tui.sheets import completed
from bus_agent.tui.words import TuiWord
from cityhall_base.people import Box
from cityhall_base.words import Language
from cityhall_wire.headers import Name
from cityhall_wire.messages.people import Which
from cityhall_wire.messages.visit import Slot
from cityhall_wire.modes import DutyMode
from cityhall_wire.sheets import SheetCount
from tests import screen_city as small
from tests.screen_walk import faults

NOTHING_MEANT = Said(key="status.link_up", sentence="connected")


def item(name: str, ok: bool | None, **more: str) -> ItemShown:
    about = {"box": "", "by": "", "note": "", "key": "check.tick", "sentence": "Look at it, then tick it."}
    return ItemShown(item=name, text="電源ランプがついている", text_en="The lamp is on", ok=ok, at=0, **about | more)


def the_list(which: Which, *items: ItemShown, complete: int = 0) -> ListShown:
    return ListShown(which=which, day="2026-11-22", complete=complete, by="", items=items)


MISSING = DifferenceShown(
    key="books.missing", sentence="missing", detail="A-000420", sheets=1, numbers=("A-000420", "A-000421..A-000423")
)
PAPER = PaperShown(
    paper="kaizan",
    left=38,
    next="A-000412",
    rows=("A-000412..A-000449",),
    counted_on="",
    differences=(MISSING,),
    today=SheetCount(carried_over=50, issued=10, spoiled=1, test=1),
)
FEES = tuple(
    FeeShown(job="j" + f"{number:024x}", check_word="47・さくら", yen=yen) for number, yen in enumerate((300, -300))
)
SLOTS = tuple(
    Slot(
        slot=number,
        start=540 + 30 * number,
        end=570 + 30 * number,
        stop="hase" if number < 8 else "inamachi",
        section="shimin",
    )
    for number in range(1, 14)
)
FULL = msgspec.structs.replace(
    small.QUIET,
    advice=Advice("do.clear_jam", "Paper is jammed.", small.JOB),
    session=small.TALKING,
    jobs=(msgspec.structs.replace(small.CARD, state="uncertain"),),
    books=BooksShown(
        papers=(PAPER, msgspec.structs.replace(PAPER, paper="zei", differences=())),
        cash_expected=1200,
        cash_off=-100,
        cash_counted_on="",
        open_fees=FEES * 6,
    ),
    checklists=(
        the_list(
            Which.OPENING,
            item("lamp", None),
            item("line", False, box="line"),
            item("clean", False, by="c-1", note="dirty"),
        ),
        the_list(Which.CLOSING, item("locked-away", True, by="c-1"), item("sheets", True, box="sheets")),
    ),
    day=DayShown(date="2026-11-22", stop="hase", slots=SLOTS, done=(1, 2)),
    lights=tuple(
        LightShown(light=light, level=Level.BAD, short=NOTHING_MEANT, said=NOTHING_MEANT, guide="no_line")
        for light in Light
    ),
    printer_shown=msgspec.structs.replace(
        small.QUIET.printer_shown,
        notes=(NoteShown(severity="now", key="printer.jam", sentence="jam", reason="media-jam"),),
        supplies=(SupplyShown(type="toner", color="black", level=12, sentence=""),),
    ),
)
"""Everything at once."""

CITY = msgspec.structs.replace(
    small.CITY,
    stops=(*small.CITY.stops, *(PlaceShown(stop=f"stop-{number}", name="川上公民館") for number in range(12))),
    papers=(*small.CITY.papers, PaperName(paper="zei", name="納税用紙", numbered=True)),
    concierges=tuple(f"c-{number}" for number in range(12)),
    extension_min=60,
)

DOORS = [
    ("day", ""),
    ("trouble", ""),
    ("lists", ""),
    ("sign_in", ""),
    *(("light", light) for light in Light),
]
TYPED = {
    "left": ("37", "38"),
    "number": ("A-000450", "451", "?", ""),
    "yen": ("1200", ""),
    "pin": ("123456", "1"),
    "code": ("12345678",),
    "count": ("1",),
}


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/arrive`."""

    stop: Name


NO_BODY = type(None)
BODIES: dict[str, Any] = {
    "/v1/arrive": Stop,
    "/v1/leave": NO_BODY,
    "/v1/sign-out": NO_BODY,
    "/v1/session/end": NO_BODY,
    "/v1/visit/seen": NO_BODY,
    "/v1/mode": api.ModeBody,
    "/v1/duty/extend": api.ExtendBody,
    "/v1/session/call": api.CallBody,
    "/v1/sheets/count": books_desk.CountBody,
    "/v1/sheets/receive": books_desk.ReceiveBody,
    "/v1/sheets/lost": books_desk.LostBody,
    "/v1/cash/count": books_desk.CashBody,
    "/v1/cash/difference": books_desk.CashDifferenceBody,
    "/v1/fees/[^/]+/paid": books_desk.FeeBody,
    "/v1/fees/[^/]+/(waived|refunded)": books_desk.WhyFeeBody,
    "/v1/sign-in": people.SignInBody,
    "/v1/sign-in/code": people.CodeBody,
    "/v1/checklists/(opening|closing)/complete": NO_BODY,
    "/v1/checklists/(opening|closing)/(?!complete)[a-z-]+": people.TickBody,
    "/v1/jobs/[^/]+/(print|hand-over|nothing-came-out)": NO_BODY,
    "/v1/jobs/[^/]+/spoiled": api.SpoiledBody,
    "/v1/jobs/[^/]+/refuse": api.WhyBody,
}
"""As bus_agent/agent reads them."""


def entered_in(scene: Scene) -> Iterator[dict[str, str]]:
    """Nothing, and each thing that can be picked or typed."""
    yield {}
    for part in scene.body:
        if isinstance(part, Pick):
            yield from ({part.name: one.id} for one in part.items)
        if isinstance(part, Pad):
            yield from ({part.name: typed} for typed in TYPED[part.name])


def walk(
    seen: Snapshot, language: Language, doors: Iterable[tuple[str, str]] = DOORS
) -> Iterator[tuple[Context, str, Scene]]:
    """Every scene that can be reached, with everything entered."""
    todo, known = [*doors], set(doors)
    while todo:
        name, about = todo.pop()
        for entered in entered_in(SCENES[name](Context(seen, CITY, language, about))):
            context = Context(seen, CITY, language, about, entered)
            made = SCENES[name](context)
            yield context, name, made
            opens = [(choice.act.scene, choice.act.about) for choice in made.choices if isinstance(choice.act, Open)]
            todo += dict.fromkeys(one for one in opens if one not in known)
            known.update(opens)


def snapshots() -> dict[str, Snapshot]:
    return {
        "all": FULL,
        "quiet": small.QUIET,
        "agrees": msgspec.structs.replace(
            FULL, books=msgspec.structs.replace(FULL.books, papers=(small.QUIET.books.papers[0],), cash_off=0)
        ),
        "signed in": msgspec.structs.replace(FULL, signed_in=SignedInShown(wanted=True, who="c-1")),
        "must wait": msgspec.structs.replace(FULL, signed_in=SignedInShown(wanted=True, pin_wait_s=30)),
        "looked at": msgspec.structs.replace(
            FULL,
            checklists=(the_list(Which.OPENING, item("lamp", False, by="c-1", note="broken")), the_list(Which.CLOSING)),
        ),
        "done": msgspec.structs.replace(FULL, checklists=(the_list(Which.OPENING, item("lamp", True), complete=1),)),
    }


@pytest.mark.parametrize("name", snapshots())
def test_everything_behind_the_keys_can_be_drawn_and_leads_back(name: str) -> None:
    reached = set()
    for language in Language:
        for context, scene, made in walk(snapshots()[name], language):
            reached.add(scene)
            assert list(faults(made, context)) == [], (scene, context.about, context.entered)
            ways = [choice.label for choice in made.choices]
            if not scene.startswith(("visit.", "counter", "locked")) and not (
                scene == "sign_in" and name == "must wait"
            ):
                assert ways[-1] == TuiWord.BACK.say(language), scene
            for choice in made.choices:
                if isinstance(choice.act, Tell):
                    assert choice.act.then in ("", *SCENES)
                    assert choice.act.method == "POST"
    assert {"day", "trouble", "guide", "lists", "paper", "sign_in", "light"} <= reached


def tells(seen: Snapshot) -> Iterator[Tell]:
    for _, _, made in walk(seen, Language.JAPANESE):
        yield from (choice.act for choice in made.choices if isinstance(choice.act, Tell))


def test_what_is_told_to_the_agent_has_the_form_that_it_reads() -> None:
    said = [tell for seen in snapshots().values() for tell in tells(seen)]
    for tell in said:
        wanted = [body for pattern, body in BODIES.items() if re.fullmatch(pattern, tell.path)]
        assert len(wanted) == 1, tell.path
        raw = b"null" if tell.body is None else msgspec.json.encode(dict(tell.body))
        msgspec.json.decode(raw, type=wanted[0])
    paths = {re.sub(r"/(j[0-9a-f]{24}|lamp|clean)", "", tell.path) for tell in said}
    assert paths >= {"/v1/sheets/lost", "/v1/cash/difference", "/v1/fees/waived", "/v1/checklists/opening"}


def test_what_opens_on_a_route_bus_leads_nowhere_else() -> None:
    quiet = changed(mode=DutyMode.ROUTE_BUS, signed_in=SignedInShown(wanted=True))
    reached = {scene for _, scene, _ in walk(quiet, Language.JAPANESE, [("day.mode", ""), ("sign_in", "")])}
    assert reached <= QUIET_SCENES
    assert shown("day.mode", quiet, mode="city_hall").choices[0].act == Open("sign_in")


# --- the day ---


def shown(scene: str, seen: Snapshot, about: str = "", **entered: str) -> Scene:
    return SCENES[scene](Context(seen, CITY, Language.JAPANESE, about, entered))


def changed(**fields: object) -> Snapshot:
    return msgspec.structs.replace(FULL, **fields)


def test_the_end_of_the_hours_is_counted_down_in_its_last_hour_alone() -> None:
    at = small.QUIET.duty.hours[1]  # type: ignore[index] # they are given
    bars = {left: shown("day", changed(at=at - left * 60_000)).body for left in (61, 42, 0)}
    assert [type(part).__name__ for part in bars[61]] == ["Facts"]
    assert [type(part).__name__ for part in bars[42]] == ["Bar", "Facts"]
    assert "42" in bars[42][0].label  # type: ignore[attr-defined] # a Bar
    assert [type(part).__name__ for part in bars[0]] == ["Facts"]


def test_the_next_slot_is_the_first_that_had_no_visit_and_is_not_over() -> None:
    assert "予約 3番" in shown("day", FULL).sentence  # 10:30 to 11:00, at 10:42
    assert "予約 4番" in shown("day", changed(day=msgspec.structs.replace(FULL.day, done=(1, 2, 3)))).sentence


@pytest.mark.parametrize("mode", DutyMode)
def test_a_mode_in_which_something_may_be_open_is_not_left_by_one_press(mode: DutyMode) -> None:
    choice = shown(
        "day.mode", changed(mode=mode, jobs=()), mode="course" if mode != "course" else "early_voting"
    ).choices[0]
    quiet = (DutyMode.ROUTE_BUS, DutyMode.ON_THE_WAY, DutyMode.EARLY_VOTING, DutyMode.COURSE)
    assert bool(choice.sure) == (mode not in quiet)


def test_a_mode_of_the_same_seat_goes_on_with_the_same_visit() -> None:
    assert shown("day.mode", FULL, mode="event").choices[0].sure == ""


def test_leaving_while_a_document_is_at_the_printer_says_that_it_is_stopped() -> None:
    printing = changed(jobs=(msgspec.structs.replace(small.CARD, state="printing"),))
    assert "印刷を止めて" in shown("day.mode", printing, mode="route_bus").choices[0].sure


# --- checks, paper, money ---


def test_a_list_goes_on_with_the_first_item_that_nobody_has_looked_at() -> None:
    first = FULL.checklists[0]
    ticked = (msgspec.structs.replace(first.items[0], ok=True, by="c-1"), *first.items[1:])
    then = msgspec.structs.replace(first, items=ticked)
    before, after = (shown("lists.opening", changed(checklists=(one,))) for one in (first, then))
    assert [choice.label for choice in before.choices] == ["よい", "よくない", "もどる"]
    assert [choice.label for choice in after.choices] == ["どうするか見る", "あとで", "もどる"]


def test_what_is_not_well_is_told_with_a_word_and_shown_in_hers() -> None:
    told = shown("lists.not_well", FULL, "opening/clean", note="dirty").choices[0].act
    assert told == Tell("/v1/checklists/opening/clean", {"ok": False, "note": "dirty"}, "lists.opening")
    assert any("よごれている" in getattr(part, "text", "") for part in shown("lists.opening", FULL, "clean").body)


def test_whatever_the_box_looks_at_has_a_button_that_helps() -> None:
    assert BUTTONS.keys() == set(Box)
    assert {act.scene for _, act in BUTTONS.values() if isinstance(act, Open)} <= SCENES.keys()
    assert any(isinstance(act, Back) for _, act in BUTTONS.values())


def test_the_sum_of_the_day_is_worked_out_for_her() -> None:
    facts = dict(shown("paper.count", FULL, "kaizan").body[0].rows)  # type: ignore[attr-defined] # Facts
    assert [facts[label] for label in ("繰越", "- 交付", "- 書損", "- 試し刷り", "= 残")] == [
        "50枚",
        "10枚",
        "1枚",
        "1枚",
        "38枚",
    ]
    assert shown("paper.count", FULL, "kaizan").choices[0].label == "38枚 あります"


def test_another_count_is_asked_again_because_it_stops_certificates() -> None:
    assert shown("paper.other_count", FULL, "kaizan", left="38").choices[0].sure == ""
    assert "38枚" in shown("paper.other_count", FULL, "kaizan", left="37").choices[0].sure


def test_digits_alone_stand_for_a_number_like_those_in_the_drawer() -> None:
    assert completed(PAPER, "451") == "A-000451"
    assert completed(PAPER, "B-7") == "B-7"
    assert completed(None, "451") == "451"


def test_sheets_are_received_only_where_both_numbers_are_ends_of_one_row() -> None:
    taken = shown("paper.receive_last", FULL, "kaizan/A-000450", number="499").choices[0].act
    assert taken == Tell("/v1/sheets/receive", {"paper": "kaizan", "first": "A-000450", "last": "A-000499"}, "lists")
    assert shown("paper.receive_last", FULL, "kaizan/A-000450", number="449").choices[0].act is None


def test_of_what_differs_only_sheets_that_are_missing_can_be_lost() -> None:
    more = msgspec.structs.replace(MISSING, key="books.extra", numbers=("B-1",))
    papers = (msgspec.structs.replace(PAPER, differences=(more, MISSING)),)
    seen = changed(books=msgspec.structs.replace(FULL.books, papers=papers))
    offered = shown("paper.lost", seen, "kaizan").body[0].items  # type: ignore[attr-defined] # a Pick
    assert [one.id for one in offered] == ["A-000420", "A-000421..A-000423", "?"]
    assert MISSING.key == BooksWord.MISSING


# --- trouble ---


def hands_off(key: str, *, by_light: bool) -> Snapshot:
    """The printer must stay as it is; the agent may have something else to say first, and its light says it all the same."""
    said = Said(key=key, sentence="x")
    light = LightShown(light=Light.PRINTER, level=Level.BAD, short=said, said=said)
    if by_light:
        return changed(advice=Advice("do.hand_over", "x"), lights=(light,))
    return changed(advice=Advice(key, "x", small.JOB))


@pytest.mark.parametrize("guide", ["refill", "jam", "cover"])
@pytest.mark.parametrize("by_light", [False, True])
def test_nothing_that_could_bring_a_sheet_out_is_advised_while_the_printer_must_stay_empty(
    guide: str, by_light: bool
) -> None:
    off = shown("guide", hands_off("do.switch_off", by_light=by_light), guide)
    assert "用紙を入れないでください" in off.sentence
    assert off.choices[0].act == Open("visit.outcome", small.JOB)
    wait = shown("guide", hands_off("do.leave_printer", by_light=by_light), guide)
    assert "用紙を入れずに" in wait.sentence
    assert wait.body == ()


def test_after_a_jam_the_sheets_that_came_out_are_reported() -> None:
    assert shown("guide", FULL, "jam").choices[0].act == Open("visit.outcome", small.JOB)
    assert shown("guide", changed(jobs=()), "jam").choices[0].act == Back()


def test_a_pin_is_in_its_request_alone() -> None:
    made = shown("sign_in.pin", FULL, "c-1", pin="987654")
    assert "987654" not in repr(made.body) + made.sentence


# --- whatever the agent says ---

WORDS = (
    *("", "kaizan", "hase", "shimin", "lamp", "c-1", small.JOB, "A-000412", "A-1..A-9"),
    *("?", "長谷", "do.refill", "printer.jam", "9"),
)
NUMBERS = (0, 1, -1, 3, 38, 300, 630, 1440, small.AT, small.AT + 3_600_000)


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; of numbers and texts those with which something happens."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return any_of(inner[0])
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return st.lists(any_of(inner[0]), max_size=3).map(tuple)
        return st.tuples(*map(any_of, inner))
    if origin is not None:
        return st.one_of(*map(any_of, inner))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.name: any_of(field.type) for field in msgspec.structs.fields(kind)}
        return st.fixed_dictionaries(fields).map(lambda values: kind(**values))
    simple = {str: st.sampled_from(WORDS), int: st.sampled_from(NUMBERS), bool: st.booleans(), type(None): st.none()}
    return simple[kind] if kind in simple else st.sampled_from(kind)


ABOUTS = (
    "",
    "#1",
    "kaizan",
    "kaizan/A-000412",
    "opening/lamp",
    "lamp",
    f"{small.JOB}/waived",
    small.JOB,
    "jam",
    "printer",
    "?",
)
NAMES = (
    "stop",
    "mode",
    "minutes",
    "note",
    "what",
    "left",
    "number",
    "why",
    "yen",
    "fee",
    "who",
    "pin",
    "code",
    "guide",
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seen=any_of(Snapshot),
    city=any_of(CityShown),
    about=st.sampled_from(ABOUTS),
    entered=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS)),
    language=st.sampled_from(Language),
)
def test_a_scene_stands_whatever_the_agent_says(
    seen: Snapshot, city: CityShown, about: str, entered: dict[str, str], language: Language
) -> None:
    for name, make in SCENES.items():
        if name.startswith(("visit.", "counter")):
            continue  # what these are about is in the snapshot, or they say so
        context = Context(seen, city, language, about, entered)
        found = [
            fault
            for fault in faults(make(context), context)
            if "rows" in fault or "choices" in fault or "pick" in fault
        ]
        assert found == [], name
