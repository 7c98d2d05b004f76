"""What a picture unpacks to by its own header: real headers of the corpus, then the same ones telling lies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from cityhall_relay.intake import codecs
from cityhall_relay.intake.codecs import Header
from cityhall_relay.intake.pictures import TooLargeAPictureError, Unpacked, unpacked

DOCUMENTS = Path(__file__).parents[1] / "documents"
MIB = 1 << 20
LIMIT = 128 * MIB

# What each scan's picture really is: its codec, where its header states width and height, and the header.
SCANS: dict[str, tuple[Callable[[bytes], Header], Header]] = {
    "scan-jpeg.pdf": (codecs.jpeg, Header(1654, 2339, 8, 1654 * 2339)),
    "scan-jpeg2000.pdf": (codecs.jpeg2000, Header(1654, 2339, 8, 1654 * 2339)),
    "scan-jbig2-symbols.pdf": (codecs.jbig2, Header(2481, 3508, 1, 2481 * 3508)),
}


def picture(name: str) -> tuple[bytes, str]:
    """The codec's data of the one picture in a document of the corpus, and its filter."""
    with pikepdf.open(DOCUMENTS / name) as pdf:
        (image,) = (
            thing for thing in pdf.objects if isinstance(thing, Stream) and thing.get(Name.Subtype) == Name.Image
        )
        return image.read_raw_bytes(), str(image.Filter)


def cost(data: bytes, limit: int = LIMIT, **entries: Any) -> Unpacked:
    with pikepdf.new() as pdf:
        return unpacked(pdf, Stream(pdf, data, Subtype=Name.Image, **entries), limit)


@pytest.mark.parametrize("name", SCANS)
def test_the_header_of_a_real_scan_is_read(name: str) -> None:
    read, expected = SCANS[name]
    assert read(picture(name)[0]) == expected


@pytest.mark.parametrize("name", SCANS)
def test_a_picture_whose_codec_and_document_state_two_sizes_is_damaged(name: str) -> None:
    data, codec = picture(name)
    _, header = SCANS[name]
    assert cost(data, Filter=Name(codec), Width=header.width, Height=header.height).picture == (
        header.width * (header.height or 0) * header.bits // 8
    )
    for width, height in ((header.width + 1, header.height), (header.width, 100)):
        with pytest.raises(ValueError, match="two sizes"):
            cost(data, Filter=Name(codec), Width=width, Height=height)


@pytest.mark.parametrize("name", SCANS)
def test_a_header_cut_off_anywhere_is_damaged_or_read_but_never_more(name: str) -> None:
    data, read = picture(name)[0], SCANS[name][0]
    for length in range(min(200, len(data))):
        try:
            read(data[:length])
        except (ValueError, IndexError):
            continue


def huge(name: str) -> tuple[bytes, int, int]:
    """The scan's data after its header was made to state a picture of kilometres, and that size."""
    data = bytearray(picture(name)[0])
    _, header = SCANS[name]
    size, side = (2, 65500) if name == "scan-jpeg.pdf" else (4, 2_000_000)
    for old in (header.width, header.height or 0):
        data = data.replace(old.to_bytes(size, "big"), side.to_bytes(size, "big"))
    return bytes(data), side, side


@pytest.mark.parametrize("name", SCANS)
def test_a_picture_of_kilometres_is_a_bomb_by_its_codec_alone(name: str) -> None:
    data, width, height = huge(name)
    read = SCANS[name][0]
    assert (read(data).width, read(data).height) == (width, height)
    with pytest.raises(TooLargeAPictureError):
        cost(data, Filter=Name(picture(name)[1]), Width=width, Height=height)


def test_a_progressive_jpeg_of_thousands_of_scans_is_a_bomb() -> None:
    data, codec = picture("scan-jpeg.pdf")
    with pytest.raises(TooLargeAPictureError):
        cost(data + b"\xff\xda\x00\x02" * 5000, Filter=Name(codec), Width=1654, Height=2339)


def test_jbig2_that_paints_its_page_thousands_of_times_is_a_bomb() -> None:
    data, codec = picture("scan-jbig2-symbols.pdf")
    region = b"\x00\x00\x00\x09\x26\x00\x01\x00\x00\x00\x08" + (2481).to_bytes(4, "big") + (3508).to_bytes(4, "big")
    with pytest.raises(TooLargeAPictureError):
        cost(data + region * 500, Filter=Name(codec), Width=2481, Height=3508)


