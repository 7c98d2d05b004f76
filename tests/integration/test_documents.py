"""Documents that this project did not make (tests/documents), through the real disposable process, and hostile ones like them."""

import asyncio
import json
import os
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image
from starlette.requests import Request

from cityhall_relay.intake.check import check
from cityhall_relay.intake.errors import IntakeBusyError, IntakeError, IntakeRefused
from cityhall_relay.intake.report import IntakeLimits, PageSize, Refusal, Report
from cityhall_relay.intake.turns import Turns
from cityhall_relay.web.errors import HANDLERS

DOCUMENTS = Path(__file__).parents[1] / "documents"
TAKEN = sorted(path.name for path in DOCUMENTS.glob("*.pdf") if not path.name.startswith("refused-"))

REFUSED = {
    "refused-encrypted-aes-128.pdf": (Refusal.ENCRYPTED, ""),
    "refused-encrypted-aes-256.pdf": (Refusal.ENCRYPTED, ""),
    "refused-encrypted-rc4-40.pdf": (Refusal.ENCRYPTED, ""),
    "refused-encrypted-with-password.pdf": (Refusal.ENCRYPTED, ""),
    "refused-libharu-ms-gothic.pdf": (Refusal.FONT_NOT_EMBEDDED, "MS-Gothic"),
    "refused-libharu-ms-mincho.pdf": (Refusal.FONT_NOT_EMBEDDED, "MS-Mincho"),
    "refused-libreoffice-form.pdf": (Refusal.FORM_NOT_DRAWN, "a form field"),
    "refused-reportlab-heiseimin.pdf": (Refusal.FONT_NOT_EMBEDDED, "HeiseiMin-W3"),
    "refused-tcpdf-kozmin.pdf": (Refusal.FONT_NOT_EMBEDDED, "KozMinPro-Regular-Acro-UniJIS-UCS2-H"),
}


def take(document: bytes, **limits: Any) -> Report:
    return asyncio.run(check(document, IntakeLimits(**limits)))


def findings(document: bytes, **limits: Any) -> set[tuple[Refusal, str]]:
    with pytest.raises(IntakeRefused) as refused:
        take(document, **limits)
    return {(finding.refusal, finding.detail) for finding in refused.value.findings}


def read(name: str) -> bytes:
    return (DOCUMENTS / name).read_bytes()


# What real programs made


@pytest.mark.parametrize("name", TAKEN)
def test_a_document_of_another_program_is_taken(name: str) -> None:
    report = take(read(name))
    assert report.pages == 1
    (size,) = report.sizes
    assert size.width_mm == pytest.approx(210, abs=0.5)
    assert size.height_mm == pytest.approx(297, abs=0.5)


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_that_would_print_differently_elsewhere_is_refused(name: str) -> None:
    assert findings(read(name)) == {REFUSED[name]}


def test_the_table_of_the_corpus_names_each_document_and_no_other() -> None:
    named = {row.split("`")[1] for row in (DOCUMENTS / "README.md").read_text().splitlines() if row.startswith("| `")}
    assert named == {path.name for path in DOCUMENTS.glob("*.pdf")} == {*TAKEN, *REFUSED}


def many_pages(name: str, count: int) -> bytes:
    """`count` pages, each with contents and resources of its own."""
    with pikepdf.open(DOCUMENTS / name) as source, pikepdf.new() as pdf:
        for _ in range(count):
            pdf.pages.extend(source.pages)
        for page in pdf.pages:
            page.obj.Contents = pdf.make_stream(page.obj.Contents.read_bytes())
        out = BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return out.getvalue()


def test_a_document_of_300_pages_is_taken_where_the_city_allows_it() -> None:
    document = many_pages("libreoffice-docx.pdf", 300)
    assert take(document, pages=300).sizes == (PageSize(width_mm=210.0, height_mm=297.0),) * 300
    assert findings(document) == {(Refusal.TOO_MANY_PAGES, "50")}


def scan_600_dpi(pages: int) -> bytes:
    """A4 in colour at 600 dpi, with the grain that makes a scan's JPEG large: about 10 MB a page."""
    width, height = 4961, 7016
    jpeg = BytesIO()
    Image.frombytes("L", (width, height), os.urandom(width * height)).convert("RGB").save(jpeg, "JPEG", quality=20)
    with pikepdf.new() as pdf:
        for _ in range(pages):
            image = Stream(pdf, jpeg.getvalue(), Subtype=Name.Image, Width=width, Height=height, BitsPerComponent=8)
            image.ColorSpace, image.Filter = Name.DeviceRGB, Name.DCTDecode
            page = pdf.add_blank_page(page_size=(595.28, 841.89))
            page.resources.XObject = Dictionary(I=image)
            page.obj.Contents = Stream(pdf, b"595.28 0 0 841.89 0 0 cm /I Do")
        out = BytesIO()
        pdf.save(out)
        return out.getvalue()


