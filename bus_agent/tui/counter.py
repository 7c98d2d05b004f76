"""The free counter: whom to call, for which slot. And the quiet scenes, in which there is nothing to press or little."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import SectionShown
from bus_agent.tui.names import EMPTY, section_name, stop_name
from bus_agent.tui.scene import (
    Back,
    Choice,
    Context,
    Facts,
    MakeScene,
    Mark,
    Open,
    Part,
    Pick,
    Scene,
    Tell,
    Text,
    Tone,
)
from bus_agent.tui.words import TuiWord
from cityhall_base.clock import jst
from cityhall_base.terms import MODES
from cityhall_base.words import Word
from cityhall_wire.messages.visit import Slot
from cityhall_wire.modes import RULES

_ON_KEYS: Final = 2
"""Sections with a key of their own; the third key is for the others."""

_DIGITS: Final = 9


class CounterWord(Word):
    """Before a visit, and where there is none."""

    WHICH = ("tui.counter.which", "Which section shall be called?")
    OTHERS = ("tui.counter.others", "Other sections")
    CALL = ("tui.counter.call", "Call")
    SLOT = ("tui.counter.slot", "Booking")
    SLOT_IS = ("tui.counter.slot_is", "no. {detail}")
    WALK_IN = ("tui.counter.walk_in", "Without a booking")
    NO_SLOT = ("tui.counter.no_slot", "no more bookings here today")
    NO_STOP = ("tui.counter.no_stop", "At which stop is the bus? Say first where you have arrived.")
    NO_SECTIONS = ("tui.counter.no_sections", "The sections are not known yet. Please wait.")
    ARRIVED = ("tui.counter.arrived", "We have arrived")
    ON_THE_WAY = ("tui.counter.on_the_way", "On the way.")
    NEXT_STOP = ("tui.counter.next_stop", "Next stop")
    DUTY = ("tui.counter.duty", "Duty mode")
    RESTING = ("tui.counter.resting", "The duty mode is: {detail}. There is nothing to do here.")
    OPENING = ("tui.counter.opening", "Begin the checklist")
    CONSULT = ("tui.counter.consult", "Talk without printing")
    SAY_SHEETS = ("tui.counter.say_sheets", "Say what came out")
    SIGN_IN = ("tui.counter.sign_in", "Sign in")
    DO_SWITCH_OFF = ("tui.counter.switch_off", "The printer may still hold a document. Switch it off.")
    BEGIN = ("tui.counter.begin", "Begin duty")


def counter(context: Context) -> Scene:
    """One key for each section: the slot's first."""
    slot, stop = next_slot(context), _stop(context)
    sections = _in_order(context, slot)
    if not stop:
        arrive = Choice(context.say(CounterWord.ARRIVED), Open("day.arrive"))
        return Scene(sentence=context.say(CounterWord.NO_STOP), choices=(arrive,))
    if not sections:
        return Scene(sentence=context.say(CounterWord.NO_SECTIONS), tone=Tone.CALM)
    number = _slot_number(context, slot)
    keys = [Choice(section_name(context, one.section), _call(one.section, stop, number)) for one in sections]
    if len(keys) > _ON_KEYS + 1:
        keys = [*keys[:_ON_KEYS], Choice(context.say(CounterWord.OTHERS), Open("counter.others", str(number)))]
    return Scene(sentence=context.say(CounterWord.WHICH), body=_slot_lines(context, slot), choices=tuple(keys))


def others(context: Context) -> Scene:
    """The other sections; `about` is the slot's number."""
    slot = next_slot(context)
    number = int(context.about) if context.about.isdigit() else 0
    sections = _in_order(context, slot)[_ON_KEYS:]
    items = tuple(Mark(one.section, section_name(context, one.section)) for one in sections[:_DIGITS])
    picked = context.entered.get("section", "")
    act = _call(picked, _stop(context), number) if any(one.section == picked for one in sections) else None
    choices = (Choice(context.say(CounterWord.CALL), act), Choice(context.say(TuiWord.BACK), Back()))
    return Scene(sentence=context.say(CounterWord.WHICH), body=(Pick(name="section", items=items),), choices=choices)


def next_slot(context: Context) -> Slot | None:
    """The first of this stop that had no visit and is not over; None where this mode has no bookings."""
    if not RULES[context.seen.mode].bookings:
        return None
    return next((one for one in _ahead(context) if one.stop == _stop(context)), None)


