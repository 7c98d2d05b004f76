"""How large a picture is by its codec's own header: what a decoder makes room for, whatever the PDF around it says.

Only headers are read; nothing is decoded. The input is what a PDF embeds: JPEG (ITU-T T.81), JPEG 2000 with or without its
boxes (ITU-T T.800), JBIG2 segments without a file header (ITU-T T.88), CCITT G3 and G4 (sizes stand in the PDF alone).
A header that cannot be read raises ValueError or IndexError.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_START_OF_SCAN: Final = b"\xff\xda"
_MOST_SCANS: Final = 100  # a progressive JPEG has about ten; each is a pass of the decoder over the whole picture

_CODESTREAM: Final = b"\xff\x4f\xff\x51"  # SOC, then SIZ at once (T.800 section A.5.1)
_MOST_TILES: Final = 65535  # T.800 section A.4.2

_PAGE_INFORMATION: Final = 48
_REGIONS: Final = frozenset((4, 6, 7, 20, 22, 23, 36, 38, 39, 40, 42, 43))  # T.88 section 7.3
_SHORTEST_SEGMENT: Final = 11
_UNKNOWN: Final = 0xFFFFFFFF


class Header(NamedTuple):
    """Size in pixels, bits of one pixel, and how many pixels a decoder paints in all; None where the codec does not say."""

    width: int
    height: int | None
    bits: int
    painted: int


def jpeg(data: bytes) -> Header:
    """The frame header (SOFn; T.81 section B.2.2)."""
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    scans = data.count(_START_OF_SCAN)
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one belongs")
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = _number(data, at + 5, 2), _number(data, at + 7, 2)
            passes = scans if scans > _MOST_SCANS else 1
            return Header(width, height or None, data[at + 4] * data[at + 9], width * height * passes)
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + max(2, _number(data, at + 2, 2))


def jpeg2000(data: bytes) -> Header:
    """The image and tile size (SIZ; T.800 section A.5.1)."""
    at = _codestream(data)
    if data[at : at + 4] != _CODESTREAM:
        raise ValueError("no JPEG 2000")
    right, bottom, left, top, tile_width, tile_height = (_number(data, at + 8 + 4 * place, 4) for place in range(6))
    width, height = right - left, bottom - top
    if min(width, height, tile_width, tile_height) <= 0:
        raise ValueError("a picture of no size")
    if -(-right // tile_width) * -(-bottom // tile_height) > _MOST_TILES:
        raise ValueError("more tiles than the codec allows")
    components = _number(data, at + 40, 2)
    return Header(width, height, sum(_depth(data[at + 42 + 3 * place]) for place in range(components)), width * height)


def _codestream(data: bytes) -> int:
    """Where it begins: at once, or in the box jp2c (section I.4)."""
    at = 0
    while data[at : at + 4] != _CODESTREAM:
        length, head = _number(data, at, 4), 8
        if length == 1:
            length, head = _number(data, at + 8, 8), 16
        if data[at + 4 : at + 8] == b"jp2c":
            return at + head
        if length < head:
            raise ValueError("a box that is shorter than its head, or the last")
        at += length
    return at


def jbig2(data: bytes) -> Header:
    """The page's size, and the areas of all regions that are painted on it."""
    pages, painted = list[tuple[int, int]](), 0
    for kind, body in _segments(data):
        if kind == _PAGE_INFORMATION:
            pages.append((_number(body, 0, 4), _number(body, 4, 4)))
        elif kind in _REGIONS:
            painted += _number(body, 0, 4) * _number(body, 4, 4)
    if len(pages) != 1:
        raise ValueError("not one page")
    ((width, height),) = pages
    known = None if height == _UNKNOWN else height
    return Header(width, known, 1, max(painted, width * (known or 0)))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and beginning of each segment (T.88 section 7.2)."""
    at = 0
    while len(data) - at >= _SHORTEST_SEGMENT:  # an end of line may stand behind the last one
        number, flags, references = _number(data, at, 4), data[at + 4], data[at + 5] >> 5
        at += 6
        if references == 7:  # the long form
            references = _number(data, at - 1, 4) & 0x1FFFFFFF
            at += 3 + (references + 8) // 8
        at += references * (1 if number <= 256 else 2 if number <= 65536 else 4)
        at += 4 if flags & 0x40 else 1
        length = _number(data, at, 4)
        yield flags & 0x3F, data[at + 4 : at + 12]
        if length == _UNKNOWN:  # one generic region to the end
            return
        at += 4 + length


def _depth(precision: int) -> int:
    return (precision & 0x7F) + 1


def _number(data: bytes, at: int, size: int) -> int:
    part = data[at : at + size]
    if len(part) != size:
        raise ValueError("cut off")
    return int.from_bytes(part, "big")
