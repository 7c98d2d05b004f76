"""改ざん防止用紙 in her hands: the count with the arithmetic done, sheets that come in, sheets that are gone, and differences.

`about` is the paper, and where a number was typed already `/` and the number: `controlled/A-000401`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import PaperShown
from bus_agent.tui.desk import DeskWord, back, page, paper_name, picks, sheets
from bus_agent.tui.names import EMPTY
from bus_agent.tui.scene import Choice, Context, Facts, MakeScene, Mark, Open, Pad, Part, Scene, Tell, Text, Tone
from cityhall_base.clock import business_day
from cityhall_base.words import Word
from cityhall_wire.errors import SerialError
from cityhall_wire.sheets import NUMBER_LENGTH, UNREADABLE, between, serial


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
    FIRST = ("desk.paper.first", "What number is on the first sheet?")
    LAST = ("desk.paper.last", "What number is on the last sheet?")
    NUMBER = ("desk.paper.number", "Number")
    FULL = ("desk.paper.full", "That is")
    NAMELESS = ("desk.paper.nameless", "Nobody knows its number")
    FROM = ("desk.paper.from", "First")
    TO = ("desk.paper.to", "Last")
    TAKEN = ("desk.paper.taken", "Received")
    WHICH_LOST = ("desk.paper.which_lost", "Which sheet is lost? Put ? where nobody knows the number.")
    WHY_LOST = ("desk.paper.why_lost", "Why is it lost: {detail}?")
    LOST_SURE = ("desk.paper.lost_sure", "{detail} is written down as lost.")


class LostWord(Word):
    """Why sheets are lost. The last part is the reason that the ledger gets."""

    NOT_FOUND = ("desk.lost.not_found", "cannot be found")
    WIND = ("desk.lost.wind", "blown away")
    WET = ("desk.lost.wet", "wet")
    TORN = ("desk.lost.torn", "torn")
    TAKEN_ALONG = ("desk.lost.taken_along", "somebody took it along")
    OTHER = ("desk.lost.other", "something else")


_LETTERS: Final = "A-"
"""Where no sheet of this paper is known yet."""

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
    paper = _paper(context)
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
    paper = _paper(context)
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
    paper = _paper(context)
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


# --- numbers ---


def receive(context: Context) -> Scene:
    """受入: the number on the first sheet."""
    return _typing(context, PaperWord.FIRST, "paper.receive_last", "", ())


def receive_last(context: Context) -> Scene:
    """受入: the number on the last sheet, and how many that makes."""
    paper, first = _paper(context), context.about.partition("/")[2]
    last = completed(paper, context.entered.get("number", ""))
    rows = [(context.say(PaperWord.FROM), first)]
    try:
        rows += [(context.say(PaperWord.TO), last), (context.say(PaperWord.SHEETS), str(between(first, last).sheets))]
        act = Tell("/v1/sheets/receive", {"paper": paper.paper if paper else "", "first": first, "last": last}, "lists")
    except SerialError:
        act = None
    taken = Choice(context.say(PaperWord.TAKEN), act)
    return Scene(
        sentence=context.say(PaperWord.LAST),
        body=(Facts(rows=tuple(rows)), _pad(context, paper, "")),
        choices=(taken, back(context, "paper.receive", paper.paper if paper else "")),
    )


def lost(context: Context) -> Scene:
    """亡失: one of those that the count missed, or a number that she types."""
    paper = _paper(context)
    missing = [Mark(row, row) for one in (paper.differences if paper else ()) for row in one.numbers]
    if paper is None or not missing:
        return _typing(context, PaperWord.WHICH_LOST, "paper.lost_why", UNREADABLE, (UNREADABLE,))
    missing += [Mark(UNREADABLE, context.say(PaperWord.NAMELESS))]
    shown = page(context, "paper.lost", "number", missing)
    following = Choice(context.say(DeskWord.NEXT), shown.act(Open("paper.lost_why", f"{paper.paper}/{shown.picked}")))
    choices = (following, *shown.more, back(context, "paper", paper.paper))
    return Scene(sentence=context.say(PaperWord.WHICH_LOST), body=(shown.pick,), choices=choices)


def lost_why(context: Context) -> Scene:
    """亡失: the reason."""
    name, _, number = context.about.partition("/")
    shown = picks(context, "why", tuple(LostWord))
    body = {"paper": name, "sheets": [number], "why": shown.picked}
    sure = context.say(PaperWord.LOST_SURE, number)
    record = Choice(context.say(PaperWord.RECORD), shown.act(Tell("/v1/sheets/lost", body, "lists")), sure)
    sentence = context.say(PaperWord.WHY_LOST, number)
    return Scene(sentence=sentence, body=(shown.pick,), choices=(record, back(context, "paper.lost", name)))


def _typing(context: Context, asks: PaperWord, then: str, letters: str, also: tuple[str, ...]) -> Scene:
    paper = _paper(context)
    if paper is None:
        return count(context)
    number = completed(paper, context.entered.get("number", ""))
    act = Open(then, f"{paper.paper}/{number}") if number in also or _is_number(number) else None
    return Scene(
        sentence=context.say(asks),
        body=(Facts(rows=((context.say(PaperWord.FULL), number),)) if number else EMPTY, _pad(context, paper, letters)),
        choices=(Choice(context.say(DeskWord.NEXT), act), back(context, "paper", paper.paper)),
    )


def _pad(context: Context, paper: PaperShown | None, letters: str) -> Pad:
    known = _known(paper)
    prefix = "".join(dict.fromkeys(serial(known).prefix)) if known else _LETTERS
    return Pad(name="number", label=context.say(PaperWord.NUMBER), most=NUMBER_LENGTH, letters=(prefix + letters)[:9])


def completed(paper: PaperShown | None, typed: str) -> str:
    """Digits alone stand for a number like those in the drawer: 451 is A-000451 there."""
    known = serial(_known(paper)) if _known(paper) else None
    short = known is not None and typed.isascii() and typed.isdigit() and len(typed) <= known.width
    return str(known.at(int(typed), int(typed))) if known and short else typed


def _known(paper: PaperShown | None) -> str:
    """A number of this paper, where there is one."""
    numbers = [] if paper is None else [paper.next, *(row.partition("..")[0] for row in paper.rows[:1])]
    return next((one for one in numbers if _is_number(one)), "")


def _is_number(text: str) -> bool:
    try:
        serial(text)
    except SerialError:
        return False
    return True


def _paper(context: Context) -> PaperShown | None:
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
        "paper.receive": receive,
        "paper.receive_last": receive_last,
        "paper.lost": lost,
        "paper.lost_why": lost_why,
    }
)
