"""Makes the page of the opening checklist (試し刷り): `python -m provisioning.trial_page` writes cityhall_relay/test-page.pdf.

What a person looks for on it: margins on all four sides, every step of the grey scale, small text in both scripts, hairlines.
It says nothing of anybody, and is no certificate. Lengths are millimetres from the top left corner; the same fonts always
give the same bytes.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF

PAGE: Final = Path(__file__).parents[1] / "cityhall_relay" / "test-page.pdf"

# The package fonts-noto-cjk, as in provisioning/sample.py.
_FONT: Final = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
_WIDTH, _HEIGHT = 210.0, 297.0
_MARGIN: Final = 5.0
_LEFT: Final = 20.0
_INNER: Final = _WIDTH - 2 * _LEFT
_GREYS: Final = 11
_SIZES: Final = (4, 5, 6, 8, 10, 12)
_HAIRS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)


def trial_page() -> bytes:
    """One A4 page; raises FileNotFoundError without the package fonts-noto-cjk."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title("試し刷り")
    pdf.set_creation_date(datetime(2026, 4, 1, tzinfo=UTC))  # the clock would make equal pages differ
    pdf.add_font("sans", "", _FONT)
    pdf.add_page()
    _frame(pdf)
    _write(pdf, 40, 34, "試し刷り", align="C")
    _write(pdf, 56, 11, "Test page. 証明書ではありません。点検が終わったら保管してください。", align="C")
    _grey_scale(pdf)
    _small_text(pdf)
    _hairlines(pdf)
    _questions(pdf)
    return bytes(pdf.output())


def _write(pdf: FPDF, y: float, size: float, text: str, align: str = "L") -> None:
    pdf.set_font("sans", "", size)
    pdf.set_xy(_LEFT, y)
    pdf.cell(_INNER, size / 2, text, align=align)


def _frame(pdf: FPDF) -> None:
    # A printer that cuts a margin off cuts a side of this frame off.
    pdf.set_line_width(0.2)
    pdf.rect(_MARGIN, _MARGIN, _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN)
    for x, y in ((_MARGIN, _HEIGHT / 2), (_WIDTH - _MARGIN, _HEIGHT / 2)):
        pdf.line(x - 2, y, x + 2, y)
    for x, y in ((_WIDTH / 2, _MARGIN), (_WIDTH / 2, _HEIGHT - _MARGIN)):
        pdf.line(x, y - 2, x, y + 2)


def _grey_scale(pdf: FPDF) -> None:
    _write(pdf, 74, 10, "濃さ  0 % - 100 %")
    side = _INNER / _GREYS
    for step in range(_GREYS):
        grey = 255 - round(255 * step / (_GREYS - 1))
        pdf.set_fill_color(grey)
        pdf.rect(_LEFT + step * side, 82, side, 18, style="DF")
        pdf.set_font("sans", "", 7)
        pdf.set_xy(_LEFT + step * side, 101)
        pdf.cell(side, 4, f"{100 * step // (_GREYS - 1)}", align="C")


def _small_text(pdf: FPDF) -> None:
    for place, size in enumerate(_SIZES):
        _write(pdf, 116 + place * 8, size, f"{size} pt  住民票の写し 照合番号 0123456789 ABCDEFG abcdefg 鬱・髙・﨑")


def _hairlines(pdf: FPDF) -> None:
    _write(pdf, 170, 10, "線の太さ mm")
    for place, width in enumerate(_HAIRS):
        y = 180 + place * 6
        pdf.set_line_width(width)
        pdf.line(_LEFT + 20, y + 2, _WIDTH - _LEFT, y + 2)
        _write(pdf, y, 8, str(width))


def _questions(pdf: FPDF) -> None:
    for place, text in enumerate(
        (
            "四つの辺の枠が、すべて印刷されていますか。",
            "濃さの階段が、すべて見分けられますか。",
            "いちばん小さな文字が、読めますか。",
            "しわ、汚れ、かすれ、すじが、ありませんか。",
        )
    ):
        pdf.set_line_width(0.3)
        pdf.rect(_LEFT, 222 + place * 11, 5, 5)
        pdf.set_font("sans", "", 12)
        pdf.set_xy(_LEFT + 8, 221.5 + place * 11)
        pdf.cell(_INNER - 8, 6, text)


if __name__ == "__main__":
    PAGE.write_bytes(trial_page())
    print(PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE.name)
