"""Pages to pixels, by PDFium, in the locked process and after the examination found nothing.

Fonts are embedded by then, so that nothing is substituted; PDFium's own are built in, and it can open no file. It gets the
document as qpdf has written it anew: what the examination did not see is not in there.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final, NamedTuple

import pikepdf
import pypdfium2.raw as pdfium
from pikepdf import Dictionary, Name, ObjectStreamMode, StreamDecodeLevel

from cityhall_base.printers import RasterType
from cityhall_relay.intake.errors import NotDrawnError
from cityhall_relay.intake.report import PageSize, Refusal

MM_PER_INCH: Final = 25.4
_WHITE: Final = 0xFFFFFFFF

# Bits are made of gray afterwards, and only pictures have any: edges of letters and bars are drawn hard at once.
_HARD_EDGES: Final = pdfium.FPDF_RENDER_NO_SMOOTHTEXT | pdfium.FPDF_RENDER_NO_SMOOTHPATH


class _Pixels(NamedTuple):
    """PDFium's format, bytes of one pixel, and flags."""

    format: int
    bytes: int
    flags: int


_PIXELS: Final = {
    RasterType.SGRAY_8: _Pixels(pdfium.FPDFBitmap_Gray, 1, pdfium.FPDF_GRAYSCALE),
    RasterType.BLACK_1: _Pixels(pdfium.FPDFBitmap_Gray, 1, pdfium.FPDF_GRAYSCALE | _HARD_EDGES),
    RasterType.SRGB_8: _Pixels(pdfium.FPDFBitmap_BGR, 3, pdfium.FPDF_REVERSE_BYTE_ORDER),
}


class Surface(NamedTuple):
    """A sheet of `width` × `height` pixels. `quarters`: how often the page is turned counter-clockwise on it."""

    width: int
    height: int
    dpi: int
    quarters: int = 0


class Picture(NamedTuple):
    """Pixels row by row without gaps, one byte each (0 is black) or three (red, green, blue)."""

    width: int
    height: int
    row_bytes: int
    pixels: bytearray


class Pages:
    """The pages of an open document; `sizes` are those that the examination saw."""

    def __init__(self, document: Any, sizes: tuple[PageSize, ...], kind: RasterType) -> None:
        self._document, self.sizes, self._kind = document, sizes, _PIXELS[kind]

    def draw(self, number: int, surface: Surface) -> Picture:
        """Page `number` (from 0) at its own size in the middle of `surface`. Raises NotDrawnError and MemoryError."""
        row_bytes = surface.width * self._kind.bytes
        pixels = bytearray(row_bytes * surface.height)
        memory = (ctypes.c_ubyte * len(pixels)).from_buffer(pixels)
        bitmap = pdfium.FPDFBitmap_CreateEx(surface.width, surface.height, self._kind.format, memory, row_bytes)
        page = pdfium.FPDF_LoadPage(self._document, number)
        if not bitmap or not page:
            raise NotDrawnError(Refusal.DAMAGED)
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, surface.width, surface.height, _WHITE)
        place = _placed(self.sizes[number], surface)
        clockwise = -surface.quarters % 4  # as PDFium counts (fpdfview.h)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, *place, clockwise, pdfium.FPDF_PRINTING | self._kind.flags)
        pdfium.FPDF_ClosePage(page)
        pdfium.FPDFBitmap_Destroy(bitmap)
        return Picture(surface.width, surface.height, row_bytes, pixels)


@contextmanager
def opened(document: bytes, sizes: tuple[PageSize, ...], kind: RasterType) -> Iterator[Pages]:
    """The document as PDFium reads it; raises NotDrawnError where it reads another number of pages than the examination."""
    document = _inked(document)
    handle = pdfium.FPDF_LoadMemDocument64(document, len(document), None)
    if not handle or pdfium.FPDF_GetPageCount(handle) != len(sizes):
        raise NotDrawnError(Refusal.DAMAGED)
    try:
        yield Pages(handle, sizes, kind)
    finally:
        pdfium.FPDF_CloseDocument(handle)


def _inked(document: bytes) -> bytes:
    """The document with annotations and form fields made part of their pages, as they look on paper.

    What is not meant to be printed stays away, and of the rest the appearance that the document carries is taken, never one
    made for it: that would be set in a font of ours (ISO 32000-2 sections 12.5.3, 12.5.5 and 12.7.3).
    """
    with pikepdf.open(BytesIO(document), attempt_recovery=False) as pdf:
        form = pdf.Root.get(Name.AcroForm)
        if isinstance(form, Dictionary) and Name.NeedAppearances in form:
            del form.NeedAppearances
        pdf.flatten_annotations("print")
        if Name.Metadata in pdf.Root:
            del pdf.Root.Metadata  # nothing of it is drawn, and pikepdf would load an XML parser to bring it up to date
        out = BytesIO()
        # The identifier is made of the content: there is no clock and no chance in here.
        pdf.save(
            out,
            compress_streams=False,
            stream_decode_level=StreamDecodeLevel.none,
            object_stream_mode=ObjectStreamMode.disable,
            deterministic_id=True,
        )
        return out.getvalue()


def pixels(millimetres: float, dpi: int) -> int:
    """As many as cover it best."""
    return round(millimetres * dpi / MM_PER_INCH)


def _placed(size: PageSize, surface: Surface) -> tuple[int, int, int, int]:
    """Left, top, width and height of the page on the surface: neither stretched nor shrunk, what hangs over is cut off."""
    sides = (pixels(size.width_mm, surface.dpi), pixels(size.height_mm, surface.dpi))
    width, height = reversed(sides) if surface.quarters % 2 else sides
    return int((surface.width - width) / 2), int((surface.height - height) / 2), width, height