def test_a_codestream_that_another_box_only_quotes_is_not_believed() -> None:
    data = picture("scan-jpeg2000.pdf")[0]
    quoted = data[data.find(b"\xff\x4f\xff\x51") :][:60]
    box = (8 + len(quoted)).to_bytes(4, "big") + b"uuid" + quoted
    bomb = huge("scan-jpeg2000.pdf")[0]
    assert codecs.jpeg2000(bomb[:12] + box + bomb[12:]).width == 2_000_000


def test_jbig2_of_two_pages_is_damaged() -> None:
    data = picture("scan-jbig2-symbols.pdf")[0]
    with pytest.raises(ValueError, match="not one page"):
        codecs.jbig2(data + data)


def test_jpeg_2000_in_millions_of_tiles_is_damaged() -> None:
    data = bytearray(picture("scan-jpeg2000.pdf")[0])
    tile_size = data.find(b"\xff\x4f\xff\x51") + 8 + 16
    data[tile_size : tile_size + 8] = b"\x00\x00\x00\x01" * 2
    with pytest.raises(ValueError, match="tiles"):
        codecs.jpeg2000(bytes(data))


@pytest.mark.parametrize(
    "entries",
    [
        {"Filter": Name.CCITTFaxDecode, "DecodeParms": Dictionary(Columns=200_000), "Width": 200_000, "Height": 200_000},
        {"BitsPerComponent": 8, "ColorSpace": Name.DeviceRGB, "Width": 8000, "Height": 8000},
        {"BitsPerComponent": 1, "ImageMask": True, "Width": 2_000_000_000, "Height": 2_000_000_000},
        {"ColorSpace": Array([Name.DeviceN, Array([Name.A] * 64), Name.DeviceGray]), "Width": 2000, "Height": 2000},
    ],
    ids=["fax", "RGB", "mask", "64 inks"],
)  # fmt: skip
def test_a_size_that_no_sheet_of_paper_has_is_a_bomb(entries: dict[str, Any]) -> None:
    with pytest.raises(TooLargeAPictureError):
        cost(b"\x00" * 9, **entries)


def test_a_colour_sheet_at_600_dpi_and_a_black_one_at_1200_are_no_bombs() -> None:
    assert cost(b"", BitsPerComponent=8, ColorSpace=Name.DeviceRGB, Width=4961, Height=7016).picture == 4961 * 7016 * 3
    assert cost(b"", Width=9922, Height=14032, **fax(9922)).picture == 9922 * 14032 // 8


def fax(columns: int) -> dict[str, Any]:
    return {"Filter": Name.CCITTFaxDecode, "DecodeParms": Dictionary(K=-1, Columns=columns)}


def test_a_fax_whose_columns_are_not_its_width_is_damaged() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        cost(b"\x00", Width=2480, Height=3508, **fax(1728))


@pytest.mark.parametrize("width", [0, -1, "wide"])
def test_a_picture_of_no_size_is_damaged(width: Any) -> None:
    with pytest.raises(ValueError, match=r"size|int"):
        cost(b"", Width=Name(f"/{width}") if isinstance(width, str) else width, Height=9)


def test_a_codec_inside_other_filters_is_looked_into() -> None:
    data, codec = picture("scan-jpeg.pdf")
    chain = Array([Name.ASCIIHexDecode, Name(codec)])
    assert cost(data.hex().encode(), Filter=chain, Width=1654, Height=2339) == Unpacked(len(data), 1654 * 2339)


def test_an_ordinary_stream_counts_what_it_decodes_to() -> None:
    with pikepdf.new() as pdf:
        assert unpacked(pdf, Stream(pdf, b"4142", Filter=Name.ASCIIHexDecode), LIMIT) == Unpacked(2, 0)


@pytest.mark.parametrize(
    ("space", "components"),
    [
        (lambda _: Name.DeviceGray, 1),
        (lambda _: Name.DeviceRGB, 3),
        (lambda _: Name.DeviceCMYK, 4),
        (lambda _: Array([Name.Indexed, Name.DeviceRGB, 1, Name.X]), 1),
        (lambda pdf: Array([Name.ICCBased, Stream(pdf, b"", N=3)]), 3),
        (lambda _: Array([Name.DeviceN, Array([Name.A, Name.B]), Name.DeviceGray]), 2),
        (lambda _: Name.Pattern, 4),
    ],
)
def test_the_colour_space_says_how_many_bytes_a_pixel_takes(space: Callable[[Pdf], Any], components: int) -> None:
    with pikepdf.new() as pdf:
        stream = Stream(pdf, b"", Subtype=Name.Image, Width=10, Height=10, BitsPerComponent=8, ColorSpace=space(pdf))
        assert unpacked(pdf, stream, LIMIT).picture == 100 * components
