"""F11 点検・用紙: what stands open, and the checklists (始業点検 / 終業点検) item by item.

A list goes on by itself: its scene shows the first item that nobody has looked at, as the snapshot has it.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import ItemShown, ListShown
from bus_agent.tui.desk import DeskWord, amount, back, hhmm, paper_name, picks, sheets
from bus_agent.tui.scene import Back, Bar, Choice, Context, Facts, MakeScene, Open, Part, Scene, Tell, Text, Tone
from cityhall_base.clock import business_day
from cityhall_base.words import Language, Word
from cityhall_wire.messages.people import Which


class ListsWord(Word):
    """What she reads and presses."""

    WHAT = ("desk.lists.what", "Checks, or paper and money?")
    OPENING = ("desk.lists.opening", "Opening checklist")
    CLOSING = ("desk.lists.closing", "Closing checklist")
    BOOKS = ("desk.lists.books", "Paper, money")
    CASH = ("desk.lists.cash", "Cash")
    FEES = ("desk.lists.fees", "Open fees")
    COMPLETE = ("desk.lists.complete", "complete ({detail})")
    OPEN = ("desk.lists.open", "{detail} to do")
    TO_FINISH = ("desk.lists.to_finish", "looked at, not completed")
    COUNTED = ("desk.lists.counted", "{detail}, counted today")
    UNCOUNTED = ("desk.lists.uncounted", "{detail}, not counted yet")
    DIFFERS = ("desk.lists.differs", "{detail}, does not agree")
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


_Button = tuple[ListsWord, Open | Back]
_OTHERWISE: Final[_Button] = (ListsWord.HELP, Open("trouble"))

BUTTONS: Final[Mapping[str, _Button]] = MappingProxyType(
    {
        "sheets": (ListsWord.COUNT, Open("paper.count")),
        "cash": (ListsWord.COUNT_CASH, Open("money.count")),
        "fees": (ListsWord.FEES, Open("money.fees")),
        "signed_in": (ListsWord.SIGN_IN, Open("sign_in")),
        "line": (ListsWord.HELP, Open("light", "line")),
        "printer": (ListsWord.HELP, Open("light", "printer")),
        "paper": (ListsWord.HELP, Open("light", "printer")),
        "spooler": (ListsWord.HELP, Open("guide", "technician")),
        "clock": (ListsWord.HELP, Open("guide", "technician")),
        "printer_empty": (ListsWord.COUNTER, Back()),
        "unclaimed": (ListsWord.COUNTER, Back()),
        "test_page": (ListsWord.COUNTER, Back()),
    }
)
"""What helps where the box finds something not well (cityhall_base.people.Box)."""

_TITLES: Final = {Which.OPENING: ListsWord.OPENING, Which.CLOSING: ListsWord.CLOSING}
_NOTES: Final = {word.rpartition(".")[2]: word for word in NotWellWord}


def lists(context: Context) -> Scene:
    """What stands open, and the two doors."""
    found = {one.which: one for one in context.seen.checklists}
    due = Which.OPENING if Which.CLOSING not in found or _open(found.get(Which.OPENING)) else Which.CLOSING
    check = (Choice(context.say(_TITLES[due]), Open(f"lists.{due}")),) if due in found else ()
    return Scene(
        sentence=context.say(ListsWord.WHAT),
        body=(Facts(rows=tuple(_standing(context))),),
        choices=(*check, Choice(context.say(ListsWord.BOOKS), Open("paper.count")), back(context)),
    )


def _open(one: ListShown | None) -> bool:
    return one is not None and not one.complete


def _standing(context: Context) -> Iterator[tuple[str, str]]:
    day, books = business_day(context.seen.at), context.seen.books
    for one in context.seen.checklists:
        left = sum(not _settled(item) for item in one.items)
        word = ListsWord.COMPLETE if one.complete else ListsWord.OPEN if left else ListsWord.TO_FINISH
        yield context.say(_TITLES[one.which]), context.say(word, hhmm(one.complete) if one.complete else str(left))
    for paper in books.papers[:4]:
        counted = ListsWord.COUNTED if paper.counted_on == day else ListsWord.UNCOUNTED
        word = ListsWord.DIFFERS if paper.differences else counted
        yield paper_name(context, paper.paper), context.say(word, sheets(context, paper.left))
    counted = ListsWord.COUNTED if books.cash_counted_on == day else ListsWord.UNCOUNTED
    word = ListsWord.DIFFERS if books.cash_off else counted
    yield context.say(ListsWord.CASH), context.say(word, amount(context, books.cash_expected))
    if books.open_fees:
        yield context.say(ListsWord.FEES), context.say(ListsWord.OPEN, str(len(books.open_fees)))


# --- one list ---


def opening(context: Context) -> Scene:
    """始業点検."""
    return _list(context, Which.OPENING)


def closing(context: Context) -> Scene:
    """終業点検."""
    return _list(context, Which.CLOSING)


def _list(context: Context, which: Which) -> Scene:
    one = next((one for one in context.seen.checklists if one.which is which), None)
    if one is None or one.complete:
        word = ListsWord.NONE if one is None else ListsWord.FINISHED
        return Scene(sentence=context.say(word), choices=(back(context, "lists"),), tone=Tone.CALM)
    asked = next((item for item in one.items if item.item == context.about), None)
    item = asked or next((item for item in one.items if not _settled(item)), None)
    return _item(context, one, item) if item else _all_seen(context, one)


def _settled(item: ItemShown) -> bool:
    """Whether the list may be completed as far as this goes: a person may find something not well, the box may not."""
    return bool(item.ok) or item.by != ""


def _item(context: Context, one: ListShown, item: ItemShown) -> Scene:
    place = one.items.index(item)
    bar = Bar(done=place / len(one.items), label=context.say(ListsWord.PLACE, f"{place + 1} / {len(one.items)}"))
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
        yield Choice(context.say(DeskWord.NEXT if item.ok else ListsWord.LATER), following)
        return
    address = f"/v1/checklists/{one.which}/{item.item}"
    well = Choice(context.say(ListsWord.WELL), Tell(address, {"ok": True, "note": None}, f"lists.{one.which}"))
    not_well = Choice(context.say(ListsWord.NOT_WELL), Open("lists.not_well", f"{one.which}/{item.item}"))
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
    choices = (Choice(context.say(ListsWord.REPORT), act), back(context, f"lists.{which}", item))
    return Scene(sentence=context.say(ListsWord.WHY), body=(shown.pick,), choices=choices)


def _all_seen(context: Context, one: ListShown) -> Scene:
    wrong = [item for item in one.items if item.ok is False]
    body: tuple[Part, ...] = tuple(
        Text(text=f"{_text(context, item)}: {_seen(context, item)}", tone=Tone.LOOK) for item in wrong[:4]
    )
    complete = Tell(f"/v1/checklists/{one.which}/complete", None, "lists")
    again = Open(f"lists.{one.which}", one.items[0].item if one.items else "")
    choices = (Choice(context.say(ListsWord.FINISH), complete), Choice(context.say(ListsWord.AGAIN), again))
    return Scene(sentence=context.say(ListsWord.ALL_SEEN), body=body, choices=(*choices, back(context, "lists")))


def _text(context: Context, item: ItemShown) -> str:
    return item.text if context.language is Language.JAPANESE else item.text_en


def _seen(context: Context, item: ItemShown) -> str:
    if item.ok is False and item.note in _NOTES:
        return context.say(ListsWord.REPORTED, context.say(_NOTES[item.note]))
    return context.said(item)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {"lists": lists, "lists.opening": opening, "lists.closing": closing, "lists.not_well": not_well}
)
