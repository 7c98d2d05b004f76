"""F12 盗難, after it was held for three seconds; and what stands there while the bus is locked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.tui import pictures
from bus_agent.tui.counter import CounterWord
from bus_agent.tui.desk import back
from bus_agent.tui.guides import BookWord
from bus_agent.tui.names import section_name
from bus_agent.tui.scene import Choice, Context, MakeScene, Open, Scene, Steps, Tell, Text, Tone
from cityhall_base.reasons import Reason
from cityhall_base.words import Word


class TheftWord(Word):
    """What she reads and presses."""

    SURE = ("desk.theft.sure", "Report a theft to city hall?")
    WHAT_1 = ("desk.theft.what.1", "Every document on board is destroyed at once.")
    WHAT_2 = ("desk.theft.what.2", "This bus prints nothing, and calls nobody.")
    WHAT_3 = ("desk.theft.what.3", "City hall is told, as soon as there is a line.")
    WHAT_4 = ("desk.theft.what.4", "Only city hall can take it back.")
    TELL = ("desk.theft.tell", "Report the theft")
    REALLY = ("desk.theft.really", "Everything on board is destroyed. This cannot be undone here.")
    THEN_1 = ("desk.theft.then.1", "Get yourself and the residents to a safe place.")
    THEN_2 = ("desk.theft.then.2", "Telephone the police (110), then city hall.")
    THEN_3 = ("desk.theft.then.3", "Nothing on this box can be read. Leave it.")
    LOCKED_1 = ("desk.theft.locked.1", "Telephone city hall, and read this sentence.")
    LOCKED_2 = ("desk.theft.locked.2", "Nothing can be printed and nobody be called here.")
    LOCKED_3 = ("desk.theft.locked.3", "When city hall lets the bus in, this goes away.")
    FREE = ("desk.theft.free", "This bus is not locked.")


_WHAT: Final = (TheftWord.WHAT_1, TheftWord.WHAT_2, TheftWord.WHAT_3, TheftWord.WHAT_4)
_THEN: Final = (TheftWord.THEN_1, TheftWord.THEN_2, TheftWord.THEN_3)
_LOCKED: Final = (TheftWord.LOCKED_1, TheftWord.LOCKED_2, TheftWord.LOCKED_3)
_ROBBED: Final = frozenset({Reason.PANIC.bare, Reason.STOLEN.bare, Reason.LOST.bare})


def theft(context: Context) -> Scene:
    """What will happen; then once more, slowly."""
    steps = Steps(steps=tuple(map(context.say, _WHAT)))
    tell = Choice(context.say(TheftWord.TELL), Tell("/v1/panic", None, "locked"), context.say(TheftWord.REALLY))
    choices = (tell, back(context))
    return Scene(sentence=context.say(TheftWord.SURE), body=(steps,), choices=choices, tone=Tone.RISK)


def locked(context: Context) -> Scene:
    """Why nothing goes, and what people do meanwhile."""
    lock = context.seen.locked
    if lock is None:
        return Scene(sentence=context.say(TheftWord.FREE), choices=(back(context),), tone=Tone.CALM)
    words = _THEN if lock.reason in _ROBBED else _LOCKED
    steps = Steps(steps=tuple(map(context.say, words)), picture=pictures.LOCK)
    number = tuple(f"{section_name(context, one.section)}  {one.phone}" for one in context.city.sections[:1])
    held = () if context.seen.printer_empty else (Text(text=context.say(CounterWord.DO_SWITCH_OFF), tone=Tone.RISK),)
    body = (*held, steps, *(Text(text=one, big=True) for one in number))
    further = Choice(context.say(BookWord.TECHNICIAN), Open("guide", "technician"))
    return Scene(sentence=context.said(lock), body=body, choices=(further,), tone=Tone.LOOK)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"theft": theft, "locked": locked})
