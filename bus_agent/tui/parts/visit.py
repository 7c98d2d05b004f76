"""The visit's steps on one line: what is done, the running one, what comes."""

from rich.cells import cell_len

from bus_agent.tui.lines import Line, Look, Piece, Room
from bus_agent.tui.scene import Visit


def visit(part: Visit, room: Room) -> tuple[Line, ...]:
    """The running one stands in brackets, too: nothing is said by colour alone. Two lines where one is too narrow."""
    lines: list[list[Piece]] = [[]]
    for number, step in enumerate(part.steps):
        text = f"[{step}]" if number == part.now else step
        look = Look.CHOSEN if number == part.now else Look.PLAIN if number < part.now else Look.CALM
        arrow = " > " if number else ""
        if sum(cell_len(piece.text) for piece in lines[-1]) + cell_len(arrow + text) > room.width:
            lines.append([])
        lines[-1] += [Piece(arrow, Look.CALM), Piece(text, look)]
    return tuple(Line(tuple(pieces)) for pieces in lines)
