"""F9 きょうの予定: stops, slots, what comes next, how long the duty goes on, and what she says of it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.status_text import StatusWord
from bus_agent.tui.desk import back, hhmm, join, minute, page, until
from bus_agent.tui.names import section_name, stop_name
from bus_agent.tui.now import OPEN_TO_ANYBODY
from bus_agent.tui.scene import Bar, Choice, Context, Facts, MakeScene, Mark, Open, Part, Scene, Tell, Text, Tone
from cityhall_base.clock import jst
from cityhall_base.terms import MODES
from cityhall_base.words import Word
from cityhall_wire.lifecycle import AT_PRINTER
from cityhall_wire.messages.visit import Slot
from cityhall_wire.modes import RULES, DutyMode, Seat

COUNTDOWN_MIN: Final = 60
"""So long before the end of the hours the screen counts them down."""

_ROWS: Final = 6
_STEPS: Final = (15, 30, 45, 60, 90, 120)


class DayWord(Word):
    """Today."""

    AT = ("desk.day.at", "The bus is at {detail}.")
    NOWHERE = ("desk.day.nowhere", "The bus is at no stop.")
    NEXT = ("desk.day.next", "Next: {detail}.")
    NO_MORE = ("desk.day.no_more", "No more bookings today.")
    BOOKING = ("desk.day.booking", "no. {detail}")
    DONE = ("desk.day.done", "done")
    COMES = ("desk.day.comes", "next")
    ENDS_IN = ("desk.day.ends_in", "Duty ends in {detail} min.")
    ARRIVED = ("desk.day.arrived", "We have arrived")
    LEAVE = ("desk.day.leave", "We leave")
    LEAVE_SURE = ("desk.day.leave_sure", "You are connected with a section. Leaving the stop ends that.")
    DUTY = ("desk.day.duty", "Mode, extend")
    WHERE = ("desk.day.where", "At which stop have you arrived?")
    NO_STOPS = ("desk.day.no_stops", "The city has configured no stops.")
    HERE = ("desk.day.here", "We are here")
    MODE_IS = ("desk.day.mode_is", "The duty mode is: {detail}.")
    UNTIL = ("desk.day.until", "Duty ends at {detail}.")
    NO_HOURS = ("desk.day.no_hours", "There are no hours of duty today.")
    ASKED = ("desk.day.asked", "You asked for {detail} min more; wait until a clerk grants it.")
    CHANGE = ("desk.day.change", "Change the mode")
    EXTEND = ("desk.day.extend", "Extend")
    WHICH_MODE = ("desk.day.which_mode", "Choose the duty mode.")
    THIS_MODE = ("desk.day.this_mode", "This mode")
    MODE_SURE = ("desk.day.mode_sure", "This ends the mode {detail}: its keys are destroyed, and its session ends.")
    PRINTING_SURE = ("desk.day.printing_sure", "A document is at the printer. It is stopped and this mode ends.")
    SIGN_IN = ("desk.day.sign_in", "Sign in first")
    HOW_LONG = ("desk.day.how_long", "How much longer? A clerk has to grant it.")
    NOT_LONGER = ("desk.day.not_longer", "In this city a day cannot be extended.")
    MINUTES = ("desk.day.minutes", "{detail} min")
    ASK = ("desk.day.ask", "Ask city hall")


def day(context: Context) -> Scene:
    """The day at a glance."""
    today = context.seen.day
    place = context.say(DayWord.AT, stop_name(context, today.stop)) if today.stop else context.say(DayWord.NOWHERE)
    coming = _coming(context)
    then = DayWord.NEXT.say(context.language, _slot(context, coming[0])) if coming else context.say(DayWord.NO_MORE)
    moves = _leave(context) if today.stop else Choice(context.say(DayWord.ARRIVED), Open("day.arrive"))
    return Scene(
        sentence=join(context, place, then),
        body=(*_countdown(context), Facts(rows=tuple(_rows(context, coming)))),
        choices=(moves, Choice(context.say(DayWord.DUTY), Open("day.duty")), back(context)),
    )


def arrive(context: Context) -> Scene:
    """Where: the stop of the next slot first."""
    first = [slot.stop for slot in _coming(context)[:1]]
    stops = sorted(context.city.stops, key=lambda one: one.stop not in first)
    shown = page(context, "day.arrive", "stop", [Mark(one.stop, one.name) for one in stops])
    here = Choice(context.say(DayWord.HERE), shown.act(Tell("/v1/arrive", {"stop": shown.picked})))
    return Scene(
        sentence=context.say(DayWord.WHERE if stops else DayWord.NO_STOPS),
        body=(shown.pick,),
        choices=(here, *shown.more, back(context, "day")) if stops else (back(context, "day"),),
    )


def duty(context: Context) -> Scene:
    """Which mode, until when, and what can be done about both."""
    hours, asked = context.seen.duty.hours, context.seen.duty.asked_min
    end = DayWord.UNTIL.say(context.language, until(hours[1])) if hours else context.say(DayWord.NO_HOURS)
    said = (Text(text=context.say(DayWord.ASKED, str(asked)), tone=Tone.LOOK),) if asked else ()
    extend_it = (Choice(context.say(DayWord.EXTEND), Open("day.extend")),) if hours else ()
    return Scene(
        sentence=join(context, context.say(DayWord.MODE_IS, context.say(MODES[context.seen.mode])), end),
        body=(*_countdown(context), *said),
        choices=(Choice(context.say(DayWord.CHANGE), Open("day.mode")), *extend_it, back(context, "day")),
    )


def mode(context: Context) -> Scene:
    """Every other mode. One in which something could be open is not left by a slip of the finger."""
    others = [Mark(one, context.say(MODES[one])) for one in DutyMode if one is not context.seen.mode]
    shown = page(context, "day.mode", "mode", others)
    away = back(context) if context.seen.mode is DutyMode.ROUTE_BUS else back(context, "day.duty")
    change = Choice(context.say(DayWord.THIS_MODE), None)
    if shown.picked:
        change = _change(context, DutyMode(shown.picked))
    return Scene(sentence=context.say(DayWord.WHICH_MODE), body=(shown.pick,), choices=(change, away))


def _change(context: Context, to: DutyMode) -> Choice:
    one = context.seen.signed_in
    if one.wanted and not one.who and to not in OPEN_TO_ANYBODY:
        return Choice(context.say(DayWord.SIGN_IN), Open("sign_in"))
    return Choice(context.say(DayWord.THIS_MODE), Tell("/v1/mode", {"mode": to}), _sure(context, to))


def extend(context: Context) -> Scene:
    """By how much, as far as the city allows it."""
    most = context.city.extension_min
    minutes = [step for step in _STEPS if step < most] + ([most] if most else [])
    items = [Mark(str(one), context.say(DayWord.MINUTES, str(one))) for one in minutes]
    shown = page(context, "day.extend", "minutes", items)
    act = shown.act(Tell("/v1/duty/extend", {"minutes": int(shown.picked or 0)}, "day.duty"))
    asking = (Choice(context.say(DayWord.ASK), act),) if most else ()
    return Scene(
        sentence=context.say(DayWord.HOW_LONG if most else DayWord.NOT_LONGER),
        body=(shown.pick,) if most else (),
        choices=(*asking, back(context, "day.duty")),
    )


def _coming(context: Context) -> list[Slot]:
    clock = jst(context.seen.at)
    now, today = clock.hour * 60 + clock.minute, context.seen.day
    return [slot for slot in today.slots if slot.slot not in today.done and slot.end > now]


def _slot(context: Context, slot: Slot) -> str:
    booking = context.say(DayWord.BOOKING, str(slot.slot))
    where = "" if slot.stop == context.seen.day.stop else stop_name(context, slot.stop)
    return "  ".join(filter(None, (minute(slot.start), booking, section_name(context, slot.section), where)))


def _rows(context: Context, coming: list[Slot]) -> Iterator[tuple[str, str]]:
    today = context.seen.day
    at = today.slots.index(coming[0]) if coming else len(today.slots)
    first = max(0, min(at - 1, len(today.slots) - _ROWS))
    for number, slot in enumerate(today.slots[first : first + _ROWS], first):
        sign = DayWord.DONE if slot.slot in today.done else DayWord.COMES if number == at else None
        about = (context.say(DayWord.BOOKING, str(slot.slot)), section_name(context, slot.section))
        where = stop_name(context, slot.stop)
        said = "  ".join((*about, where, *((f"[{context.say(sign)}]",) if sign else ())))
        yield f"{minute(slot.start)}-{minute(slot.end)}", said
    if hours := context.seen.duty.hours:
        yield context.say(StatusWord.HOURS), f"{hhmm(hours[0])}-{until(hours[1])}"


def _countdown(context: Context) -> Iterator[Part]:
    held = context.seen.duty
    if held.hours and held.within_hours:
        left = -(-(held.hours[1] - context.seen.at) // 60_000)
        if 0 < left <= COUNTDOWN_MIN:
            yield Bar(done=1 - left / COUNTDOWN_MIN, label=context.say(DayWord.ENDS_IN, str(left)))


def _leave(context: Context) -> Choice:
    printing = any(job.state in AT_PRINTER for job in context.seen.jobs)
    word = DayWord.PRINTING_SURE if printing else DayWord.LEAVE_SURE if context.seen.session else None
    sure = context.say(word) if word else ""
    return Choice(context.say(DayWord.LEAVE), Tell("/v1/leave", None, "day"), sure)


def _sure(context: Context, to: DutyMode) -> str:
    rule = RULES[context.seen.mode]
    if rule.seat is not Seat.NONE and rule.seat is RULES[to].seat:
        return ""  # the session, and what prints in it, goes on
    if any(job.state in AT_PRINTER for job in context.seen.jobs):
        return context.say(DayWord.PRINTING_SURE)
    open_here = rule.prints or rule.seat is not Seat.NONE
    return context.say(DayWord.MODE_SURE, context.say(MODES[context.seen.mode])) if open_here else ""


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {"day": day, "day.arrive": arrive, "day.duty": duty, "day.mode": mode, "day.extend": extend}
)