def test_a_scan_of_20_mb_at_600_dpi_is_taken() -> None:
    document = scan_600_dpi(pages=2)
    assert 15_000_000 < len(document) < 32 * 1024 * 1024
    assert take(document).pages == 2


# Flaws


def with_padding(tail: bytes) -> bytes:
    return read("itext-identity-h-13.pdf") + tail


@pytest.mark.parametrize("tail", [b"\r\n", b"\x00" * 500, b"\n\x1a"])
def test_padding_behind_the_end_is_taken(tail: bytes) -> None:
    assert take(with_padding(tail)).pages == 1


@pytest.mark.parametrize("tail", [b"\x1b%-12345X@PJL EOJ\r\n", b"<html>", b"%%EOF" * 1000 + b"x"])
def test_anything_else_behind_the_end_is_refused(tail: bytes) -> None:
    assert findings(with_padding(tail)) == {(Refusal.DAMAGED, "")}


def in_table(old: bytes, new: bytes) -> bytes:
    """iText's document with its last `old` replaced."""
    head, found, tail = read("itext-identity-h-13.pdf").rpartition(old)
    assert found
    return head + new + tail


def sized(change: int) -> bytes:
    size = int(read("itext-identity-h-13.pdf").rpartition(b"/Size ")[2].split(b"/")[0].split(b">")[0])
    return in_table(b"/Size %d" % size, b"/Size %d" % (size + change))


def test_a_table_that_promises_more_objects_than_there_are_is_taken() -> None:
    assert take(sized(+5)).pages == 1


def test_a_table_of_which_the_last_objects_are_missing_by_the_book_is_refused() -> None:
    assert findings(sized(-2)) == {(Refusal.DAMAGED, "")}


def test_a_table_that_starts_a_line_later_is_taken() -> None:
    assert take(in_table(b"xref\n0 ", b"\nxref\n0 ")).pages == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"startxref\n", b"startxref\n1"), (b"00000 n", b"00000 m"), (b"/Root", b"/Boot"), (b"trailer", b"trailor")],
)
def test_a_damaged_table_is_refused(old: bytes, new: bytes) -> None:
    assert findings(in_table(old, new)) == {(Refusal.DAMAGED, "")}


@pytest.mark.parametrize("flaw", [(b"endobj", b"endjob"), (b"endstream", b"endstraem"), (b"/Length", b"/Lingth")])
def test_an_object_that_readers_would_read_differently_is_refused(flaw: tuple[bytes, bytes]) -> None:
    document = read("itext-identity-h-13.pdf").replace(*flaw)
    assert Refusal.DAMAGED in {refusal for refusal, _ in findings(document)}


def test_a_document_cut_anywhere_is_damaged() -> None:
    """Between the two ends of a document that was changed once more the first half is whole, and no more than that."""
    whole = read("incremental.pdf")
    first_end = whole.index(b"%%EOF") + 5
    for length in (9, len(whole) // 2, first_end - 6, first_end + 40, len(whole) - 7):
        assert findings(whole[:length]) == {(Refusal.DAMAGED, "")}
    assert take(whole[:first_end]).pages == 1


# Fonts that core systems leave to the printer


def japanese(base_font: bytes, encoding: str) -> bytes:
    """A page that paints with a composite font that is not there; `base_font` as the bytes of its name."""
    escaped = b"".join(b"#%02X" % byte for byte in base_font).decode()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595.28, 841.89))
        font = pikepdf.Object.parse(
            f"<</Type/Font/Subtype/Type0/BaseFont/{escaped}/Encoding/{encoding}/DescendantFonts[<</Type/Font"
            f"/Subtype/CIDFontType0/BaseFont/{escaped}/FontDescriptor<</Type/FontDescriptor>>>>]>>".encode()
        )
        page.resources.Font = Dictionary(F=font)
        page.obj.Contents = Stream(pdf, b"BT /F 12 Tf <82A0> Tj ET")
        out = BytesIO()
        pdf.save(out)
        return out.getvalue()


