"""Numbers of controlled paper: sheets that come in (受入), and sheets that are gone (亡失).

`about` is the paper, and where a number was typed already `/` and the number: `controlled/A-000401`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import PaperShown
from bus_agent.tui.desk import DeskWord, back, page, picks
from bus_agent.tui.names import EMPTY
from bus_agent.tui.paper import PaperWord, count, paper_of
from bus_agent.tui.scene import Choice, Context, Facts, MakeScene, Mark, Open, Pad, Scene, Tell
from cityhall_base.words import Word
from cityhall_wire.errors import SerialError
from cityhall_wire.sheets import NUMBER_LENGTH, UNREADABLE, between, serial


class SheetWord(Word):
    """What she reads and presses."""

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

_MISSING: Final = "books.missing"
"""Of differences the one that a loss explains (bus_agent/agent/books.py)."""


def receive(context: Context) -> Scene:
    """受入: the number on the first sheet."""
    return _typing(context, SheetWord.FIRST, "paper.receive_last", "", ())


def receive_last(context: Context) -> Scene:
    """受入: the number on the last sheet, and how many that makes."""
    paper, first = paper_of(context), context.about.partition("/")[2]
    last = completed(paper, context.entered.get("number", ""))
    rows = [(context.say(SheetWord.FROM), first)]
    try:
        rows += [(context.say(SheetWord.TO), last), (context.say(PaperWord.SHEETS), str(between(first, last).sheets))]
        act = Tell("/v1/sheets/receive", {"paper": paper.paper if paper else "", "first": first, "last": last}, "lists")
    except SerialError:
        act = None
    taken = Choice(context.say(SheetWord.TAKEN), act)
    return Scene(
        sentence=context.say(SheetWord.LAST),
        body=(Facts(rows=tuple(rows)), _pad(context, paper, "")),
        choices=(taken, back(context, "paper.receive", paper.paper if paper else "")),
    )


def lost(context: Context) -> Scene:
    """亡失: one of those that the count missed, or a number that she types."""
    paper = paper_of(context)
    found = [one for one in (paper.differences if paper else ()) if one.key == _MISSING]
    missing = [Mark(row, row) for one in found for row in one.numbers]
    if paper is None or not missing:
        return _typing(context, SheetWord.WHICH_LOST, "paper.lost_why", UNREADABLE, (UNREADABLE,))
    missing += [Mark(UNREADABLE, context.say(SheetWord.NAMELESS))]
    shown = page(context, "paper.lost", "number", missing)
    following = Choice(context.say(DeskWord.NEXT), shown.act(Open("paper.lost_why", f"{paper.paper}/{shown.picked}")))
    choices = (following, *shown.more, back(context, "paper", paper.paper))
    return Scene(sentence=context.say(SheetWord.WHICH_LOST), body=(shown.pick,), choices=choices)


def lost_why(context: Context) -> Scene:
    """亡失: the reason."""
    name, _, number = context.about.partition("/")
    shown = picks(context, "why", tuple(LostWord))
    body = {"paper": name, "sheets": [number], "why": shown.picked}
    sure = context.say(SheetWord.LOST_SURE, number)
    record = Choice(context.say(PaperWord.RECORD), shown.act(Tell("/v1/sheets/lost", body, "lists")), sure)
    sentence = context.say(SheetWord.WHY_LOST, number)
    return Scene(sentence=sentence, body=(shown.pick,), choices=(record, back(context, "paper.lost", name)))


def _typing(context: Context, asks: SheetWord, then: str, letters: str, also: tuple[str, ...]) -> Scene:
    paper = paper_of(context)
    if paper is None:
        return count(context)
    number = completed(paper, context.entered.get("number", ""))
    act = Open(then, f"{paper.paper}/{number}") if number in also or _is_number(number) else None
    return Scene(
        sentence=context.say(asks),
        body=(Facts(rows=((context.say(SheetWord.FULL), number),)) if number else EMPTY, _pad(context, paper, letters)),
        choices=(Choice(context.say(DeskWord.NEXT), act), back(context, "paper", paper.paper)),
    )


def _pad(context: Context, paper: PaperShown | None, letters: str) -> Pad:
    known = _known(paper)
    prefix = "".join(dict.fromkeys(serial(known).prefix)) if known else _LETTERS
    return Pad(name="number", label=context.say(SheetWord.NUMBER), most=NUMBER_LENGTH, letters=(prefix + letters)[:9])


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


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {"paper.receive": receive, "paper.receive_last": receive_last, "paper.lost": lost, "paper.lost_why": lost_why}
)
