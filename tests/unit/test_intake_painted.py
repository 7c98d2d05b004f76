"""Which fonts put a glyph on paper, content by content."""

import pikepdf
import pytest
from pikepdf import Stream

from cityhall_relay.intake.painted import EVERY, painted_fonts


def painted(content: bytes) -> set[str]:
    with pikepdf.new() as pdf:
        return set(painted_fonts(Stream(pdf, content)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"BT /A 12 Tf ET", id="ReportLab: chosen, never used"),
        pytest.param(b"BT /A 12 Tf () Tj [() -20 ()] TJ ET", id="empty strings"),
        pytest.param(b"BT 3 Tr /A 12 Tf (seen by nobody) Tj ET", id="scanner: invisible text"),
        pytest.param(b"q 3 Tr q Q BT /A 1 Tf (a) Tj ET Q", id="invisible, restored inside"),
    ],
)
def test_a_font_that_paints_nothing_is_not_needed(content: bytes) -> None:
    assert painted(content) == set()


@pytest.mark.parametrize(
    "content",
    [
        b"BT /A 12 Tf (a) Tj ET",
        b"BT /A 12 Tf [-3 (a)] TJ ET",
        b"BT /A 12 Tf (a) ' ET",
        b'BT /A 12 Tf 1 1 (a) " ET',
        b"BT /B 12 Tf /A 12 Tf <0041> Tj ET",
        b"BT 7 Tr /A 12 Tf (clips what is painted after it) Tj ET",
        b"q 3 Tr Q BT /A 12 Tf (visible again) Tj ET",
        b"BT 3 Tr 0 Tr /A 12 Tf (visible again) Tj ET",
        b"/A 12 Tf q BT /B 9 Tf ET Q BT (the font of before) Tj ET",
        b"Q Q Q BT /A 12 Tf (a) Tj ET",
        b"BT 3 Tr 9 0 Tr /B /A 12 Tf (one operand too many) Tj ET",
    ],
)
def test_a_font_that_paints_one_glyph_is_needed(content: bytes) -> None:
    assert painted(content) == {"/A"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"BT (a) Tj ET", id="the font of whoever draws this form"),
        pytest.param(b"q BT /A 12 Tf ET Q BT (a) Tj ET", id="restored to the font of whoever draws it"),
        pytest.param(b"BT /A 12 Tf /Tr Tr (a) Tj ET", id="a mode that is no number"),
        pytest.param(b"BT /A 12 Tf 12 Tf (a) Tj ET", id="a font without a name"),
    ],
)
def test_content_that_does_not_say_its_font_needs_every_font(content: bytes) -> None:
    assert painted(content) == {EVERY}
