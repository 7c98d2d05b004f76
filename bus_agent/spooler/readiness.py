"""Whether the printer can take this document now, by its own words: asked before anything is begun."""

import re
from typing import Final

from bus_agent.errors import BusyError, PrinterNotReadyError, WrongPaperError
from bus_agent.spooler.reading import PrinterStatus
from cityhall_base.printers import Printer as Profile

_SELF_DESCRIBING: Final = re.compile(r"_([0-9.]+x[0-9.]+(?:mm|in))\Z")
"""PWG 5101.1 section 5: the size stands at the end of the name."""


def check(printer: PrinterStatus, profile: Profile, media: str) -> None:
    """Raises BusyError, PrinterNotReadyError or, for other paper than `media` in its trays, WrongPaperError."""
    if printer.state == "processing":
        raise BusyError
    errors = [reason for reason in printer.reasons if _stops(reason, profile)]
    # A lie is believed to be one only while the printer prints: when it stops, it means it.
    if printer.state != "idle" or errors:
        raise PrinterNotReadyError(", ".join(errors or printer.reasons))
    if not _may_hold(printer.media_ready, media):
        raise WrongPaperError(", ".join(printer.media_ready))


def _stops(reason: str, profile: Profile) -> bool:
    return reason.endswith("-error") and reason.removesuffix("-error") not in profile.lies


def _may_hold(ready: tuple[str, ...], media: str) -> bool:
    """False only where the printer names a size for everything in its trays, and none is this one."""
    sizes = [_SELF_DESCRIBING.search(one) for one in (media, *ready)]
    if not ready or not all(sizes):
        return True
    wanted, *lying = (size[1] for size in sizes if size)
    return wanted in lying
