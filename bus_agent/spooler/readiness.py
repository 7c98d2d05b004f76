"""Whether the printer can take this document now, by its own words: asked before anything is begun."""

from bus_agent.errors import BusyError, PrinterNotReadyError, WrongPaperError
from bus_agent.spooler.reading import PrinterStatus
from cityhall_base.printer_state import holds, stands
from cityhall_base.printers import Printer as Profile


def check(printer: PrinterStatus, profile: Profile, media: str) -> None:
    """Raises BusyError, PrinterNotReadyError or, for other paper than `media` in its trays, WrongPaperError."""
    if printer.state == "processing":
        raise BusyError
    # A lie is believed to be one only while the printer prints: when it stops, it means it.
    if printer.state != "idle" or stands(printer.state, printer.reasons, profile.lies):
        raise PrinterNotReadyError(", ".join(printer.reasons))
    if not holds(printer.media_ready, media):
        raise WrongPaperError(", ".join(printer.media_ready))
