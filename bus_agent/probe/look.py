"""What a printer says of itself. Nothing is printed for this, and what it does not say stays None or empty."""

from collections.abc import Iterable
from typing import Final

import msgspec

from bus_agent.ipc.messages import Supply
from bus_agent.spooler import exchange, reading
from bus_agent.spooler.ipp import Attributes, Resolution
from bus_agent.spooler.printer import Printer, path_at

_DPI: Final = 3
"""The unit of a resolution: dots per inch."""

_NAMES: Final = [
    "printer-make-and-model",
    "printer-firmware-string-version",
    "printer-state",
    "printer-state-reasons",
    "printer-uuid",
    "printer-up-time",
    "document-format-supported",
    "media-ready",
    "sides-supported",
    "pwg-raster-document-resolution-supported",
    "pwg-raster-document-type-supported",
    "pwg-raster-document-sheet-back",
    "printer-supply",
    "marker-types",
    "marker-levels",
    "marker-colors",
    "printer-impressions-completed",
]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One printer as it describes itself."""

    uri: str
    certificate_sha256: str  # of what it showed at an ipps:// uri
    make_and_model: str
    firmware: str
    uuid: str
    state: str
    reasons: tuple[str, ...]
    formats: tuple[str, ...]
    media_ready: tuple[str, ...]
    sides: tuple[str, ...]
    raster_dpi: tuple[int, ...]
    raster_types: tuple[str, ...]
    sheet_back: str
    supplies: tuple[Supply, ...]
    counter: int | None  # printer-impressions-completed


def connect(uri: str) -> tuple[Printer, str]:
    """A path to the printer and the certificate that it showed, which is pinned from here on. Raises PrinterError."""
    path = path_at(uri)
    if path.endpoint.secure is None:
        return path_at(uri, counts_all=True), ""
    from bus_agent.spooler.tls import fingerprint_of

    certificate = fingerprint_of(path.endpoint.host, exchange.look_up(path.endpoint))
    return path_at(f"{uri}#{certificate}", counts_all=True), certificate


def look(path: Printer, uri: str, certificate_sha256: str) -> Seen:
    """Raises PrinterError."""
    found = path.attributes(_NAMES)
    status = reading.printer_status(found)
    return Seen(
        uri=uri,
        certificate_sha256=certificate_sha256,
        make_and_model=reading.word(found, "printer-make-and-model"),
        firmware=reading.word(found, "printer-firmware-string-version"),
        uuid=status.uuid,
        state=status.state,
        reasons=status.reasons,
        formats=tuple(reading.words(found, "document-format-supported")),
        media_ready=status.media_ready,
        sides=tuple(reading.words(found, "sides-supported")),
        raster_dpi=tuple(_dpi(found)),
        raster_types=tuple(reading.words(found, "pwg-raster-document-type-supported")),
        sheet_back=reading.word(found, "pwg-raster-document-sheet-back"),
        supplies=reading.supplies(found),
        counter=status.counter,
    )


def _dpi(found: Attributes) -> Iterable[int]:
    for value in found.get("pwg-raster-document-resolution-supported", ()):
        if isinstance(value, Resolution) and value.units == _DPI and value.feed == value.cross_feed:
            yield value.feed
