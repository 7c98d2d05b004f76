"""The sample certificate: an A4 copy of a resident record (住民票の写し), plainly marked 見本, of people who do not exist.

Lengths are millimetres from the top left corner. The same arguments always give the same bytes; another number gives
another household, serial, guilloche and seal, so that little of one sample is found in another.
"""

from datetime import UTC, datetime
from random import Random
from typing import Final

from fpdf import FPDF

from provisioning.ornament import A4, SEAL_SIDE, noise, paper, seal, watermark
from provisioning.specimen import Household, Member, household

# The package fonts-noto-cjk, on Debian and on Ubuntu. Face 0 is the Japanese one; fpdf2 embeds the used glyphs as CFF.
_FONTS: Final = {
    "": "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "B": "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
}

_LEFT: Final = 18.0
_INNER: Final = A4[0] - 2 * _LEFT
_ROW: Final = 8.0
_LABEL: Final = 25.0
_PEOPLE_PER_PAGE: Final = 4
_GRAIN_BYTES: Final = 40_000  # a third of a certificate: what a search for traces of this very one can look for
_BYTES_BESIDES_GRAIN: Final = 70_000  # measured; mostly fonts, and no two households need the same characters
_BYTES_OF_A_PAGE: Final = 30_000


def sample_certificate(number: int, pages: int = 1, target_bytes: int | None = None) -> bytes:
    """A PDF of `pages` A4 pages for the specimen household `number`.

    Without `target_bytes` it is about 110 kB and 30 kB more for each further page. A larger target is met within 2 % from
    1 MB on, by a finer grain of the paper: an image that every page draws, because what no page draws a print path may drop.
    Raises ValueError when pages < 1, and FileNotFoundError without the package fonts-noto-cjk.
    """
    if pages < 1:
        raise ValueError("a certificate has at least one page")
    all_else = _BYTES_BESIDES_GRAIN + (pages - 1) * _BYTES_OF_A_PAGE
    return _certificate(number, pages, max(_GRAIN_BYTES, (target_bytes or 0) - all_else))


def _certificate(number: int, pages: int, grain_bytes: int) -> bytes:
    draw = Random(number)  # noqa: S311 - ornament, not a secret
    home = household(number, people=_PEOPLE_PER_PAGE * (pages - 1) + draw.randrange(2, _PEOPLE_PER_PAGE + 1))
    grain = noise(number, grain_bytes)
    pdf = _blank_document(home)
    for page in range(pages):
        pdf.add_page()
        paper(pdf, draw, grain)
        _heading(pdf, home, page + 1, pages)
        _people(pdf, home, first=page * _PEOPLE_PER_PAGE)
        watermark(pdf)
    _certification(pdf, home, draw)
    return bytes(pdf.output())


def _blank_document(home: Household) -> FPDF:
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title("住民票の写し（見本）")
    pdf.set_subject(home.serial)
    pdf.set_creation_date(datetime(2026, 4, 1, tzinfo=UTC))  # the clock would make equal samples differ
    for style, file in _FONTS.items():
        pdf.add_font("serif", style, file)
    return pdf


def _write(pdf: FPDF, x: float, y: float, text: str, size: float, style: str = "") -> None:
    """Set `text` in `size` points with its baseline beginning at (x, y)."""
    pdf.set_font("serif", style, size)
    pdf.text(x, y, text)


def _heading(pdf: FPDF, home: Household, page: int, pages: int) -> None:
    _write(pdf, A4[0] - 70, 20, f"証明番号　{home.serial}", 9)
    _write(pdf, A4[0] - 32, 25, f"{page} ／ {pages} 枚", 9)
    pdf.set_font("serif", "B", 24)
    pdf.set_xy(_LEFT, 26)
    pdf.cell(_INNER, 14, "住　民　票　の　写　し", align="C")
    _row(pdf, 46, (("住　所", home.address, _INNER),))
    _row(pdf, 46 + _ROW, (("世帯主", home.head, _INNER),))


def _people(pdf: FPDF, home: Household, first: int) -> None:
    top = 46 + 2 * _ROW + 4
    for place, member in enumerate(home.members[first : first + _PEOPLE_PER_PAGE]):
        y = top + place * (4 * _ROW + 4)
        _person(pdf, y, member, home)
        pdf.set_line_width(0.5)
        pdf.rect(_LEFT, y, _INNER, 4 * _ROW)


def _person(pdf: FPDF, y: float, who: Member, home: Household) -> None:
    half = _INNER / 2
    _row(pdf, y, (("氏　名", who.name, half), ("生年月日", who.born, half)))
    _row(
        pdf,
        y + _ROW,
        (("続　柄", f"{who.relation}　　性別　{who.sex}", half), ("住民となった日", who.resident_since, half)),
    )
    _row(pdf, y + 2 * _ROW, (("本　籍", f"{home.registered_domicile}　　筆頭者　{home.head}", _INNER),))
    _row(pdf, y + 3 * _ROW, (("前住所", who.former_address, half + 20), ("届出日", who.notified, half - 20)))


def _row(pdf: FPDF, y: float, cells: tuple[tuple[str, str, float], ...]) -> None:
    """One line of the form: (label, value, width of both together) from the left margin on."""
    pdf.set_line_width(0.2)
    pdf.set_fill_color(232, 238, 234)
    pdf.set_xy(_LEFT, y)
    for label, value, width in cells:
        pdf.set_font("serif", "", 8.5)
        pdf.cell(_LABEL, _ROW, label, border=1, align="C", fill=True)
        pdf.set_font("serif", "", 10)
        pdf.cell(width - _LABEL, _ROW, value, border=1)


def _certification(pdf: FPDF, home: Household, draw: Random) -> None:
    y = 230.0
    _write(pdf, _LEFT, y, "個人番号・住民票コードの記載は省略します。　　以下余白", 9)
    _write(pdf, _LEFT + 4, y + 14, "この写しは、世帯全員の住民票の原本と相違ないことを証明する。", 12)
    _write(pdf, _LEFT + 8, y + 26, home.issued, 12)
    _write(pdf, A4[0] - 116, y + 40, "長谷市長　　見　本　一　郎", 16, "B")
    seal(pdf, draw, A4[0] - _LEFT - SEAL_SIDE - 4, y + 24)
    _write(pdf, _LEFT, A4[1] - 13, "これは見本です。証明書としての効力はなく、記載の人物・住所は架空のものです。", 8)
