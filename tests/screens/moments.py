"""Samples of the concierge's screen: every moment, and whatever opens from it, with the keys that lead there.

What opens is found, not listed: from each snapshot the keys and touches of a deck are followed as far as they lead, so that a
new scene is in the pictures by itself. A sample that needs something typed has its keys written down.
"""

import inspect
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

import bus_agent.agent.boss  # noqa: F401 - with it come the words of every part of the agent
from bus_agent.errors import BusError
from bus_agent.shown import (
    Advice,
    BooksShown,
    DayShown,
    DifferenceShown,
    ItemShown,
    Level,
    Light,
    LightShown,
    ListShown,
    LockShown,
    NoteShown,
    PaperShown,
    Said,
    SignedInShown,
    Snapshot,
    SupplyShown,
)
from bus_agent.tui.deck import Deck
from bus_agent.tui.keys import ALWAYS
from bus_agent.tui.parts import keys as part_keys
from bus_agent.tui.scene import Back, Open, Pick
from cityhall_base.words import Language, Word
from cityhall_wire.messages.people import Which
from cityhall_wire.sheets import SheetCount
from tests.screen_city import CITY, JOB, QUIET, TestClock, with_job
from tests.screen_moments import DAY, FEE, MOMENTS

replace = msgspec.structs.replace
LIGHT: Final = "light:"
"""A key that is none: a touch on a light."""

HOLD: Final = "hold"
"""F12, again and again, as a terminal sends a key that is held."""


class Sample(NamedTuple):
    """A snapshot, and what is pressed then. `gone`: the agent is lost afterwards."""

    name: str
    seen: Snapshot
    keys: tuple[str, ...] = ()
    gone: bool = False


def english(key: str, detail: str = "") -> str:
    """In the words that the agent has for it: those of its lists, or of an error's docstring."""
    word = next((str(one.english) for words in _below(Word) for one in words if one == key), "")
    error = next((inspect.getdoc(one) for one in _below(BusError) if getattr(one, "key", "") == key), None)
    return (word or error or "").replace("{detail}", detail)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _said(key: str, detail: str = "") -> Said:
    return Said(key=key, sentence=english(key, detail), detail=detail)


def _true(seen: Snapshot) -> Snapshot:
    """With the agent's own words, where a test said something shorter."""
    advice = replace(seen.advice, sentence=english(seen.advice.key) or seen.advice.sentence)
    return replace(seen, advice=advice, lights=seen.lights if seen.lights == WRONG else WELL)


def _lit(light: Light, level: Level, short: str, said: str, guide: str = "", detail: str = "") -> LightShown:
    return LightShown(
        light=light,
        level=level,
        short=_said(short, detail),
        said=_said(said, detail),
        guide=guide,
    )


WELL: Final = (
    _lit(Light.POWER, Level.UNKNOWN, "light.unmeasured", "light.say.power_unmeasured"),
    _lit(Light.LINE, Level.UNKNOWN, "light.unmeasured", "light.say.line_unmeasured"),
    _lit(Light.CITY_HALL, Level.GOOD, "light.well", "light.say.city_hall_well"),
    _lit(Light.PRINTER, Level.GOOD, "light.well", "light.say.printer_well"),
    _lit(Light.PAPER, Level.GOOD, "light.left", "light.say.sheets_left", detail="38"),
)
WRONG: Final = (
    _lit(Light.POWER, Level.WEAK, "light.battery_percent", "light.say.on_battery", "battery", "41"),
    _lit(Light.LINE, Level.CALM, "light.no_signal", "link.dead_zone", "no_line"),
    _lit(Light.CITY_HALL, Level.BAD, "light.not_connected", "link.down", "no_line"),
    _lit(Light.PRINTER, Level.BAD, "light.jam", "printer.jam", "jam"),
    _lit(Light.PAPER, Level.WEAK, "light.left", "light.say.sheets_low", "receive_sheets", "4"),
)