@pytest.mark.parametrize(
    ("name", "encoding", "told"),
    [
        (b"Ryumin-Light", "90ms-RKSJ-H", "Ryumin-Light"),
        (b"GothicBBB-Medium", "90ms-RKSJ-V", "GothicBBB-Medium"),
        ("ＭＳ 明朝".encode("cp932"), "90ms-RKSJ-H", "MS 明朝"),
        ("ＭＳ ゴシック,Bold".encode(), "UniJIS-UTF16-H", "MS ゴシック,Bold"),
        (b"\xff\xfe<script>", "Identity-H", "???script?"),
    ],
)
def test_a_missing_japanese_font_is_named_as_its_user_knows_it(name: bytes, encoding: str, told: str) -> None:
    assert findings(japanese(name, encoding)) == {(Refusal.FONT_NOT_EMBEDDED, told)}


# Bombs that pictures and structures make


def page_with(**entries: Any) -> bytes:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595.28, 841.89))
        page.obj.Contents = Stream(pdf, entries.pop("content", b""))
        if entries:
            page.resources.XObject = Dictionary(I=Stream(pdf, entries.pop("data", b""), Subtype=Name.Image, **entries))
        out = BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return out.getvalue()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(page_with(Width=10**6, Height=10**6, BitsPerComponent=8, ColorSpace=Name.DeviceRGB), id="declared"),
        pytest.param(page_with(content=b"BI /W 1000000 /H 1000000 /BPC 8 /CS /RGB ID xx EI"), id="inside the content"),
        pytest.param(page_with(content=b"BI /#57idth 900000 /H 900000 /IM true ID xx EI"), id="under another spelling"),
        pytest.param(
            page_with(data=zlib.compress(b"x" * 99), Width=9, Height=9, BitsPerComponent=8, ColorSpace=Name.DeviceGray,
                      Filter=Name.FlateDecode, DecodeParms=Dictionary(Predictor=12, Columns=2**31 - 1, Colors=4)), id="predictor"),
    ],
)  # fmt: skip
def test_a_picture_that_no_paper_could_show_is_a_bomb_or_damaged(document: bytes) -> None:
    assert {refusal for refusal, _ in findings(document)} <= {Refusal.BOMB, Refusal.DAMAGED}


def test_pictures_that_are_too_much_together_are_a_bomb() -> None:
    def layers(pdf: Pdf, count: int) -> Dictionary:
        image = Dictionary(Subtype=Name.Image, Width=9000, Height=9000, Filter=Name.CCITTFaxDecode)
        image.DecodeParms = Dictionary(K=-1, Columns=9000)
        return Dictionary({f"/I{number}": Stream(pdf, b"\x00", image) for number in range(count)})

    def sheet(count: int) -> bytes:
        with pikepdf.new() as pdf:
            pdf.add_blank_page(page_size=(595.28, 841.89)).resources.XObject = layers(pdf, count)
            out = BytesIO()
            pdf.save(out)
            return out.getvalue()

    assert take(sheet(13)).pages == 1
    assert findings(sheet(14)) == {(Refusal.BOMB, "")}


def test_filters_within_filters_within_filters_are_refused_or_decoded() -> None:
    for filters in (Array([Name.ASCIIHexDecode] * 2000), Array([Name.LZWDecode, Name.FlateDecode] * 500)):
        document = page_with(
            data=b">", Width=1, Height=1, BitsPerComponent=8, ColorSpace=Name.DeviceGray, Filter=filters
        )
        assert {refusal for refusal, _ in findings(document)} <= {Refusal.BOMB, Refusal.DAMAGED}


def by_hand(*objects: bytes) -> bytes:
    """A document of these objects, the first of them its root."""
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj %b endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"xref\n0 %d\n0000000000 65535 f \n%btrailer <</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + tail % (len(objects) + 1, table, len(objects) + 1, len(out))


ROOT = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = b"<</Type/Page/Parent 2 0 R/Resources<<>>/MediaBox[0 0 595 842]>>"


def test_a_document_by_hand_is_taken() -> None:
    assert take(by_hand(ROOT, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE)).pages == 1


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(b"<</Type/Pages/Count 1/Kids[2 0 R]>>", id="a tree that is its own child"),
        pytest.param(b"<</Type/Pages/Count 2/Kids[3 0 R 3 0 R]>>", id="a page twice"),
        pytest.param(b"<</Type/Pages/Count 1/Kids[3 0 R 9 0 R]>>", id="a page that is not there"),
        pytest.param(b"<</Type/Pages/Count 5/Kids[3 0 R]>>", id="fewer pages than it says"),
        pytest.param(b"<</Type/Pages/Count 1/Kids[]>>", id="no page"),
        pytest.param(b"<</Type/Pages/Count 99999999/Kids 3 0 R>>", id="no list"),
        pytest.param(b"2 0 R", id="a reference to itself"),
    ],
)
def test_a_page_tree_that_readers_would_count_differently_is_refused(pages: bytes) -> None:
    assert findings(by_hand(ROOT, pages, PAGE)) == {(Refusal.DAMAGED, "")}


