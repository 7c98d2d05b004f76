"""A document made of drawn pages: PWG raster for a printer that takes no PDF, a PDF of pictures (flattened), or the first page
as a small picture, for the eyes of its clerk.

`prepare` loads all that will be needed; the process locks itself in afterwards. Pages are drawn one after the other, and of
each only its compressed form is kept.
"""

import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Final

import pikepdf
from pikepdf import Dictionary, Name, Pdf, Stream
from PIL import Image

from cityhall_base.printers import PWG_RASTER, RasterType
from cityhall_relay.intake.errors import NotDrawnError
from cityhall_relay.intake.pwg_raster import Encoder, too_large
from cityhall_relay.intake.render import MM_PER_INCH, Pages, Picture, Surface, opened, pixels
from cityhall_relay.intake.report import JPEG, Drawing, PageSize, Refusal

FIRST_PAGE_BYTES: Final = 150 * 1024
FIRST_PAGE_WIDTH: Final = 840
"""Pixels: half of a clerk's screen, and letters of 7 points can be read."""

Draw = Callable[[bytes, tuple[PageSize, ...], int], bytes]
"""Document, its page sizes and the most bytes that may come of it → the drawn document.

Raises NotDrawnError and MemoryError.
"""

_POINTS_PER_INCH: Final = 72
_JPEG_QUALITY: Final = 90
_FIRST_PAGE_QUALITIES: Final = (85, 60, 30, 5)
"""A page of text takes 110 KiB at the first; noise in color from edge to edge fits at the last."""
_JPEG_PAYS_FROM: Final = 2
"""Text, lines and bar codes stay exact: lossless they take less, or little more, than as JPEG. Photographs take 4 times as much."""


def prepare(drawing: Drawing) -> Draw:
    """Raises DrawingUnavailableError where this machine cannot draw."""
    Image.preinit()  # its plugins are files
    if drawing.document_format == PWG_RASTER:
        encoder = Encoder(drawing.raster, drawing.media, drawing.sides)
        return lambda document, sizes, limit: _to_raster(document, sizes, limit, drawing, encoder)
    if drawing.document_format == JPEG:
        return lambda document, sizes, _limit: _to_first_page(document, sizes, drawing)
    return lambda document, sizes, limit: _to_pictures(document, sizes, limit, drawing)


def _to_raster(document: bytes, sizes: tuple[PageSize, ...], limit: int, drawing: Drawing, encoder: Encoder) -> bytes:
    kind, dpi = drawing.raster.type, drawing.raster.dpi
    encoder.begin(len(sizes), limit)
    with opened(document, sizes, kind) as pages:
        for number, size in enumerate(sizes):
            side = encoder.side(number)
            width, height = side.header.cupsWidth, side.header.cupsHeight
            # RFC 8011 section 5.2.10: a page that lies is turned counter-clockwise onto the upright paper.
            lies = (size.width_mm > size.height_mm) is not (width > height)
            picture = pages.draw(number, Surface(width, height, dpi, lies + 2 * side.half_turn))
            encoder.page(side, _rows(picture, kind, side.last_row_first))
    return encoder.end()


def _rows(picture: Picture, kind: RasterType, last_first: bool) -> Iterator[bytes]:
    """As PWG 5102.4 section 4.3.3 packs them: black is 1 where a pixel has one bit."""
    row_bytes, data = picture.row_bytes, memoryview(picture.pixels).cast("B")
    if kind is RasterType.BLACK_1:
        row_bytes, data = (picture.width + 7) // 8, memoryview(_bits(picture).tobytes("raw", "1;I"))
    order = range(picture.height)
    return (bytes(data[row * row_bytes : (row + 1) * row_bytes]) for row in (reversed(order) if last_first else order))


def _to_pictures(document: bytes, sizes: tuple[PageSize, ...], limit: int, drawing: Drawing) -> bytes:
    out, kept = BytesIO(), 0
    with pikepdf.new() as pdf, opened(document, sizes, drawing.raster.type) as pages:
        for number in range(len(sizes)):
            kept += _add_picture(pdf, pages, number, drawing)
            if kept > limit:
                raise too_large(limit)
        # The identifier is made of the content: there is no chance and no clock in here.
        pdf.save(out, compress_streams=False, deterministic_id=True)
    if out.tell() > limit:
        raise too_large(limit)
    return out.getvalue()


def _to_first_page(document: bytes, sizes: tuple[PageSize, ...], drawing: Drawing) -> bytes:
    kind, dpi = drawing.raster.type, drawing.raster.dpi
    with opened(document, sizes, kind) as pages:
        surface = Surface(pixels(sizes[0].width_mm, dpi), pixels(sizes[0].height_mm, dpi), dpi)
        page = _view(pages.draw(0, surface), "RGB" if kind is RasterType.SRGB_8 else "L")
    small = page.resize((FIRST_PAGE_WIDTH, round(FIRST_PAGE_WIDTH * page.height / page.width)))
    for quality in _FIRST_PAGE_QUALITIES:
        out = BytesIO()
        small.save(out, "JPEG", quality=quality)
        if out.tell() <= FIRST_PAGE_BYTES:
            return out.getvalue()
    raise NotDrawnError(Refusal.BOMB)


def _add_picture(pdf: Pdf, pages: Pages, number: int, drawing: Drawing) -> int:
    """Bytes of the picture that is now the page."""
    size, dpi = pages.sizes[number], drawing.raster.dpi
    picture = pages.draw(number, Surface(pixels(size.width_mm, dpi), pixels(size.height_mm, dpi), dpi))
    width, height = (side * _POINTS_PER_INCH / MM_PER_INCH for side in (size.width_mm, size.height_mm))
    image = _image(pdf, picture, drawing.raster.type)
    page = pdf.add_blank_page(page_size=(width, height))
    page.resources.XObject = Dictionary(Page=image)
    page.contents_add(Stream(pdf, b"%.3f 0 0 %.3f 0 0 cm /Page Do" % (width, height)))
    return len(image.read_raw_bytes())


def _image(pdf: Pdf, picture: Picture, kind: RasterType) -> Stream:
    """An image XObject (ISO 32000-2 section 8.9.5), JPEG only where that saves much."""
    size = {"Width": picture.width, "Height": picture.height, "Type": Name.XObject, "Subtype": Name.Image}
    if kind is RasterType.BLACK_1:
        bits = zlib.compress(_bits(picture).tobytes())
        return Stream(pdf, bits, **size, ColorSpace=Name.DeviceGray, BitsPerComponent=1, Filter=Name.FlateDecode)
    space, mode = (Name.DeviceRGB, "RGB") if kind is RasterType.SRGB_8 else (Name.DeviceGray, "L")
    lossless, jpeg = zlib.compress(picture.pixels), BytesIO()
    _view(picture, mode).save(jpeg, "JPEG", quality=_JPEG_QUALITY)
    form = (
        (jpeg.getvalue(), Name.DCTDecode)
        if jpeg.tell() * _JPEG_PAYS_FROM < len(lossless)
        else (lossless, Name.FlateDecode)
    )
    return Stream(pdf, form[0], **size, ColorSpace=space, BitsPerComponent=8, Filter=form[1])


def _bits(picture: Picture) -> Image.Image:
    """One bit a pixel; grays become dots (Floyd and Steinberg's error diffusion)."""
    return _view(picture, "L").convert("1")


def _view(picture: Picture, mode: str) -> Image.Image:
    return Image.frombuffer(mode, (picture.width, picture.height), picture.pixels, "raw", mode, 0, 1)