def _ahead(context: Context) -> Iterator[Slot]:
    day, now = context.seen.day, jst(context.seen.at)
    return (one for one in day.slots if one.slot not in day.done and one.end > now.hour * 60 + now.minute)


def _slot_number(context: Context, slot: Slot | None) -> int:
    return 0 if slot is None or context.entered.get("slot") == "none" else slot.slot


def _slot_lines(context: Context, slot: Slot | None) -> tuple[Part, ...]:
    if not RULES[context.seen.mode].bookings or not context.seen.day.slots:
        return ()
    if slot is None:
        return (Facts(rows=((context.say(CounterWord.SLOT), context.say(CounterWord.NO_SLOT)),)),)
    times = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (slot.start, slot.end))
    said = (context.say(CounterWord.SLOT_IS, str(slot.slot)), times, section_name(context, slot.section))
    booked = Mark("", f"{context.say(CounterWord.SLOT)} {'  '.join(said)}")
    return (Pick(name="slot", items=(booked, Mark("none", context.say(CounterWord.WALK_IN)))),)


def _stop(context: Context) -> str:
    """Where the bus stands; where nobody said so and there is but one stop, that."""
    stops = context.city.stops
    return context.seen.day.stop or (stops[0].stop if len(stops) == 1 else "")


def _in_order(context: Context, slot: Slot | None) -> list[SectionShown]:
    return sorted(context.city.sections, key=lambda one: slot is None or one.section != slot.section)


def _call(section: str, stop: str, slot: int) -> Tell:
    return Tell("/v1/session/call", {"section": section, "stop": stop, "slot": slot})


# --- where nothing is called ---


def way(context: Context) -> Scene:
    """移動中: the next stop."""
    stop = next((one.stop for one in _ahead(context)), "")
    body = (Facts(rows=((context.say(CounterWord.NEXT_STOP), stop_name(context, stop)),)),) if stop else ()
    arrived = Choice(context.say(CounterWord.ARRIVED), Open("day.arrive"))
    return Scene(sentence=context.say(CounterWord.ON_THE_WAY), body=body, choices=(arrived, _duty(context)))


def opening(context: Context) -> Scene:
    """The day begins with the checklist; whoever comes meanwhile can talk all the same."""
    begin = Choice(context.say(CounterWord.OPENING), Open("lists.opening"))
    talk = Choice(context.say(CounterWord.CONSULT), Open("counter"))
    return Scene(sentence=context.said(context.seen.advice), choices=(begin, talk))


def resting(context: Context) -> Scene:
    """A mode in which no section is called."""
    mode = context.say(MODES[context.seen.mode])
    return Scene(sentence=context.say(CounterWord.RESTING, mode), choices=(_duty(context),), tone=Tone.CALM)


def route_bus(context: Context) -> Scene:
    """The whole screen: one quiet line, and the clock. Within the hours of duty there is a way back into it."""
    clock = Text(text=f"{jst(context.seen.at):%H:%M}", tone=Tone.CALM)
    begin = (Choice(context.say(CounterWord.BEGIN), Open("day.mode")),) if context.seen.duty.within_hours else ()
    return Scene(sentence=context.say(TuiWord.ROUTE_BUS), body=(clock,), choices=begin, tone=Tone.CALM)


def switch_off(context: Context) -> Scene:
    """It is a route bus, and a sheet might still come out beside the passengers. `about` is the document, where it is known."""
    seen, clock = context.seen, Text(text=f"{jst(context.seen.at):%H:%M}", tone=Tone.CALM)
    choices = (
        [Choice(context.say(CounterWord.SAY_SHEETS), Open("visit.outcome", context.about))] if context.about else []
    )
    if seen.signed_in.wanted and not seen.signed_in.who:
        choices.append(Choice(context.say(CounterWord.SIGN_IN), Open("sign_in")))
    word = CounterWord.DO_SWITCH_OFF
    return Scene(sentence=context.say(word), body=(EMPTY, clock), choices=tuple(choices), tone=Tone.RISK)


def _duty(context: Context) -> Choice:
    return Choice(context.say(CounterWord.DUTY), Open("day.duty"))


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {
        "counter": counter,
        "counter.others": others,
        "way": way,
        "opening": opening,
        "resting": resting,
        "route_bus": route_bus,
        "switch_off": switch_off,
    }
)
