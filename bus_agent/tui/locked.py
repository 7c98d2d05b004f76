"""What stands there while the bus is locked, after F12 盗難 was held or because city hall says so."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.tui import pictures
from bus_agent.tui.counter import CounterWord
from bus_agent.tui.desk import back
from bus_agent.tui.guides import BookWord
from bus_agent.tui.names import section_name
from bus_agent.tui.scene import Choice, Context, MakeScene, Open, Scene, Steps, Text, Tone
from cityhall_base.reasons import Reason
from cityhall_base.words import Word


class LockWord(Word):
    """What people do meanwhile."""

    THEN_1 = ("desk.theft.then.1", "Get yourself and the residents to a safe place.")
    THEN_2 = ("desk.theft.then.2", "Telephone the police (110), then city hall.")
    THEN_3 = ("desk.theft.then.3", "Nothing on this box can be read. Leave it.")
    LOCKED_1 = ("desk.theft.locked.1", "Telephone city hall, and read this sentence.")
    LOCKED_2 = ("desk.theft.locked.2", "Nothing can be printed and nobody be called here.")
    LOCKED_3 = ("desk.theft.locked.3", "When city hall lets the bus in, this goes away.")
    FREE = ("desk.theft.free", "This bus is not locked.")


_THEN: Final = (LockWord.THEN_1, LockWord.THEN_2, LockWord.THEN_3)
_LOCKED: Final = (LockWord.LOCKED_1, LockWord.LOCKED_2, LockWord.LOCKED_3)
_ROBBED: Final = frozenset({Reason.PANIC.bare, Reason.STOLEN.bare, Reason.LOST.bare})


def locked(context: Context) -> Scene:
    """Why nothing goes, and what people do meanwhile."""
    lock = context.seen.locked
    if lock is None:
        return Scene(sentence=context.say(LockWord.FREE), choices=(back(context),), tone=Tone.CALM)
    words = _THEN if lock.reason in _ROBBED else _LOCKED
    steps = Steps(steps=tuple(map(context.say, words)), picture=pictures.LOCK)
    number = tuple(f"{section_name(context, one.section)}  {one.phone}" for one in context.city.sections[:1])
    held = () if context.seen.printer_empty else (Text(text=context.say(CounterWord.DO_SWITCH_OFF), tone=Tone.RISK),)
    body = (*held, steps, *(Text(text=one, big=True) for one in number))
    further = Choice(context.say(BookWord.TECHNICIAN), Open("guide", "technician"))
    return Scene(sentence=context.said(lock), body=body, choices=(further,), tone=Tone.LOOK)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"locked": locked})
