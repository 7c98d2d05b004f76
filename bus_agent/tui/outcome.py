"""What became of the sheets: handed over, unusable, or nothing came out. Slow where paper would be lost."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bus_agent.shown import JobShown
from bus_agent.tui.names import EMPTY, drawer, job_of, next_numbers, numbers_from, service_name, visit
from bus_agent.tui.scene import (
    Aside,
    Choice,
    Context,
    Facts,
    MakeScene,
    Mark,
    Marks,
    Open,
    Pad,
    Part,
    Scene,
    Tell,
    Text,
    Tone,
)
from bus_agent.tui.visit import VisitWord
from bus_agent.tui.words import TuiWord
from cityhall_base.printer_state import PrinterWord
from cityhall_base.reasons import Reason
from cityhall_base.words import Word
from cityhall_wire.lifecycle import JobState
from cityhall_wire.sheets import UNREADABLE

_MOST_MARKS: Final = 9
_NUMBER_CELLS: Final = 12
_WHY: Final = {PrinterWord.JAM: Reason.JAM.bare, PrinterWord.TONER_OUT: Reason.TONER.bare}


class OutcomeWord(Word):
    """What is said of sheets."""

    NUMBERS = ("tui.outcome.numbers", "Numbers")
    HANDED_OVER = ("tui.outcome.handed_over", "Handed over")
    UNUSABLE = ("tui.outcome.unusable", "Unusable sheets")
    NOTHING = ("tui.outcome.nothing", "Nothing came out")
    NOTHING_SURE = ("tui.outcome.nothing_sure", "Not one sheet came out? Look into the printer and the tray once more.")
    OTHER_NUMBER = ("tui.outcome.other_number", "The sheets have another number")
    WHICH = ("tui.outcome.which", "Mark every sheet that came out.")
    ALL_SPOILED = (
        "tui.outcome.all_spoiled",
        "These sheets cannot be used. They are reported to the section as spoiled.",
    )
    SHEET = ("tui.outcome.sheet", "sheet {detail}")
    HOW_MANY = ("tui.outcome.how_many", "How many sheets came out?")
    COUNT = ("tui.outcome.count", "Sheets")
    REPORT = ("tui.outcome.report", "Report it")
    REPORT_SURE = ("tui.outcome.report_sure", "{detail} sheet(s) are reported as spoiled. This cannot be taken back.")
    FIRST_NUMBER = ("tui.outcome.first_number", "Type the number of the first sheet.")
    UNREADABLE = ("tui.outcome.unreadable", "Press ? where it cannot be read.")
    NUMBER = ("tui.outcome.number", "Number")


def outcome(context: Context) -> Scene:
    """It came out, or nobody knows: she looks."""
    job = job_of(context, context.about)
    advice = context.seen.advice
    mine = advice.job == job.job
    sentence = context.said(advice) if mine else context.say(TuiWord.LOOK_AT_SHEETS)
    numbers = next_numbers(context, job)
    rows = [(context.say(VisitWord.SERVICE), f"{service_name(context, job.service)}  {job.check_word}")]
    rows += [(context.say(OutcomeWord.NUMBERS), _range(numbers))] if numbers else []
    other = (EMPTY, Aside(label=context.say(OutcomeWord.OTHER_NUMBER), act=Open("visit.number", f"{job.job}:give:0")))
    note = Text(text=context.say(VisitWord.JOINT_SEAL), tone=Tone.LOOK)
    body = (
        visit(context, job),
        EMPTY,
        Facts(rows=tuple(rows)),
        *([note] if job.joint_seal else []),
        *(other if numbers else ()),
    )
    path, doubt = f"/v1/jobs/{job.job}", job.state == JobState.UNCERTAIN
    nothing = Tell(f"{path}/nothing-came-out")
    choices = (
        Choice(context.say(OutcomeWord.HANDED_OVER), Tell(f"{path}/hand-over")),
        Choice(context.say(OutcomeWord.UNUSABLE), Open("visit.spoiled", job.job)),
        *([Choice(context.say(OutcomeWord.NOTHING), nothing, context.say(OutcomeWord.NOTHING_SURE))] if doubt else []),
    )
    return Scene(sentence=sentence, body=body, choices=choices, tone=Tone.LOOK if doubt else Tone.PLAIN)


def spoiled(context: Context) -> Scene:
    """Which sheets came out: all of a document that is printed; of a doubtful one those that she marks."""
    job = job_of(context, context.about)
    numbers = next_numbers(context, job)
    asked, count = _came_out(context, job, numbers)
    told = Choice(
        context.say(OutcomeWord.REPORT),
        _spoiled(context, job, _picked(context, numbers, count), count) if count else None,
        context.say(OutcomeWord.REPORT_SURE, str(count)),
    )
    back = Choice(context.say(TuiWord.BACK), Open("visit.outcome", job.job))
    other = Open("visit.number", f"{job.job}:spoil:{count}") if count else None
    more = [Choice(context.say(OutcomeWord.OTHER_NUMBER), other)] if drawer(context, job) else []
    word = (
        OutcomeWord.ALL_SPOILED
        if not asked
        else OutcomeWord.HOW_MANY
        if isinstance(asked[0], Pad)
        else OutcomeWord.WHICH
    )
    facts = (Facts(rows=((context.say(OutcomeWord.NUMBERS), _range(numbers)),)),) if numbers and not asked else ()
    return Scene(sentence=context.say(word), body=(*facts, *asked), choices=(told, *more, back), tone=Tone.LOOK)


def number(context: Context) -> Scene:
    """Another number than the drawer's next. `about` is the document, what became of it, and how many sheets came out."""
    name, what, counted = context.about.split(":")
    job = job_of(context, name)
    count = int(counted) or job.sheets
    typed = context.entered.get("number", "")
    prefix = "".join(dict.fromkeys(sign for sign in "".join(next_numbers(context, job)) if not sign.isdigit()))
    pad = Pad(
        name="number",
        label=context.say(OutcomeWord.NUMBER),
        most=_NUMBER_CELLS,
        letters=prefix[:3] + UNREADABLE,
    )
    numbers = numbers_from(typed, count) if typed else ()
    if what == "give":
        act: Tell | None = Tell(f"/v1/jobs/{name}/hand-over", {"sheets": numbers}) if numbers else None
        told = Choice(context.say(OutcomeWord.HANDED_OVER), act)
    else:
        sure = context.say(OutcomeWord.REPORT_SURE, str(count))
        told = Choice(
            context.say(OutcomeWord.REPORT), _spoiled(context, job, numbers, count) if numbers else None, sure
        )
    back = Choice(context.say(TuiWord.BACK), Open("visit.outcome" if what == "give" else "visit.spoiled", name))
    hint = Text(text=_range(numbers) or context.say(OutcomeWord.UNREADABLE), tone=Tone.CALM)
    return Scene(sentence=context.say(OutcomeWord.FIRST_NUMBER), body=(hint, pad), choices=(told, back))