def test_a_page_without_a_size_of_its_own_is_refused() -> None:
    sizeless = by_hand(ROOT, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", b"<</Type/Page/Parent 2 0 R>>")
    assert Refusal.DAMAGED in {refusal for refusal, _ in findings(sizeless)}


def test_a_million_objects_are_a_bomb() -> None:
    many = b"<</Type/Catalog/Pages 2 0 R/Stuff[%b]>>" % b" ".join(b"<</A[]>>" for _ in range(1_000_000))
    document = by_hand(many, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE)
    assert findings(document, cpu_seconds=1) == {(Refusal.BOMB, "")}


# Notes and fields that nobody drew


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (b"/Subtype/FreeText/F 4/Contents(a note)", "a note"),
        (b"/Subtype/Widget/FT/Tx/F 4/V(a name)", "a form field"),
        (b"/Subtype/Widget/F 4/Parent<</FT/Ch/V[(one)]>>", "a form field"),
    ],
)
def test_what_was_noted_but_not_drawn_is_refused(note: bytes, told: str) -> None:
    page = PAGE.replace(b">>/M", b">>/Annots[<</Type/Annot/Rect[0 0 9 9]%b>>]/M" % note)
    assert findings(by_hand(ROOT, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page)) == {(Refusal.FORM_NOT_DRAWN, told)}


@pytest.mark.parametrize(
    "note",
    [
        b"/Subtype/FreeText/Contents(on the screen only)",
        b"/Subtype/FreeText/F 6/Contents(hidden)",
        b"/Subtype/Widget/FT/Tx/F 4/V()",
        b"/Subtype/Widget/FT/Btn/F 4/V/Off",
        b"/Subtype/Widget/FT/Sig/F 4/V<</Type/Sig>>",
        b"/Subtype/Link/F 4",
    ],
)
def test_what_leaves_no_trace_on_paper_is_taken(note: bytes) -> None:
    page = PAGE.replace(b">>/M", b">>/Annots[<</Type/Annot/Rect[0 0 9 9]%b>>]/M" % note)
    assert take(by_hand(ROOT, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page)).pages == 1


# Many at once


def test_no_more_than_two_documents_are_looked_into_at_a_time_and_the_others_wait_their_turn() -> None:
    at_once: list[int] = []

    async def clerks() -> list[Report]:
        inside = 0

        async def counted(document: bytes, limits: IntakeLimits) -> Report:
            nonlocal inside
            inside += 1
            at_once.append(inside)
            try:
                return await check(document, limits)
            finally:
                inside -= 1

        in_turn = Turns(at_once=2).taken_by(counted)
        return await asyncio.gather(*(in_turn(read("cairo.pdf"), IntakeLimits()) for _ in range(5)))

    assert [report.pages for report in asyncio.run(clerks())] == [1] * 5
    assert (len(at_once), max(at_once)) == (5, 2)


def test_who_gets_no_turn_is_told_so_and_nothing_was_begun() -> None:
    begun: list[str] = []

    async def three_clerks() -> None:
        first_left = asyncio.Event()

        async def work(clerk: str) -> None:
            begun.append(clerk)
            if clerk == "first":
                await first_left.wait()

        in_turn = Turns(at_once=1, patience_seconds=0.05).taken_by(work)

        async def second_and_third() -> None:
            with pytest.raises(IntakeBusyError, match="send it again in a minute"):
                await in_turn("second")
            first_left.set()

        await asyncio.gather(in_turn("first"), second_and_third())
        await in_turn("third")

    asyncio.run(three_clerks())
    assert begun == ["first", "third"]


def test_over_http_that_is_no_fault_of_the_relay() -> None:
    handler: Any = HANDLERS[IntakeError]
    answer = asyncio.run(handler(Request({"type": "http"}), IntakeBusyError()))
    assert (answer.status_code, json.loads(bytes(answer.body))["key"]) == (503, "intake.busy")


# Mutations


@pytest.mark.timeout(150)  # 3 s of a processor, ten times that where eight share one
def test_hundreds_of_mutated_documents_are_each_taken_or_refused_with_a_sentence() -> None:
    """A run of tens of thousands: `python -W ignore -m tests.mutations SEED COUNT`."""
    program = [sys.executable, "-W", "ignore", "-m", "tests.mutations", "2026", "300"]
    run = subprocess.run(program, capture_output=True, text=True, timeout=140, cwd=DOCUMENTS.parents[1], check=False)
    assert run.returncode == 0, run.stderr
    tally = json.loads(run.stdout)
    assert sum(tally.values()) == 300
    assert tally["taken"] > 10
    assert tally[Refusal.DAMAGED] > 100