def _item(name: str, text: str, english: str, ok: bool | None, **more: str) -> ItemShown:
    about = {"box": "", "by": "", "note": "", "key": "check.tick", "sentence": "Look at it, then tick it."} | more
    return ItemShown(item=name, text=text, text_en=english, ok=ok, at=0, **about)


def _lists(opening: bool | None, closing: bool | None) -> tuple[ListShown, ...]:
    lamp = _item("lamp", "プリンターの電源ランプがついている", "The printer's lamp is on", opening)
    tray = _item("tray", "改ざん防止用紙がトレイに入っている", "The numbered paper lies in the tray", True, by="c-1")
    lock = _item("lock", "用紙を引き出しに入れてかぎをかけた", "The paper is locked away", closing)
    rest = {"day": "2026-11-22", "by": ""}
    return (
        ListShown(which=Which.OPENING, complete=0, items=(tray, lamp), **rest),
        ListShown(which=Which.CLOSING, complete=0, items=(lock,), **rest),
    )


MISSING: Final = DifferenceShown(
    key="books.missing", sentence="Not in the drawer", detail="A-000420", sheets=1, numbers=("A-000420",)
)
PAPER: Final = PaperShown(
    paper="kaizan",
    left=38,
    next="A-000412",
    rows=("A-000412..A-000449",),
    counted_on="",
    differences=(),
    today=SheetCount(carried_over=50, issued=10, spoiled=1, test=1),
)
FEES: Final = (FEE, replace(FEE, job="j" + "e" * 24, yen=-300))
BOOKS: Final = BooksShown(papers=(PAPER,), cash_expected=1200, cash_off=0, cash_counted_on="", open_fees=FEES)

DESK: Final = replace(QUIET, day=replace(DAY, done=(2,)), books=BOOKS, checklists=_lists(None, None), lights=WELL)
"""A free counter with a day, books and lists."""

TROUBLED: Final = replace(
    DESK,
    advice=Advice("do.clear_jam", "Paper is jammed.", JOB),
    jobs=with_job(state="uncertain").jobs,
    lights=WRONG,
    books=replace(BOOKS, papers=(replace(PAPER, differences=(MISSING,)),), cash_off=-100),
    checklists=_lists(True, True),
    printer_shown=replace(
        QUIET.printer_shown,
        notes=(NoteShown(severity="now", key="printer.jam", sentence="Paper is jammed.", reason="media-jam-error"),),
        supplies=(SupplyShown(type="toner", color="black", level=12, sentence=""),),
    ),
)
"""Much at once is wrong."""

LOCKED: Final = LockShown(reason="panic", key="reason.panic", sentence="The theft key was pressed.")
SIGNING: Final = SignedInShown(wanted=True)
BASES: Final = {
    "desk": DESK,
    "trouble": TROUBLED,
    "signing": replace(DESK, signed_in=SIGNING),
    "signed": replace(DESK, signed_in=replace(SIGNING, who="c-1")),
    "last hour": replace(DESK, day=DayShown(date="2026-11-22"), at=QUIET.at + 15_000_000),
    "midnight": replace(
        DESK,
        day=DayShown(date="2026-11-22", stop="hase"),
        duty=replace(QUIET.duty, hours=(1_795_273_200_000, 1_795_359_600_000)),
    ),
    "locked": replace(DESK, locked=LOCKED),
    "locked, printer not empty": replace(TROUBLED, locked=LOCKED, printer_empty=False),
    "printed": replace(MOMENTS["printed"][0], lights=WELL),
    "in doubt, nine sheets": replace(with_job(state="uncertain", sheets=9), lights=WELL),
    "in doubt, twenty sheets": replace(with_job(state="uncertain", sheets=20), lights=WELL),
}
"""From these everything is opened that can be; a scene counts once."""

_SHORT: Final = 1
"""Where a scene is known already, so many keys are still followed from it."""

