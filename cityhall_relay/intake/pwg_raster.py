"""PWG raster (PWG 5102.4) by libcups, the implementation that printers are tested against.

Called through ctypes: pycups does not offer this part of it. An `Encoder` is made before the process locks itself in,
because its callback is a piece of code made at run time.
"""

import ctypes
from collections.abc import Iterable
from typing import Any, ClassVar, Final, NamedTuple

from cityhall_base.printers import Raster, SheetBack
from cityhall_relay.intake.errors import DrawingUnavailableError, NotDrawnError
from cityhall_relay.intake.report import Refusal
from cityhall_wire.sheets import Sides

_WRITE_PWG: Final = 3  # cups_mode_t
_TOTAL_PAGE_COUNT: Final = 0  # places in cupsInteger (cups/raster.h)
_CROSS_FEED_TRANSFORM: Final = 1
_FEED_TRANSFORM: Final = 2
_MIRRORED: Final = 0xFFFFFFFF

_CString = ctypes.c_char * 64


class Header(ctypes.Structure):
    """`cups_page_header2_t` (cups/raster.h), 1796 bytes."""

    _fields_: ClassVar = [
        *((name, _CString) for name in ("MediaClass", "MediaColor", "MediaType", "OutputType")),
        *((name, ctypes.c_uint) for name in ("AdvanceDistance", "AdvanceMedia", "Collate", "CutMedia", "Duplex")),
        ("HWResolution", ctypes.c_uint * 2),
        ("ImagingBoundingBox", ctypes.c_uint * 4),
        *((name, ctypes.c_uint) for name in ("InsertSheet", "Jog", "LeadingEdge")),
        ("Margins", ctypes.c_uint * 2),
        *((name, ctypes.c_uint) for name in ("ManualFeed", "MediaPosition", "MediaWeight", "MirrorPrint")),
        *((name, ctypes.c_uint) for name in ("NegativePrint", "NumCopies", "Orientation", "OutputFaceUp")),
        ("PageSize", ctypes.c_uint * 2),
        *((name, ctypes.c_uint) for name in ("Separations", "TraySwitch", "Tumble", "cupsWidth", "cupsHeight")),
        *((name, ctypes.c_uint) for name in ("cupsMediaType", "cupsBitsPerColor", "cupsBitsPerPixel")),
        *((name, ctypes.c_uint) for name in ("cupsBytesPerLine", "cupsColorOrder", "cupsColorSpace")),
        *((name, ctypes.c_uint) for name in ("cupsCompression", "cupsRowCount", "cupsRowFeed", "cupsRowStep")),
        ("cupsNumColors", ctypes.c_uint),
        ("cupsBorderlessScalingFactor", ctypes.c_float),
        ("cupsPageSize", ctypes.c_float * 2),
        ("cupsImagingBBox", ctypes.c_float * 4),
        ("cupsInteger", ctypes.c_uint * 16),
        ("cupsReal", ctypes.c_float * 16),
        ("cupsString", _CString * 16),
        *((name, _CString) for name in ("cupsMarkerType", "cupsRenderingIntent", "cupsPageSizeName")),
    ]


class Side(NamedTuple):
    """How one side of a sheet is written. The page is to be turned by a half, then its rows written from the last on."""

    header: Header
    half_turn: bool
    last_row_first: bool


class Encoder:
    """Writes one document. Raises DrawingUnavailableError where libcups is missing or knows no such paper."""

    def __init__(self, raster: Raster, media: str, sides: Sides) -> None:
        self._cups = _load_libcups()
        self._paper = self._cups.pwgMediaForPWG(media.encode())
        if not self._paper:
            raise DrawingUnavailableError(media)
        self.front = self._side(raster, sides, None)
        # A back side of a one-sided document is just its next front.
        self.back = self.front if sides is Sides.ONE_SIDED else self._side(raster, sides, raster.sheet_back)
        self._out, self._limit = bytearray(), 0
        self._callback = _WRITE(self._take)  # referred to as long as libcups may call it

    def side(self, number: int) -> Side:
        """Which side page `number` (from 0) comes to lie on."""
        return self.back if number % 2 else self.front

    def begin(self, pages: int, limit: int) -> None:
        """Open a document of `pages` pages and at most `limit` bytes."""
        self._limit = limit
        for side in (self.front, self.back):
            side.header.cupsInteger[_TOTAL_PAGE_COUNT] = pages
        self._stream = self._cups.cupsRasterOpenIO(self._callback, None, _WRITE_PWG)

    def page(self, side: Side, rows: Iterable[bytes]) -> None:
        """Add a page of exactly as many rows and bytes as the side's header says; raises NotDrawnError."""
        self._succeed(self._cups.cupsRasterWriteHeader2(self._stream, side.header))
        for row in rows:
            self._succeed(self._cups.cupsRasterWritePixels(self._stream, row, len(row)))

    def end(self) -> bytes:
        """The whole document."""
        self._cups.cupsRasterClose(self._stream)
        return bytes(self._out)

    def _side(self, raster: Raster, sides: Sides, back: SheetBack | None) -> Side:
        header = Header()
        text = (raster.type.encode(), raster.dpi, raster.dpi, sides.encode(), back and back.encode())
        if not self._cups.cupsRasterInitPWGHeader(header, self._paper, *text):
            raise DrawingUnavailableError(f"{raster.type} at {raster.dpi} dpi")
        across, along = (header.cupsInteger[n] == _MIRRORED for n in (_CROSS_FEED_TRANSFORM, _FEED_TRANSFORM))
        # Mirrored across is a half turn that is then mirrored along.
        return Side(header, half_turn=across, last_row_first=across is not along)

    def _take(self, _context: Any, data: Any, size: int) -> int:
        if len(self._out) + size > self._limit:
            return -1
        self._out += ctypes.string_at(data, size)
        return size

    def _succeed(self, done: int) -> None:
        # Nothing else can fail here: the callback's memory is bounded.
        if not done:
            raise too_large(self._limit)


def too_large(limit: int) -> NotDrawnError:
    """What was drawn is more than `limit` bytes."""
    return NotDrawnError(Refusal.TOO_LARGE, f"{limit >> 20} MiB as an image")


_WRITE: Final = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def _load_libcups() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libcups.so.2")
        library.pwgMediaForPWG.restype = ctypes.c_void_p
        library.pwgMediaForPWG.argtypes = (ctypes.c_char_p,)
        library.cupsRasterInitPWGHeader.argtypes = (
            *(ctypes.POINTER(Header), ctypes.c_void_p, ctypes.c_char_p),
            *(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p),
        )
        library.cupsRasterOpenIO.restype = ctypes.c_void_p
        library.cupsRasterOpenIO.argtypes = (_WRITE, ctypes.c_void_p, ctypes.c_int)
        library.cupsRasterWriteHeader2.argtypes = (ctypes.c_void_p, ctypes.POINTER(Header))
        library.cupsRasterWritePixels.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint)
        library.cupsRasterClose.argtypes = (ctypes.c_void_p,)
    except (OSError, AttributeError) as error:
        raise DrawingUnavailableError(str(error)) from error
    return library
