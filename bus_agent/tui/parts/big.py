"""The check word and a telephone number in the largest letters that fit: dots as half blocks, two of them in each cell."""

from bus_agent.tui.letters import as_blocks
from bus_agent.tui.lines import Line, Look, Room, centred, line
from bus_agent.tui.scene import CheckWord, Phone


def check_word(part: CheckWord, room: Room) -> tuple[Line, ...]:
    """Across the whole width; where a letter is unknown or the terminal too narrow, bold and spaced."""
    return _big(part.word, room)


def phone(part: Phone, room: Room) -> tuple[Line, ...]:
    """Its digits."""
    return _big(part.number, room)


def _big(text: str, room: Room) -> tuple[Line, ...]:
    drawn = as_blocks(text, room.width)
    if drawn is None:
        return (line(), line(centred(" ".join(text), room.width), Look.INK), line())
    return tuple(line(centred(one, room.width), Look.INK) for one in drawn)