_TYPED: Final = {
    "paper.other_count": "37",
    "money.other_count": "1100",
    "sign_in.pin": "123456",
    "sign_in.code": "1234",
    "visit.number": "0005",
}


def samples() -> tuple[Sample, ...]:
    """All of them, each name once."""
    made = [Sample(_slug(name), _true(seen)) for name, (seen, _) in MOMENTS.items()]
    known: set[str] = set()
    for base, seen in BASES.items():
        seen = _true(seen)
        made += [Sample(base.replace(", ", "-").replace(" ", "-"), seen), *_opened(seen, known)]
    made.append(Sample("held", DESK, (HOLD,)))
    made.append(Sample("gone", DESK, gone=True))
    return tuple({one.name: one for one in reversed(made)}.values())[::-1]


def _opened(seen: Snapshot, known: set[str]) -> Iterator[Sample]:
    """By breadth, so that each has the fewest keys."""
    waiting: deque[tuple[str, ...]] = deque([()])
    places: set[Open] = set()
    while waiting:
        keys = waiting.popleft()
        deck = pressed(seen, keys)
        if deck is None or (keys and deck.place in places):
            continue
        places.add(deck.place)
        name, new = _named(deck.place), False
        if keys and name not in known:
            known.add(name)
            new = True
            yield Sample(name, seen, (*keys, *_TYPED.get(deck.place.scene, "")))
        if not new and len(keys) > _SHORT:
            continue
        waiting.extend((*keys, *more) for more in _ways(deck))
        if keys and (sure := _asked(deck)) and f"{name}-sure" not in known:
            known.add(f"{name}-sure")
            yield Sample(f"{name}-sure", seen, (*keys, sure))


def _ways(deck: Deck) -> Iterator[tuple[str, ...]]:
    scene = deck.scene()
    for number, one in enumerate(scene.choices, 1):
        if isinstance(one.act, Open):
            yield (f"f{number}",)
    if not deck.quiet:
        yield from ((key,) for key, _, opens in ALWAYS if opens)
        yield from ((LIGHT + light,) for light in Light)
    if any(isinstance(part, Pick) for part in scene.body):
        for digit in part_keys(scene, {}):
            yield from ((digit, f"f{number}") for number in range(1, len(scene.choices) + 1))
    if "0" in part_keys(scene, {}):
        yield ("0",)


def _asked(deck: Deck) -> str:
    """The key of a slow choice."""
    return next((f"f{n}" for n, one in enumerate(deck.scene().choices, 1) if one.sure and one.act), "")


def pressed(seen: Snapshot, keys: tuple[str, ...], language: Language = Language.JAPANESE) -> Deck | None:
    """A deck after these keys; None where one of them would tell the agent something."""
    deck = Deck(TestClock(), language)
    deck.update(seen, CITY, True)
    return deck if all(press(deck, key) for key in keys) else None


def press(deck: Deck, key: str) -> bool:
    """As bus_agent/tui/app.py does; False where it would leave the deck."""
    if key.startswith(LIGHT):
        deck.open("light", key.removeprefix(LIGHT))
        return True
    if key == HOLD:
        deck.hold.down()
        return True
    opens = {name: opens for name, _, opens in ALWAYS}.get(key)
    if opens is not None:
        deck.open(*opens)
        return True
    if len(key) > 1:
        choices, number = deck.scene().choices, int(key[1:])
        if number > len(choices) or not (choices[number - 1].sure or isinstance(choices[number - 1].act, Open | Back)):
            return False
        return deck.press(number) is None
    entry = part_keys(deck.scene(), deck.entered).get(key)
    return entry is not None and deck.touch(entry) is None


def _named(place: Open) -> str:
    """By its scene, and by what it is about where that is no id."""
    about = place.about if place.scene in ("guide", "light") else place.about.partition("#")[2]
    return _slug("-".join(filter(None, (place.scene, about))))


def _slug(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-").replace(".", "-").replace("_", "-")
