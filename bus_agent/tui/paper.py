"""改ざん防止用紙 in her hands: the count with the arithmetic done, and in what ledger and drawer differ.

`about` is the paper; without one the first that nobody has counted today is meant.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import PaperShown
from bus_agent.tui.desk import DeskWord, back, page, paper_name, sheets
from bus_agent.tui.scene import Choice, Context, Facts, MakeScene, Mark, Open, Pad, Part, Scene, Tell, Text, Tone
from cityhall_base.clock import business_day
from cityhall_base.words import Word


class PaperWord(Word):
    """What she reads and presses."""

    MUST = ("desk.paper.must", "{detail} must lie in the drawer. Count them.")
    THERE = ("desk.paper.there", "{detail} lie there")
    OTHERWISE = ("desk.paper.otherwise", "No, or other")
    NO_PAPER = ("desk.paper.no_paper", "This city has no numbered paper.")
    CARRIED_OVER = ("desk.paper.carried_over", "Carried over")
    RECEIVED = ("desk.paper.received", "+ Received")
    ISSUED = ("desk.paper.issued", "- Issued")
    SPOILED = ("desk.paper.spoiled", "- Spoiled")
    LOST = ("desk.paper.lost", "- Lost")
    TEST = ("desk.paper.test", "- Test pages")
    LEFT = ("desk.paper.left", "= Left")
    TOP = ("desk.paper.top", "On top")
    WHAT = ("desk.paper.what", "What is it about?")
    MENU_COUNT = ("desk.paper.menu_count", "Another count")
    MENU_RECEIVE = ("desk.paper.menu_receive", "Sheets received")
    MENU_LOST = ("desk.paper.menu_lost", "Sheets lost")
    MENU_CASH = ("desk.paper.menu_cash", "Count the cash")
    MENU_FEES = ("desk.paper.menu_fees", "Open fees")
    MENU_PERSON = ("desk.paper.menu_person", "Sign in or out")
    HOW_MANY = ("desk.paper.how_many", "How many sheets lie in the drawer?")
    SHEETS = ("desk.paper.sheets", "Sheets")
    RECORD = ("desk.paper.record", "Write it down")
    COUNT_SURE = ("desk.paper.count_sure", "The book says {detail}. Until this is explained no certificate prints.")
    DIFFER = ("desk.paper.differ", "Ledger and drawer differ.")
    COUNT_AGAIN = ("desk.paper.count_again", "Count again")


_COLUMNS: Final = (
    ("carried_over", PaperWord.CARRIED_OVER),
    ("received", PaperWord.RECEIVED),
    ("issued", PaperWord.ISSUED),
    ("spoiled", PaperWord.SPOILED),
    ("lost", PaperWord.LOST),
    ("test", PaperWord.TEST),
)
_MOST_DIFFERENCES: Final = 3


def count(context: Context) -> Scene:
    """The drawer must hold so many: yes, or something else."""
    paper = paper_of(context)
    if paper is None:
        menu_too = Choice(context.say(DeskWord.NEXT), Open("paper"))
        return Scene(sentence=context.say(PaperWord.NO_PAPER), choices=(menu_too, back(context, "lists")))
    left = max(paper.left, 0)
    told = Tell("/v1/sheets/count", {"paper": paper.paper, "left": left, "rows": []}, "lists")
    there = Choice(context.say(PaperWord.THERE, sheets(context, left)), told)
    other = Choice(context.say(PaperWord.OTHERWISE), Open("paper", paper.paper))
    return Scene(
        sentence=context.say(PaperWord.MUST, sheets(context, left)),
        body=(Facts(rows=tuple(_sum(context, paper))), *_differences(context, paper)),
        choices=(there, other, back(context, "lists")),
    )


def _sum(context: Context, paper: PaperShown) -> Iterator[tuple[str, str]]:
    yield paper_name(context, paper.paper), ""
    for column, word in _COLUMNS:
        number = getattr(paper.today, column)
        if number or column == "carried_over":
            yield context.say(word), sheets(context, number)
    yield context.say(PaperWord.LEFT), sheets(context, paper.left)
    if paper.next:
        yield context.say(PaperWord.TOP), paper.next


def _differences(context: Context, paper: PaperShown) -> Iterator[Part]:
    for one in paper.differences[:_MOST_DIFFERENCES]:
        yield Text(text=context.said(one), tone=Tone.LOOK)


def menu(context: Context) -> Scene:
    """Everything else about paper and money."""
    paper = paper_of(context)
    items = [Mark("paper.other_count", context.say(PaperWord.MENU_COUNT))] if paper else []
    items += [Mark("paper.receive", context.say(PaperWord.MENU_RECEIVE))] if paper else []
    items += [Mark("paper.lost", context.say(PaperWord.MENU_LOST))] if paper else []
    items += [Mark("money.count", context.say(PaperWord.MENU_CASH))]
    items += [Mark("money.fees", context.say(PaperWord.MENU_FEES))]
    others = [one for one in context.seen.books.papers if paper and one.paper != paper.paper]
    items += [Mark(f"/{one.paper}", paper_name(context, one.paper)) for one in others]
    items += [Mark("sign_in", context.say(PaperWord.MENU_PERSON))] if context.city.concierges else []
    shown = page(context, "paper", "what", items)
    return Scene(
        sentence=context.say(PaperWord.WHAT),
        body=(shown.pick,),
        choices=(
            Choice(context.say(DeskWord.OPEN), shown.act(_opened(shown.picked, paper))),
            *shown.more,
            back(context),
        ),
    )


def _opened(picked: str, paper: PaperShown | None) -> Open:
    if picked.startswith("/"):
        return Open("paper.count", picked[1:])
    return Open(picked, paper.paper if paper and picked.startswith("paper.") else "")


def other_count(context: Context) -> Scene:
    """As many as she counted. A count that does not agree stops certificates, so it is asked once more."""
    paper = paper_of(context)
    if paper is None:
        return count(context)
    typed = context.entered.get("left", "")
    left = int(typed) if typed.isascii() and typed.isdigit() else None
    differs = left is not None and left != paper.left
    sure = context.say(PaperWord.COUNT_SURE, sheets(context, paper.left)) if differs else ""
    body: dict[str, object] = {"paper": paper.paper, "left": left, "rows": []}
    then = "paper.differ" if differs else "lists"
    act = None if left is None else Tell("/v1/sheets/count", body, then)
    return Scene(
        sentence=context.say(PaperWord.HOW_MANY),
        body=(Pad(name="left", label=context.say(PaperWord.SHEETS), most=5),),
        choices=(Choice(context.say(PaperWord.RECORD), act, sure), back(context, "paper", paper.paper)),
    )


def differ(context: Context) -> Scene:
    """In what ledger and drawer differ, and the ways out."""
    papers = context.seen.books.papers
    paper = next((one for one in papers if one.differences and context.about in ("", one.paper)), None)
    if paper is None:
        return count(context)
    lost = Choice(context.say(PaperWord.MENU_LOST), Open("paper.lost", paper.paper))
    again = Choice(context.say(PaperWord.COUNT_AGAIN), Open("paper.count", paper.paper))
    body: tuple[Part, ...] = (
        Facts(rows=((paper_name(context, paper.paper), sheets(context, paper.left)),)),
        *_differences(context, paper),
    )
    choices = (lost, again, back(context, "lists"))
    return Scene(sentence=context.say(PaperWord.DIFFER), body=body, choices=choices, tone=Tone.LOOK)


def paper_of(context: Context) -> PaperShown | None:
    """What the scene is about; else the first that nobody has counted today; else the first."""
    papers, day = context.seen.books.papers, business_day(context.seen.at)
    name = context.about.partition("/")[0].partition("#")[0]
    named = [one for one in papers if one.paper == name]
    return next(iter([*named, *(one for one in papers if one.counted_on != day), *papers]), None)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {
        "paper.count": count,
        "paper": menu,
        "paper.other_count": other_count,
        "paper.differ": differ,
    }
)
