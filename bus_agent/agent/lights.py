"""The five lights (電源, 回線, 市役所, プリンター, 用紙): what each says of what was heard freshly, and which guide helps.

`LIGHTS` is the table; printer and paper stand in bus_agent/agent/printer_lights.py. Amber says: look here. Red is kept for paper
and people: a document that stands in the printer, sheets that do not agree, a bus that is locked. Grey is a valley: there is
nothing to be done.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.agent import dead_zone
from bus_agent.agent.light_facts import Seen, light, said
from bus_agent.agent.printer_lights import paper, printer
from bus_agent.agent.syncer import LinkWord
from bus_agent.errors import AnswerError, CertificateError, CityHallFaultError, LinkError, RejectedError
from bus_agent.light_words import LightWord, Short
from bus_agent.shown import Level, Light, LightShown, Said
from cityhall_base import reasons

LOW_PERCENT: Final = 20
"""A document and its hand-over take minutes; a battery's last fifth is not trusted with more."""

_TECHNICAL: Final = frozenset({CertificateError.key, RejectedError.key})
_CITY_HALLS_OWN: Final = frozenset({CityHallFaultError.key, AnswerError.key})
_LINES: Final = frozenset({LinkError.key, str(LinkWord.CONNECTING)})


def lights(seen: Seen) -> tuple[LightShown, ...]:
    """All five, in their order."""
    return tuple(LIGHTS[one](seen) for one in Light)


# --- 電源 ---


def _power(seen: Seen) -> LightShown:
    if not seen.measures:
        return light(Light.POWER, Level.UNKNOWN, said(Short.UNMEASURED), said(LightWord.POWER_UNMEASURED))
    if seen.power is None:
        return light(Light.POWER, Level.UNKNOWN, said(Short.UNKNOWN), said(LightWord.POWER_UNKNOWN), "technician")
    mains, percent = seen.power
    if mains:
        return light(Light.POWER, Level.GOOD, said(Short.WELL), said(LightWord.POWER_WELL))
    short = said(Short.BATTERY) if percent is None else said(Short.BATTERY_PERCENT, str(percent))
    if percent is not None and percent < LOW_PERCENT:
        return light(Light.POWER, Level.BAD, short, said(LightWord.BATTERY_LOW), "battery")
    return light(Light.POWER, Level.WEAK, short, said(LightWord.ON_BATTERY), "battery")


# --- 回線 ---


def _line(seen: Seen) -> LightShown:
    link = seen.link
    if link.up or link.key not in _LINES:
        return light(Light.LINE, Level.UNKNOWN, said(Short.UNMEASURED), said(LightWord.LINE_UNMEASURED))
    if dead_zone.is_calm(link, seen.duty, seen.jobs):
        short = Short.CONNECTING if link.key == LinkWord.CONNECTING else Short.NO_SIGNAL
        return light(Light.LINE, Level.CALM, said(short), _line_says(seen))
    level = Level.BAD if any(not job.ended for job in seen.jobs) else Level.WEAK
    return light(Light.LINE, level, said(Short.NO_LINE), _line_says(seen), "no_line")


# --- 市役所 ---


def _city_hall(seen: Seen) -> LightShown:
    if lock := seen.duty.lock.reason:
        why = Said(key=reasons.key(lock), sentence=reasons.sentence(lock))
        return light(Light.CITY_HALL, Level.BAD, said(Short.LOCKED), why, "locked")
    if seen.link.up:
        return light(Light.CITY_HALL, Level.GOOD, said(Short.WELL), said(LightWord.CITY_HALL_WELL))
    level, short, guide = _why_silent(seen)
    return light(Light.CITY_HALL, level, said(short), _line_says(seen), guide)


def _why_silent(seen: Seen) -> tuple[Level, Short, str]:
    key = seen.link.key
    if key in _TECHNICAL:
        return Level.BAD, Short.NOT_CONNECTED, "technician"
    if key in _CITY_HALLS_OWN:
        return Level.WEAK, Short.FAULT, "hall_silent"
    if key not in _LINES:  # the box's own disk
        return Level.WEAK, Short.NOT_CONNECTED, "technician"
    if dead_zone.is_calm(seen.link, seen.duty, seen.jobs):
        return Level.CALM, Short.NOT_CONNECTED, ""
    return Level.WEAK, Short.NOT_CONNECTED, "hall_silent"


def _line_says(seen: Seen) -> Said:
    link = dead_zone.shown(seen.link, seen.duty, seen.jobs)
    return Said(key=link.key, sentence=link.sentence)


LIGHTS: Final[Mapping[Light, Callable[[Seen], LightShown]]] = MappingProxyType(
    {
        Light.POWER: _power,
        Light.LINE: _line,
        Light.CITY_HALL: _city_hall,
        Light.PRINTER: printer,
        Light.PAPER: paper,
    }
)
"""Every Light has its line."""
