"""A printer's profile in `city.toml`: how it is reached, what it takes, and what it can prove. Recorded at acceptance."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from cityhall_base.settings import Table
from cityhall_wire.headers import Name

PDF: Final = "application/pdf"
PWG_RASTER: Final = "image/pwg-raster"
"""PWG 5102.4."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_IPP_USB_PORTS: Final = 60000
"""ipp-usb gives its devices the ports from here on (http-min-port)."""

IppUri = Annotated[str, Meta(pattern=r"\Aipps?://[A-Za-z0-9.:\[\]-]{1,100}/[A-Za-z0-9/_.-]{0,100}\Z")]
MimeType = Annotated[str, Meta(pattern=r"\A[a-z]+/[a-zA-Z0-9.+-]{1,64}\Z")]
Sha256Hex = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
Reason = Annotated[str, Meta(pattern=r"\A[a-z0-9.-]{1,64}\Z")]
PpdName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._+-]{0,100}\.ppd\Z")]


class Proof(StrEnum):
    """What a printer's `completed` is worth (docs/design.md, "Evidence")."""

    IMPRESSIONS = "impressions"  # job-impressions-completed is true for every finished job
    COUNTER = "counter"  # printer-impressions-completed (PWG 5100.22) of the whole printer grows by what came out
    STATE = "state"  # neither: the concierge is always asked


class Memory(StrEnum):
    """What becomes of its jobs when the printer is switched off (docs/design.md, "Evidence")."""

    LOST = "lost_at_power_off"
    KEPT = "kept"  # switching it off is no way to get rid of a job
    UNTESTED = "untested"


class RasterType(StrEnum):
    """PWG 5102.4 section 4.3, pwg-raster-document-type-supported."""

    BLACK_1 = "black_1"
    SGRAY_8 = "sgray_8"
    SRGB_8 = "srgb_8"


class SheetBack(StrEnum):
    """PWG 5102.4, pwg-raster-document-sheet-back: how the back side of a sheet is to be turned."""

    NORMAL = "normal"
    FLIPPED = "flipped"
    ROTATED = "rotated"
    MANUAL_TUMBLE = "manual-tumble"


class Raster(Table, frozen=True, kw_only=True):
    """How city hall draws pages, for a printer that takes no PDF and wherever a clerk asks for pictures (flatten)."""

    dpi: Annotated[int, Meta(ge=150, le=600)] = 300
    type: RasterType = RasterType.SGRAY_8
    sheet_back: SheetBack = SheetBack.NORMAL


class Driver(Table, frozen=True, kw_only=True):
    """A CUPS driver on the bus. `sends` is the document-format in which its output goes to the printer."""

    ppd: PpdName
    sends: MimeType = "application/octet-stream"


class Printer(Table, frozen=True, kw_only=True):
    """One printer. Through ipp-usb its address is ipp://localhost:60000/ipp/print."""

    uri: IppUri
    certificate_sha256: Sha256Hex = ""  # of the DER certificate that an ipps printer shows, and of no other
    formats: Annotated[tuple[MimeType, ...], Meta(min_length=1, max_length=16)] = (PDF,)
    raster: Raster = Raster()
    driver: Driver | None = None
    proof: Proof = Proof.IMPRESSIONS
    lies: tuple[Reason, ...] = ()  # printer-state-reasons without suffix that it reports although it prints
    memory: Memory = Memory.UNTESTED
    history_s: Annotated[int, Meta(ge=0, le=86_400)] = 60  # how long an ended job is known; ippeveprinter: 60 s
    paper: Name

    @property
    def address(self) -> str:
        """Where it is and, behind `#`, by which certificate it is known: what an opener is told."""
        return f"{self.uri}#{self.certificate_sha256}" if self.certificate_sha256 else self.uri

    @property
    def sealed_format(self) -> str:
        """What city hall seals for it; PDF wherever the printer or its driver takes that."""
        return PDF if self.driver or PDF in self.formats else PWG_RASTER

    @property
    def sent_format(self) -> str:
        """IPP document-format of what reaches it."""
        return self.driver.sends if self.driver else self.sealed_format


def problems_of(name: str, printer: Printer) -> Iterator[str]:
    """What of a profile does not fit together, each as `key: what is allowed`."""
    secure = printer.uri.startswith("ipps://")
    if secure and not printer.certificate_sha256:
        yield f"printers.{name}.certificate_sha256: an ipps printer needs it; `bus-agent printer probe` shows it"
    if not secure and printer.certificate_sha256:
        yield f"printers.{name}.certificate_sha256: only for an ipps:// uri"
    if not secure and _beyond_ipp_usb(printer.uri):
        yield f"printers.{name}.uri: ports from {_IPP_USB_PORTS} on are ipp-usb's, which answers on localhost only"
    if printer.sent_format not in printer.formats:
        yield f"printers.{name}.formats: must have {PDF} or {PWG_RASTER}, or what its driver sends"


def _beyond_ipp_usb(uri: str) -> bool:
    parts = urlsplit(uri)
    return (parts.port or 0) >= _IPP_USB_PORTS and parts.hostname not in _LOOPBACK
