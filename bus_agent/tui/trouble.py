"""F10 困ったとき: what is pressing now first, then the whole book."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import Level
from bus_agent.tui.desk import DeskWord, back, page
from bus_agent.tui.guides import GUIDES, HELPS
from bus_agent.tui.scene import Choice, Context, MakeScene, Mark, Open, Scene, Tone
from cityhall_base.words import Word


class TroubleWord(Word):
    """What she reads and presses."""

    WHICH = ("guide.which", "What is the trouble?")
    HELP = ("guide.help", "Show what to do")


_LOOK: Final = frozenset({Level.WEAK, Level.BAD})


def pressing(context: Context) -> tuple[str, ...]:
    """Guides that help with what is wrong now, the most pressing first."""
    return tuple(dict.fromkeys(name for name in _pressing(context) if name in GUIDES))


def _pressing(context: Context) -> Iterator[str]:
    seen = context.seen
    yield HELPS.get(seen.advice.key, "")
    if seen.locked:
        yield "locked"
    for note in seen.printer_shown.notes:
        yield HELPS.get(note.key, "")
    for light in seen.lights:
        if light.level in _LOOK:
            yield light.guide


def trouble(context: Context) -> Scene:
    """The menu. Where something is wrong already F1 opens its guide."""
    now = pressing(context)
    names = dict.fromkeys((*now, *GUIDES))
    shown = page(context, "trouble", "guide", [Mark(name, context.say(GUIDES[name].title)) for name in names])
    name = shown.picked or next(iter(now), "")
    act = Open("guide", name) if name else None
    helps = HELPS.get(context.seen.advice.key) in now
    return Scene(
        sentence=context.said(context.seen.advice) if helps else context.say(TroubleWord.WHICH),
        body=(shown.pick,),
        choices=(
            Choice(context.say(DeskWord.OPEN if shown.picked else TroubleWord.HELP), act),
            *shown.more,
            back(context),
        ),
        tone=Tone.LOOK if helps else Tone.PLAIN,
    )


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"trouble": trouble})
