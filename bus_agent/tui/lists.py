"""F11 点検・用紙: what stands open, and its two doors."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import ItemShown, ListShown
from bus_agent.tui.desk import amount, back, hhmm, paper_name, sheets
from bus_agent.tui.scene import Choice, Context, Facts, MakeScene, Open, Scene
from cityhall_base.clock import business_day
from cityhall_base.words import Word
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


_TITLES: Final = {Which.OPENING: ListsWord.OPENING, Which.CLOSING: ListsWord.CLOSING}


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
        left = sum(not settled(item) for item in one.items)
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


def settled(item: ItemShown) -> bool:
    """Whether the list may be completed as far as this goes: a person may find something not well, the box may not."""
    return bool(item.ok) or item.by != ""


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"lists": lists})
