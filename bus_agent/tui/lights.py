"""A light that was touched: one sentence what is wrong and what to do, the one button that does it, and the numbers behind it."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import Level, Light
from bus_agent.status_text import StatusWord
from bus_agent.tui.desk import back, clip, hhmm, paper_name, sheets
from bus_agent.tui.guides import GUIDES
from bus_agent.tui.scene import Choice, Context, Facts, MakeScene, Open, Scene, Tone
from cityhall_base.printer_state import LevelWord, supply
from cityhall_base.words import Word


class LightWord(Word):
    """What stands beside the numbers."""

    NOT_MEASURED = ("desk.light.not_measured", "This is not measured yet.")
    SINCE = ("desk.light.since", "Since")
    LEASE = ("desk.light.lease", "Prints without line")
    SECONDS = ("desk.light.seconds", "{detail} s more")
    HEARD = ("desk.light.heard", "Last heard")
    SECONDS_AGO = ("desk.light.seconds_ago", "{detail} s ago")
    NEXT = ("desk.light.next", "On top")
    HELP = ("desk.light.help", "Show what to do")


_TONES: Final = {
    Level.GOOD: Tone.PLAIN,
    Level.WEAK: Tone.LOOK,
    Level.BAD: Tone.RISK,
    Level.CALM: Tone.CALM,
    Level.UNKNOWN: Tone.CALM,
}
_MOST: Final = 5
Rows = Iterator[tuple[str, str]]


def light(context: Context) -> Scene:
    """The one that `about` names. One that nobody measured says so."""
    shown = next((one for one in context.seen.lights if one.light == context.about), None)
    rows = tuple(_ROWS[Light(context.about)](context)) if context.about in _ROWS else ()
    body = (Facts(rows=rows),) if rows else ()
    if shown is None:
        sentence = context.say(LightWord.NOT_MEASURED)
        return Scene(sentence=sentence, body=body, choices=(back(context),), tone=Tone.CALM)
    helps = (Choice(context.say(LightWord.HELP), Open("guide", shown.guide)),) if shown.guide in GUIDES else ()
    choices = (*helps, back(context))
    return Scene(sentence=context.said(shown.said), body=body, choices=choices, tone=_TONES[shown.level])


def _line(context: Context) -> Rows:
    yield context.say(LightWord.SINCE), hhmm(context.seen.link.since)


def _city_hall(context: Context) -> Rows:
    link = context.seen.link
    state = context.say(StatusWord.LINK_UP) if link.state == "up" else context.said(link)
    yield context.say(StatusWord.LINK), state
    yield context.say(LightWord.LEASE), context.say(LightWord.SECONDS, str(context.seen.lease_left_s))


def _printer(context: Context) -> Rows:
    shown = context.seen.printer_shown
    if shown.told_before_s is not None:
        yield context.say(LightWord.HEARD), context.say(LightWord.SECONDS_AGO, str(shown.told_before_s))
    for one in shown.supplies[:_MOST]:
        word = LevelWord.UNKNOWN if one.level < 0 else LevelWord.PERCENT
        level = context.say(word, str(one.level))
        yield clip(supply(one.type, one.color, one.level, context.language).removesuffix(level)), level
    if shown.impressions is not None:
        yield context.say(StatusWord.COUNTER), str(shown.impressions)


def _paper(context: Context) -> Rows:
    for one in context.seen.books.papers[:_MOST]:
        top = f"  {context.say(LightWord.NEXT)} {one.next}" if one.next else ""
        yield clip(paper_name(context, one.paper)), sheets(context, one.left) + top


def _power(_context: Context) -> Rows:
    yield from ()


_ROWS: Final[Mapping[Light, Callable[[Context], Rows]]] = MappingProxyType(
    {
        Light.POWER: _power,
        Light.LINE: _line,
        Light.CITY_HALL: _city_hall,
        Light.PRINTER: _printer,
        Light.PAPER: _paper,
    }
)

SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"light": light})
