"""What makes a sheet look like a certificate: tinted paper, guilloche, the mayor's seal, and the word 見本 across it all.

Lengths are millimetres from the top left corner. Every drawing takes its chances from the `Random` it is given.
"""

from math import pi, sin, sqrt
from random import Random
from typing import Final

from fpdf import FPDF
from PIL import Image

A4: Final = (210.0, 297.0)
SEAL_SIDE: Final = 22.0
_SEAL_RED: Final = (205, 35, 45)
_SEAL_COLUMNS: Final = ("長谷市", "長之印")  # set downwards, from right to left, as seals are cut
_FRAME: Final = 9.0
_CALM: Final = _FRAME + 16.0  # the middle of the outermost wave: its 15 mm of swing stay inside the frame


def noise(number: int, size: int) -> Image.Image:
    """A grey image of about `size` bytes in the proportions of A4 that no compression makes smaller."""
    rows = max(1, int(sqrt(size * A4[1] / A4[0])))
    columns = max(1, size // rows)
    grain = Random(f"noise {number}").randbytes(rows * columns)  # noqa: S311 - ornament, not a secret
    return Image.frombytes("L", (columns, rows), grain)


def paper(pdf: FPDF, draw: Random, grain: Image.Image) -> None:
    """The background of one page: `grain` at 5 % like the fibres of paper, guilloche in two tints, a frame."""
    with pdf.local_context(fill_opacity=0.05):
        pdf.image(grain, 0, 0, *A4)
    for tint in ((196, 226, 208), (238, 212, 220)):
        _guilloche(pdf, draw, tint)
    pdf.set_draw_color(120, 160, 135)
    for inset, width in ((_FRAME, 0.6), (_FRAME + 1.2, 0.2)):
        pdf.set_line_width(width)
        pdf.rect(inset, inset, A4[0] - 2 * inset, A4[1] - 2 * inset)
    pdf.set_draw_color(0, 0, 0)


def _guilloche(pdf: FPDF, draw: Random, tint: tuple[int, int, int]) -> None:
    """Twenty-six interleaved waves from edge to edge; two sines of drawn lengths make each pattern its own."""
    pdf.set_draw_color(*tint)
    pdf.set_line_width(0.15)
    long, short, depth = draw.uniform(60, 140), draw.uniform(17, 40), draw.uniform(6, 12)
    for line in range(26):
        shift = line * pi / 6
        middle = _CALM + line * (A4[1] - 2 * _CALM) / 25
        pdf.polyline(
            [
                (x, middle + depth * sin(2 * pi * x / long + shift) + 3 * sin(2 * pi * x / short - shift))
                for x in (_FRAME + step * (A4[0] - 2 * _FRAME) / 96 for step in range(97))
            ]
        )


def seal(pdf: FPDF, draw: Random, x: float, y: float) -> None:
    """The mayor's square red seal with its top left corner at (x, y), printed as unevenly as a stamp prints."""
    with pdf.local_context(fill_opacity=0.85, stroke_opacity=0.85):
        pdf.set_draw_color(*_SEAL_RED)
        pdf.set_text_color(*_SEAL_RED)
        pdf.set_line_width(0.9)
        pdf.rect(x, y, SEAL_SIDE, SEAL_SIDE)
        pdf.set_font("serif", "B", 19)
        for column, signs in enumerate(_SEAL_COLUMNS):
            for row, sign in enumerate(signs):
                pdf.text(x + SEAL_SIDE / 2 + 2.0 - column * 9.4, y + 7.0 + row * 6.7, sign)
    pdf.image(_bare_spots(draw), x - 1, y - 1, SEAL_SIDE + 2, SEAL_SIDE + 2)
    pdf.set_text_color(0, 0, 0)
    pdf.set_draw_color(0, 0, 0)


def _bare_spots(draw: Random) -> Image.Image:
    """White specks, transparent between them, where the ink of a stamp did not take."""
    side = 128
    cover = bytes(230 if speck < 22 else 0 for speck in draw.randbytes(side * side))
    spots = Image.new("L", (side, side), 255)
    return Image.merge("LA", (spots, Image.frombytes("L", (side, side), cover)))


def watermark(pdf: FPDF) -> None:
    """見本 from corner to corner, light enough to read the certificate through it."""
    with pdf.local_context(fill_opacity=0.14), pdf.rotation(52, A4[0] / 2, A4[1] / 2):
        pdf.set_text_color(190, 30, 60)
        pdf.set_font("serif", "B", 250)
        pdf.text(A4[0] / 2 - 88, A4[1] / 2 + 30, "見本")
    pdf.set_text_color(0, 0, 0)
