"""The strip: which bus, which duty, where, until when, what time it is; below it the five lights, each a word and a colour."""

from typing import Final

from rich.cells import cell_len

from bus_agent.light_words import LightName, Short
from bus_agent.shown import CityShown, Level, Light, LightShown, Snapshot
from bus_agent.tui.lines import Line, Look, Piece, padded
from bus_agent.tui.words import TuiWord
from cityhall_base import terms
from cityhall_base.clock import jst
from cityhall_base.words import Language, say

LABELS: Final = {
    Light.POWER: LightName.POWER,
    Light.LINE: LightName.LINE,
    Light.CITY_HALL: LightName.CITY_HALL,
    Light.PRINTER: LightName.PRINTER,
    Light.PAPER: LightName.PAPER,
}

LOOKS: Final = {
    Level.GOOD: Look.PLAIN,
    Level.WEAK: Look.LOOK,
    Level.BAD: Look.RISK,
    Level.CALM: Look.CALM,
    Level.UNKNOWN: Look.CALM,
}


def head(seen: Snapshot, city: CityShown, at: int, language: Language, width: int) -> Line:
    """The first row. `at` is UTC milliseconds."""
    parts = (
        city.bus or seen.bus,
        TuiWord.MODE.say(language, terms.mode(seen.mode, language)),
        _where(seen, city, language),
    )
    left = " " + " | ".join(filter(None, parts))
    clock = f"{jst(at):%H:%M} "
    return Line((Piece(padded(left, width - cell_len(clock)), Look.STRONG), Piece(clock, Look.STRONG)))


def _where(seen: Snapshot, city: CityShown, language: Language) -> str:
    stop = next((one.name for one in city.stops if one.stop == seen.day.stop), seen.day.stop)
    ends = [slot.end for slot in seen.day.slots if slot.stop == seen.day.stop]
    if ends:
        until = f"{max(ends) // 60:02}:{max(ends) % 60:02}"
    elif seen.duty.hours is not None and seen.duty.within_hours:
        until = f"{jst(seen.duty.hours[1]):%H:%M}".replace("00:00", "24:00")
    else:
        return stop
    return f"{stop} {TuiWord.UNTIL.say(language, until)}".strip()


def lights(seen: Snapshot, language: Language, width: int) -> tuple[tuple[Light, Line], ...]:
    """The five in their order, spread over the row; each is as wide as its touch. Those that nobody measures say so."""
    known = {one.light: one for one in seen.lights}
    pieces = [(light, _light(light, known.get(light), language)) for light in Light]
    free = max(0, width - sum(one.width for _, one in pieces))
    share, rest = divmod(free, len(pieces))
    return tuple(
        (light, Line((*one.pieces, Piece(" " * (share + (number < rest))))))
        for number, (light, one) in enumerate(pieces)
    )


def _light(light: Light, one: LightShown | None, language: Language) -> Line:
    if one is None:
        short, look = Short.UNMEASURED.say(language), Look.CALM
    else:
        short, look = say(one.short.key, one.short.sentence, language, one.short.detail), LOOKS[one.level]
    return Line((Piece(f" {LABELS[light].say(language)} ", Look.CALM), Piece(short, look)))
