"""What the scenes behind F9 to F12 share: pages of nine, the way back, names of the city, and what `about` says.

`about` of these scenes is what the scene is about and, where there are more pages than one, `#` and the page.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import set_cell_size

from bus_agent.books_text import BooksLabel
from bus_agent.status_text import StatusWord
from bus_agent.tui.scene import Act, Back, Choice, Context, Mark, Open, Pick
from bus_agent.tui.words import TuiWord
from cityhall_base.clock import jst
from cityhall_base.words import Language, Word

MOST_PICKS: Final = 9
"""One for each digit."""

LABEL_CELLS: Final = 28
"""What a pick's label may take at 80 columns, in two columns."""

_PAGE: Final = "#"


class DeskWord(Word):
    """What stands on many of them."""

    MORE = ("desk.more", "More")
    NEXT = ("desk.next", "Next")
    OPEN = ("desk.open", "Open")


class About(NamedTuple):
    """What a scene is about, and its page, from 0."""

    thing: str
    page: int

    def __str__(self) -> str:
        return f"{self.thing}{_PAGE}{self.page}" if self.page else self.thing


def about(context: Context) -> About:
    """Of the running scene."""
    thing, sign, page = context.about.rpartition(_PAGE)
    if sign and page.isascii() and page.isdigit():
        return About(thing, int(page[:4]))
    return About(context.about, 0)


def back(context: Context, scene: str = "", thing: str = "") -> Choice:
    """F3 of every scene here: one step back, or to the stage of the moment."""
    return Choice(context.say(TuiWord.BACK), Open(scene, thing) if scene else Back())


class Page(NamedTuple):
    """Nine of many, the one that is picked, and the key for the next nine where there are more."""

    pick: Pick
    picked: str
    more: tuple[Choice, ...]

    def act(self, act: Act) -> Act | None:
        """`act` as soon as something is picked."""
        return act if self.picked else None


def page(context: Context, scene: str, name: str, items: Sequence[Mark]) -> Page:
    """The page that `about` names; after the last comes the first."""
    thing, number = about(context)
    pages = max(1, -(-len(items) // MOST_PICKS))
    number %= pages
    shown = tuple(one._replace(label=clip(one.label)) for one in items[number * MOST_PICKS : (number + 1) * MOST_PICKS])
    more = Choice(context.say(DeskWord.MORE), Open(scene, str(About(thing, (number + 1) % pages))))
    entered = context.entered.get(name, "")
    picked = entered if any(entered == one.id for one in shown) else ""
    return Page(Pick(name=name, items=shown), picked, (more,) if pages > 1 else ())


def picks(context: Context, name: str, words: Sequence[Word]) -> Page:
    """One of at most nine words; a word's id is what follows its last dot."""
    return page(context, "", name, [Mark(one.rpartition(".")[2], context.say(one)) for one in words])


def clip(text: str, cells: int = LABEL_CELLS) -> str:
    """What the city called something, as far as it fits."""
    return set_cell_size(text, cells).rstrip() if len(text) > cells // 2 else text


def join(context: Context, *sentences: str) -> str:
    """Sentences one after the other, as the language sets them."""
    return ("" if context.language is Language.JAPANESE else " ").join(filter(None, sentences))


def paper_name(context: Context, paper: str) -> str:
    """As people say it."""
    return next((one.name for one in context.city.papers if one.paper == paper), paper)


def hhmm(utc_ms: int) -> str:
    """A moment on the city's clocks."""
    return jst(utc_ms).strftime("%H:%M")


def until(utc_ms: int) -> str:
    """Where something ends: midnight is 24:00 of the day that it ends."""
    return hhmm(utc_ms).replace("00:00", "24:00")


def minute(of_day: int) -> str:
    """A minute of the day on the city's clocks: 630 is 10:30."""
    return f"{of_day // 60:02}:{of_day % 60:02}"


def amount(context: Context, yen: int) -> str:
    """1,200円."""
    return context.say(BooksLabel.YEN, f"{yen:,}")


def sheets(context: Context, count: int) -> str:
    """38枚."""
    return context.say(StatusWord.SHEETS, str(count))
