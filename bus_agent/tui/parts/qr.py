"""A QR code in half blocks: two of its rows in one of the terminal's, dark on white with the quiet zone that readers need."""

from itertools import zip_longest
from typing import Final

import segno

from bus_agent.tui.lines import Line, Look, Piece, Room
from bus_agent.tui.scene import Qr

_QUIET: Final = 1
"""ISO/IEC 18004 asks for four modules: the terminal's own ground is dark, and telephones read one; 24 rows leave no more."""

_BLOCKS: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def qr(part: Qr, room: Room) -> tuple[Line, ...]:
    """The smallest one that holds the address."""
    code = segno.make_qr(part.address, error="l", boost_error=False)
    rows = [tuple(row) for row in code.matrix_iter(border=_QUIET)]
    white = (0,) * len(rows[0])
    return tuple(
        Line((Piece("".join(_BLOCKS[pair] for pair in zip(above, below, strict=True)), Look.PAPER),))
        for above, below in zip_longest(rows[::2], rows[1::2], fillvalue=white)
    )
