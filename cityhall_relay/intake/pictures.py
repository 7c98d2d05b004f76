"""How much room a picture takes when a printer unpacks it. A few hundred bytes of JBIG2 can stand for a square kilometre.

Two sizes count, the one in the PDF and the one in the codec's own header (codecs.py), because printers believe one or the other.
Where they differ the printers would, so the document is damaged.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from pikepdf import (
    Array,
    ContentStreamInlineImage,
    Dictionary,
    Name,
    Object,
    Pdf,
    Stream,
    StreamDecodeLevel,
    parse_content_stream,
)

from cityhall_relay.intake import codecs
from cityhall_relay.intake.codecs import Header

MOST_PIXELS: Final = 150_000_000
"""An A4 sheet at 1200 dpi has 139 million."""

_CODECS: Final[dict[str, Callable[[bytes], Header]]] = {
    "/DCTDecode": codecs.jpeg,
    "/DCT": codecs.jpeg,
    "/JPXDecode": codecs.jpeg2000,
    "/JBIG2Decode": codecs.jbig2,
}
_FAX: Final = frozenset(("/CCITTFaxDecode", "/CCF"))
_FAX_COLUMNS: Final = 1728  # where the PDF does not say (ISO 32000-2 table 11)

_COMPONENTS: Final = {
    **dict.fromkeys(("/DeviceGray", "/CalGray", "/Indexed", "/Separation"), 1),
    **dict.fromkeys(("/DeviceRGB", "/CalRGB", "/Lab"), 3),
}
_MOST_COMPONENTS: Final = 4


class Unpacked(NamedTuple):
    """Bytes: what decoding here came to, and what a printer makes of it as a picture (0 for anything else)."""

    here: int
    picture: int


class TooLargeAPictureError(Exception):
    """A picture has more pixels or bytes than a sheet of paper can show."""


def unpacked(pdf: Pdf, stream: Stream, limit: int) -> Unpacked:
    """Decode `stream` as far as qpdf does, and read the header of a picture that only a printer decodes.

    Raises TooLargeAPictureError over MOST_PIXELS or `limit` bytes, PdfError or ValueError for one that is damaged.
    """
    filters = _listed(stream.get(Name.Filter))
    codec = str(filters[-1]) if filters else ""
    if codec not in _CODECS and codec not in _FAX:
        decoded = len(stream.get_stream_buffer(StreamDecodeLevel.specialized))
        return Unpacked(decoded, _room(stream, _declared(stream), limit) if _is_picture(stream) else 0)
    data = _before_the_codec(pdf, stream, filters)
    header = _CODECS[codec](data) if codec in _CODECS else _fax(stream)
    return Unpacked(len(data), _room(stream, header, limit))


def unpacked_inline(pdf: Pdf, limit: int) -> int:
    """Bytes that a printer makes of the pictures inside contents (ISO 32000-2 section 8.9.7). Raises like `unpacked`."""
    room = 0
    for scope in pdf.content_scopes():
        for instruction in parse_content_stream(scope.content, "BI ID EI"):
            if isinstance(instruction, ContentStreamInlineImage):
                picture = instruction.iimage.obj
                room += _room(picture, _declared(picture), limit)
    return room


def _room(stream: Object, header: Header, limit: int) -> int:
    width, height = _size(stream)
    if header.width != width or header.height not in (height, None):
        raise ValueError("the picture has two sizes")
    pixels = max(width * height, header.painted)
    room = pixels * max(header.bits, 1) // 8
    if width * height > MOST_PIXELS or room > limit:
        raise TooLargeAPictureError
    return room


def _is_picture(stream: Stream) -> bool:
    return stream.get(Name.Subtype) == Name.Image and Name.Width in stream


def _size(stream: Object) -> tuple[int, int]:
    width, height = (int(str(stream.get(key))) for key in (Name.Width, Name.Height))
    if min(width, height) < 1:
        raise ValueError("a picture of no size")
    return width, height


def _declared(stream: Object) -> Header:
    width, height = _size(stream)
    if str(stream.get(Name.ImageMask)) == "True":
        bits = 1
    else:
        bits = int(str(stream.get(Name.BitsPerComponent, 8))) * _components(stream.get(Name.ColorSpace))
    return Header(width, height, bits, width * height)


def _components(space: Object | None) -> int:
    """Of one pixel. A colour space that is not told apart counts as CMYK."""
    family = space[0] if isinstance(space, Array) and len(space) else space
    if family == Name.ICCBased and isinstance(space, Array) and isinstance(profile := space[1], Stream):
        return int(str(profile.get(Name.N, _MOST_COMPONENTS)))
    if family == Name.DeviceN and isinstance(space, Array):
        return len(_listed(space[1]))
    return _COMPONENTS.get(str(family), _MOST_COMPONENTS)


def _fax(stream: Stream) -> Header:
    parameters = _listed(stream.get(Name.DecodeParms))
    last = parameters[-1] if parameters else None
    columns = last.get(Name.Columns, _FAX_COLUMNS) if isinstance(last, Dictionary) else _FAX_COLUMNS
    width, height = _size(stream)
    return Header(int(str(columns)), height, 1, width * height)


def _before_the_codec(pdf: Pdf, stream: Stream, filters: list[Object]) -> bytes:
    """The codec's own data: what the filters before it decode to."""
    raw = stream.read_raw_bytes()
    if len(filters) == 1:
        return raw
    parameters = _listed(stream.get(Name.DecodeParms))[:-1]
    inner = Stream(pdf, raw, Filter=Array(filters[:-1]))
    if parameters:
        inner.DecodeParms = Array(parameters)
    return bytes(inner.get_stream_buffer(StreamDecodeLevel.specialized))


def _listed(value: Object | None) -> list[Object]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]
