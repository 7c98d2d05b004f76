"""How many pages a PCL 5 stream has (HP, PCL 5 Printer Language Technical Reference Manual, chapter 2 "The escape sequence")."""

import re
from typing import Final

RESET: Final = b"\x1bE"
"""Printer Reset, with which a driver's stream begins and ends."""

_SEQUENCE: Final = re.compile(
    rb"\x1b[!-/][`-~]?(?:[+-]?[0-9]*\.?[0-9]*[`-~])*[+-]?([0-9]*)\.?[0-9]*([@-^])|\x1b[0-~]|\x0c"
)
_WITH_DATA: Final = b"WV"
"""Commands whose value is the number of bytes that follow: raster rows and their kind."""


def pages(stream: bytes) -> int:
    """Form feeds that are commands and not data."""
    count = at = 0
    while found := _SEQUENCE.search(stream, at):
        at = found.end()
        count += found[0] == b"\x0c"
        if found[2] and found[2] in _WITH_DATA:
            at += int(found[1] or 0)
    return count
