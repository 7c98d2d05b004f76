"""Reads PWG raster (PWG 5102.4) as a printer would, from the specification and without the library that writes it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

SYNC_WORD: Final = b"RaS2"
_HEADER_BYTES: Final = 1796

# Offsets of big-endian integers in the page header (section 4.3, table 2).
_DUPLEX: Final = 272
_RESOLUTION: Final = 276
_TUMBLE: Final = 368
_WIDTH: Final = 372
_HEIGHT: Final = 376
_BITS_PER_COLOR: Final = 384
_BITS_PER_PIXEL: Final = 388
_BYTES_PER_LINE: Final = 392
_COLOR_SPACE: Final = 400
_TOTAL_PAGE_COUNT: Final = 452
_CROSS_FEED_TRANSFORM: Final = 456
_FEED_TRANSFORM: Final = 460
_PAGE_SIZE_NAME: Final = 1732

_REPEATS_UP_TO: Final = 127
_LITERALS_FROM: Final = 129


class RasterPage(NamedTuple):
    """One side of a sheet. `pixels` are rows of `row_bytes`; a transform is 1 or -1."""

    media: str
    width: int
    height: int
    dpi: int
    bits_per_color: int
    bits_per_pixel: int
    row_bytes: int
    color_space: int
    duplex: bool
    tumble: bool
    total_pages: int
    cross_feed: int
    feed: int
    pixels: bytes


def raster_pages(raw: bytes) -> Iterator[RasterPage]:
    """The pages of a document; raises ValueError where it does not end with the last row of a page."""
    if not raw.startswith(SYNC_WORD):
        raise ValueError("no sync word")
    at = len(SYNC_WORD)
    while at < len(raw):
        header, at = raw[at : at + _HEADER_BYTES], at + _HEADER_BYTES
        if len(header) < _HEADER_BYTES or not header.startswith(b"PwgRaster\0"):
            raise ValueError("no page header")
        try:
            pixels, at = _rows(raw, at, _number(header, _HEIGHT), header)
        except IndexError:
            raise ValueError("ends in the middle of a page") from None
        yield _page(header, pixels)


def _page(header: bytes, pixels: bytes) -> RasterPage:
    return RasterPage(
        media=header[_PAGE_SIZE_NAME:].split(b"\0", 1)[0].decode("ascii"),
        width=_number(header, _WIDTH),
        height=_number(header, _HEIGHT),
        dpi=_number(header, _RESOLUTION),
        bits_per_color=_number(header, _BITS_PER_COLOR),
        bits_per_pixel=_number(header, _BITS_PER_PIXEL),
        row_bytes=_number(header, _BYTES_PER_LINE),
        color_space=_number(header, _COLOR_SPACE),
        duplex=bool(_number(header, _DUPLEX)),
        tumble=bool(_number(header, _TUMBLE)),
        total_pages=_number(header, _TOTAL_PAGE_COUNT),
        cross_feed=_number(header, _CROSS_FEED_TRANSFORM),
        feed=_number(header, _FEED_TRANSFORM),
        pixels=pixels,
    )


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big", signed=True)


def _rows(raw: bytes, at: int, height: int, header: bytes) -> tuple[bytes, int]:
    """Section 4.4: each row is said once with how often it repeats, in runs of equal and of different pixels."""
    row_bytes, unit = _number(header, _BYTES_PER_LINE), max(1, _number(header, _BITS_PER_PIXEL) // 8)
    out = bytearray()
    while len(out) < height * row_bytes:
        times, at, row = raw[at] + 1, at + 1, bytearray()
        while len(row) < row_bytes:
            code, at = raw[at], at + 1
            if code <= _REPEATS_UP_TO:
                row += raw[at : at + unit] * (code + 1)
                at += unit
            elif code >= _LITERALS_FROM:
                size = (257 - code) * unit
                row += raw[at : at + size]
                at += size
            else:
                raise ValueError("a run of no length")
        out += row * times
    if len(out) != height * row_bytes:
        raise ValueError("rows of another length")
    return bytes(out), at
