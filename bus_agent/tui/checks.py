"""始業点検 / 終業点検, item by item.

A list goes on by itself: its scene shows the first item that nobody has looked at, as the snapshot has it.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import ItemShown, ListShown
from bus_agent.tui.desk import DeskWord, back, picks
from bus_agent.tui.lists import ListsWord, settled
from bus_agent.tui.scene import Back, Bar, Choice, Context, MakeScene, Open, Part, Scene, Tell, Text, Tone
from cityhall_base.words import Language, Word
from cityhall_wire.messages.people import Which


class CheckItemWord(Word):
    """What she reads and presses."""

    PLACE = ("desk.lists.place", "Item {detail}")
    WELL = ("desk.lists.well", "It is well")
    NOT_WELL = ("desk.lists.not_well", "Not well")
    LATER = ("desk.lists.later", "Later")
    REPORTED = ("desk.lists.reported", "Reported as not well: {detail}.")
    WHY = ("desk.lists.why", "What is not well?")
    REPORT = ("desk.lists.report", "Report it")
    ALL_SEEN = ("desk.lists.all_seen", "Every item is looked at.")
    FINISH = ("desk.lists.finish", "Complete the list")
    AGAIN = ("desk.lists.again", "Look again")
    FINISHED = ("desk.lists.finished", "This checklist is complete for today.")
    NONE = ("desk.lists.none", "This city has no such checklist.")
    COUNT = ("desk.lists.count", "Count the sheets")
    COUNT_CASH = ("desk.lists.count_cash", "Count the cash")
    SIGN_IN = ("desk.lists.sign_in", "Sign in")
    HELP = ("desk.lists.help", "See what to do")
    COUNTER = ("desk.lists.counter", "To the counter")


class NotWellWord(Word):
    """What can be wrong with an item. The last part is the note that city hall gets."""

    BROKEN = ("desk.not_well.broken", "broken")
    MISSING = ("desk.not_well.missing", "missing")
    TOO_FEW = ("desk.not_well.too_few", "too few")
    DIRTY = ("desk.not_well.dirty", "dirty")
    NOT_DONE = ("desk.not_well.not_done", "cannot be done now")
    OTHER = ("desk.not_well.other", "something else")


_Button = tuple[Word, Open | Back]
_OTHERWISE: Final[_Button] = (CheckItemWord.HELP, Open("trouble"))

BUTTONS: Final[Mapping[str, _Button]] = MappingProxyType(
    {
        "sheets": (CheckItemWord.COUNT, Open("paper.count")),
        "cash": (CheckItemWord.COUNT_CASH, Open("money.count")),
        "fees": (ListsWord.FEES, Open("money.fees")),
        "signed_in": (CheckItemWord.SIGN_IN, Open("sign_in")),
        "line": (CheckItemWord.HELP, Open("light", "line")),
        "printer": (CheckItemWord.HELP, Open("light", "printer")),
        "paper": (CheckItemWord.HELP, Open("light", "printer")),
        "spooler": (CheckItemWord.HELP, Open("guide", "technician")),
        "clock": (CheckItemWord.HELP, Open("guide", "technician")),
        "printer_empty": (CheckItemWord.COUNTER, Back()),
        "unclaimed": (CheckItemWord.COUNTER, Back()),
        "test_page": (CheckItemWord.COUNTER, Back()),
    }
)
"""What helps where the box finds something not well (cityhall_base.people.Box)."""

_NOTES: Final = {word.rpartition(".")[2]: word for word in NotWellWord}


def opening(context: Context) -> Scene:
    """始業点検."""
    return _list(context, Which.OPENING)


def closing(context: Context) -> Scene:
    """終業点検."""
    return _list(context, Which.CLOSING)


def _list(context: Context, which: Which) -> Scene:
    one = next((one for one in context.seen.checklists if one.which is which), None)
    if one is None or one.complete:
        word = CheckItemWord.NONE if one is None else CheckItemWord.FINISHED
        return Scene(sentence=context.say(word), choices=(back(context, "lists"),), tone=Tone.CALM)
    asked = next((item for item in one.items if item.item == context.about), None)
    item = asked or next((item for item in one.items if not settled(item)), None)
    return _item(context, one, item) if item else _all_seen(context, one)


def _item(context: Context, one: ListShown, item: ItemShown) -> Scene:
    place = one.items.index(item)
    bar = Bar(done=place / len(one.items), label=context.say(CheckItemWord.PLACE, f"{place + 1} / {len(one.items)}"))
    seen = Text(text=_seen(context, item), tone=Tone.PLAIN if item.ok in (True, None) else Tone.LOOK)
    following = one.items[place + 1].item if place + 1 < len(one.items) else ""
    return Scene(
        sentence=_text(context, item),
        body=(bar, Text(text=""), seen),
        choices=(*_ways(context, one, item, Open(f"lists.{one.which}", following)), back(context, "lists")),
    )


def _ways(context: Context, one: ListShown, item: ItemShown, following: Open) -> Iterator[Choice]:
    if item.box and item.ok is not None and not item.by:
        if not item.ok:
            word, act = BUTTONS.get(item.box, _OTHERWISE)
            yield Choice(context.say(word), act)
        yield Choice(context.say(DeskWord.NEXT if item.ok else CheckItemWord.LATER), following)
        return
    address = f"/v1/checklists/{one.which}/{item.item}"
    well = Choice(context.say(CheckItemWord.WELL), Tell(address, {"ok": True, "note": None}, f"lists.{one.which}"))
    not_well = Choice(context.say(CheckItemWord.NOT_WELL), Open("lists.not_well", f"{one.which}/{item.item}"))
    if item.by:  # looked at already: on, or the other way round
        yield Choice(context.say(DeskWord.NEXT), following)
        yield not_well if item.ok else well
    else:
        yield from (well, not_well)


def not_well(context: Context) -> Scene:
    """Why an item is not well, in one word."""
    which, _, item = context.about.partition("/")
    shown = picks(context, "note", tuple(NotWellWord))
    act = shown.act(Tell(f"/v1/checklists/{which}/{item}", {"ok": False, "note": shown.picked}, f"lists.{which}"))
    choices = (Choice(context.say(CheckItemWord.REPORT), act), back(context, f"lists.{which}", item))
    return Scene(sentence=context.say(CheckItemWord.WHY), body=(shown.pick,), choices=choices)


def _all_seen(context: Context, one: ListShown) -> Scene:
    wrong = [item for item in one.items if item.ok is False]
    body: tuple[Part, ...] = tuple(
        Text(text=f"{_text(context, item)}: {_seen(context, item)}", tone=Tone.LOOK) for item in wrong[:4]
    )
    complete = Tell(f"/v1/checklists/{one.which}/complete", None, "lists")
    again = Open(f"lists.{one.which}", one.items[0].item if one.items else "")
    choices = (Choice(context.say(CheckItemWord.FINISH), complete), Choice(context.say(CheckItemWord.AGAIN), again))
    return Scene(sentence=context.say(CheckItemWord.ALL_SEEN), body=body, choices=(*choices, back(context, "lists")))


def _text(context: Context, item: ItemShown) -> str:
    return item.text if context.language is Language.JAPANESE else item.text_en


def _seen(context: Context, item: ItemShown) -> str:
    if item.ok is False and item.note in _NOTES:
        return context.say(CheckItemWord.REPORTED, context.say(_NOTES[item.note]))
    return context.said(item)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {"lists.opening": opening, "lists.closing": closing, "lists.not_well": not_well}
)