def _came_out(context: Context, job: JobShown, numbers: tuple[str, ...]) -> tuple[tuple[Part, ...], int]:
    """What is asked, and how many sheets she says came out."""
    if job.state == JobState.PRINTED or job.sheets == 1:
        return (), job.sheets
    if job.sheets > _MOST_MARKS:
        typed = context.entered.get("count", "")
        pad = Pad(name="count", label=context.say(OutcomeWord.COUNT), most=2)
        return (pad,), int(typed) if typed.isdigit() and int(typed) <= job.sheets else 0
    items = [
        Mark(str(place), "  ".join((context.say(OutcomeWord.SHEET, str(place)), *numbers[place - 1 : place])))
        for place in range(1, job.sheets + 1)
    ]
    marked = context.entered.get("sheets", "")
    return (Marks(name="sheets", items=tuple(items)),), len(list(filter(None, marked.split(","))))


def _picked(context: Context, numbers: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The numbers of the sheets that she marked, or of the first so many."""
    marked = [int(one) for one in context.entered.get("sheets", "").split(",") if one]
    if marked and numbers:
        return tuple(numbers[place - 1] for place in marked if place <= len(numbers))
    return numbers[:count]


def _spoiled(context: Context, job: JobShown, numbers: tuple[str, ...], count: int) -> Tell:
    body: dict[str, Any] = {"why": _why(context), "sheets": numbers}
    if count < job.sheets:
        body["came_out"] = count
    return Tell(f"/v1/jobs/{job.job}/spoiled", body)


def _why(context: Context) -> str:
    said = (_WHY.get(note.key) for note in context.seen.printer_shown.notes)  # type: ignore[call-overload]
    return next(filter(None, said), Reason.UNUSABLE.bare)


def _range(numbers: tuple[str, ...]) -> str:
    if len(set(numbers)) < 2:
        return numbers[0] if numbers else ""
    return f"{numbers[0]} - {numbers[-1]}"


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {"visit.outcome": outcome, "visit.spoiled": spoiled, "visit.number": number}
)
