"""The trouble book: what to do, step by step beside a picture, and the one button that does something where there is one.

A guide is data: `GUIDES`. What the agent, the printer and the lights say leads into it by `HELPS`.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from bus_agent.shown import SectionShown
from bus_agent.tui import pictures
from bus_agent.tui.desk import back
from bus_agent.tui.guide_words import GuideWord as G
from bus_agent.tui.names import EMPTY, section_name
from bus_agent.tui.scene import Back, Choice, Context, MakeScene, Open, Part, Says, Scene, Steps, Text, Tone
from bus_agent.tui.visit import VisitWord
from cityhall_base.printer_state import PrinterWord as P
from cityhall_base.words import Word
from cityhall_wire.lifecycle import JobState


class BookWord(Word):
    """What she presses in it."""

    DONE = ("guide.done", "Done")
    UNDERSTOOD = ("guide.understood", "Understood")
    MARK_SHEETS = ("guide.mark_sheets", "Report the sheets")
    COUNT = ("guide.count", "Count the sheets")
    SEE_DIFFERENCE = ("guide.see_difference", "See the difference")
    RECEIVE = ("guide.receive", "Receive sheets")
    TECHNICIAN = ("guide.to_technician", "It does not help")
    UNKNOWN = ("guide.unknown", "There is no guide for this; call the technician.")


class Guide(NamedTuple):
    """One page of the book."""

    title: G
    sentence: Word
    picture: tuple[str, ...]
    steps: tuple[G, ...]


_WORDS: Final = {str(word): word for word in G}


def _guide(title: G, picture: tuple[str, ...], sentence: Word | None = None) -> Guide:
    said = sentence or _WORDS[f"{title}.say"]
    return Guide(title, said, picture, tuple(word for word in G if _is_step(word, title)))


def _is_step(word: G, title: G) -> bool:
    before, _, number = word.rpartition(".")
    return before == title and number.isdigit()


GUIDES: Final[Mapping[str, Guide]] = MappingProxyType(
    {
        "refill": _guide(G.REFILL, pictures.TRAY, P.PAPER_OUT),
        "jam": _guide(G.JAM, pictures.COVER, P.JAM),
        "other_paper": _guide(G.OTHER_PAPER, pictures.TRAY, P.PAPER_NEEDED),
        "wrong_paper": _guide(G.WRONG_PAPER, pictures.TRAY),
        "cover": _guide(G.COVER, pictures.COVER, P.COVER_OPEN),
        "toner": _guide(G.TONER, pictures.TONER, P.TONER_OUT),
        "waste": _guide(G.WASTE, pictures.WASTE, P.WASTE_FULL),
        "output_full": _guide(G.OUTPUT_FULL, pictures.OUTPUT, P.OUTPUT_FULL),
        "printer_off": _guide(G.PRINTER_OFF, pictures.SWITCH, P.UNKNOWN),
        "printer_look": _guide(G.PRINTER_LOOK, pictures.PANEL, P.LOOK_AT_PANEL),
        "switch_off": _guide(G.SWITCH_OFF, pictures.SWITCH),
        "no_line": _guide(G.NO_LINE, pictures.LINE),
        "hall_silent": _guide(G.HALL_SILENT, pictures.TELEPHONE),
        "battery": _guide(G.BATTERY, pictures.BATTERY),
        "count_sheets": _guide(G.COUNT_SHEETS, pictures.SHEETS),
        "sheets_differ": _guide(G.SHEETS_DIFFER, pictures.EMPTY_PLACE),
        "receive_sheets": _guide(G.RECEIVE_SHEETS, pictures.SHEETS),
        "technician": _guide(G.TECHNICIAN, pictures.TELEPHONE),
        "locked": _guide(G.LOCKED, pictures.LOCK),
    }
)
"""In the order of the book: what happens often first."""

HELPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        P.PAPER_OUT: "refill",
        P.PAPER_LOW: "refill",
        P.TRAY_MISSING: "refill",
        P.PAPER_NEEDED: "other_paper",
        P.JAM: "jam",
        P.COVER_OPEN: "cover",
        P.OUTPUT_FULL: "output_full",
        P.OUTPUT_ALMOST_FULL: "output_full",
        P.OUTPUT_MISSING: "output_full",
        P.TONER_OUT: "toner",
        P.TONER_LOW: "toner",
        P.WASTE_FULL: "waste",
        P.WASTE_ALMOST_FULL: "waste",
        P.PAUSED: "printer_look",
        P.OFFLINE: "printer_look",
        P.SWITCHED_OFF: "printer_off",
        P.LOOK_AT_PANEL: "printer_look",
        P.STOPPED: "printer_look",
        P.TELL_TECHNICIAN: "technician",
        P.UNKNOWN: "printer_off",
        # bus_agent/agent/advice.py
        "do.refill": "refill",
        "do.other_paper": "other_paper",
        "do.clear_jam": "jam",
        "do.switch_off": "switch_off",
        "do.wait_for_answer": "hall_silent",
        # why a document may not be printed now (bus_agent/errors.py, book_errors.py)
        "refused.wrong_paper": "wrong_paper",
        "refused.sheets_differ": "sheets_differ",
        "refused.no_sheets": "receive_sheets",
        "refused.no_lease": "no_line",
        "refused.spooler_gone": "technician",
        # the line
        "link.down": "no_line",
        "link.dead_zone": "no_line",
        "link.connecting": "no_line",
        "link.answer": "technician",
        "link.city_hall_fault": "hall_silent",
        "link.certificate": "technician",
        "link.rejected": "technician",
    }
)
"""Key of the catalogue → guide."""

_FEEDS: Final = frozenset({"refill", "other_paper", "wrong_paper", "jam", "cover", "output_full", "toner", "waste"})
"""What may make a printer go on."""

_STAYS_EMPTY: Final = frozenset({"do.switch_off", "do.leave_printer"})
"""While the agent says so nothing may bring a sheet out (invariant I10)."""

_MAY_HAVE_SHEETS: Final = frozenset({JobState.RELEASING, JobState.PRINTING, JobState.UNCERTAIN, JobState.PRINTED})


def guide(context: Context) -> Scene:
    """One page of the book. Its way back leads to the menu."""
    name, pressing = context.about, _hands_off(context)
    if name in _FEEDS and pressing:
        if pressing.key not in HELPS:
            return Scene(sentence=context.said(pressing), choices=(back(context, "trouble"),), tone=Tone.RISK)
        name = HELPS[pressing.key]
    found = GUIDES.get(name)
    if found is None:
        return Scene(sentence=context.say(BookWord.UNKNOWN), choices=(back(context, "trouble"),))
    steps = Steps(steps=tuple(map(context.say, found.steps)), picture=found.picture)
    further = Choice(context.say(BookWord.TECHNICIAN), Open("guide", "technician"))
    return Scene(
        sentence=context.say(found.sentence),
        body=(steps, *_number(context, name)),
        choices=(
            _button(context, name),
            *((further,) if name not in ("technician", "locked") else ()),
            back(context, "trouble"),
        ),
        tone=Tone.RISK if name == "switch_off" else Tone.PLAIN,
    )


def _hands_off(context: Context) -> Says | None:
    """What the agent says of a printer that must stay as it is; it may have something else to say first."""
    said: tuple[Says, ...] = (context.seen.advice, *(light.said for light in context.seen.lights))
    return next((one for one in said if one.key in _STAYS_EMPTY), None)


def _number(context: Context, name: str) -> Iterator[Part]:
    for one in _sections(context) if name in ("technician", "locked", "no_line") else ():
        yield EMPTY
        yield Text(text=f"{section_name(context, one.section)}  {one.phone}", big=True)


def _sections(context: Context) -> list[SectionShown]:
    """Whom to telephone: the section of the visit, else the first of the city; none until the city is known."""
    asked = {one.section for one in (context.seen.session, context.seen.call, context.seen.visit) if one}
    return sorted(context.city.sections, key=lambda one: one.section not in asked)[:1]


def _button(context: Context, name: str) -> Choice:
    word, act = _BUTTONS.get(name, _done)(context)
    return Choice(context.say(word), act)


_Act = tuple[Word, Open | Back]


def _done(_context: Context) -> _Act:
    return BookWord.DONE, Back()


def _sheets_out(context: Context) -> _Act:
    """What came out is reported for the document that the agent speaks of, else for one that may have sheets out."""
    jobs = [job.job for job in context.seen.jobs if job.state in _MAY_HAVE_SHEETS]
    job = next((job for job in (context.seen.advice.job, *jobs) if job in jobs), "")
    return (BookWord.MARK_SHEETS, Open("visit.outcome", job)) if job else _done(context)


def _telephone(context: Context) -> _Act:
    return next(((VisitWord.NUMBER, Open("visit.phone", one.section)) for one in _sections(context)), _done(context))


def _understood(_context: Context) -> _Act:
    return BookWord.UNDERSTOOD, Back()


_BUTTONS: Final[Mapping[str, Callable[[Context], _Act]]] = MappingProxyType(
    {
        **dict.fromkeys(("no_line", "battery", "technician", "locked"), _understood),
        "jam": _sheets_out,
        "switch_off": _sheets_out,
        "hall_silent": _telephone,
        "count_sheets": lambda _: (BookWord.COUNT, Open("paper.count")),
        "sheets_differ": lambda _: (BookWord.SEE_DIFFERENCE, Open("paper.differ")),
        "receive_sheets": lambda _: (BookWord.RECEIVE, Open("paper.receive")),
    }
)

SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"guide": guide})
