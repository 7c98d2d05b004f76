"""How large the pages are on paper: A4, upright or lying."""

from collections.abc import Iterator
from typing import Final

from pikepdf import Name, Page, Pdf, Rectangle

from cityhall_relay.intake.report import Finding, PageSize, Refusal

_A4_MM: Final = (210.0, 297.0)
_TOLERANCE_MM: Final = 3.0  # programs round to whole points or millimetres; Letter is 6 mm wider, B5 28 mm narrower
_MM_PER_POINT: Final = 25.4 / 72
_BEYOND_ANY_SHEET_MM: Final = 1e6


def page_sizes(pdf: Pdf) -> Iterator[PageSize]:
    """The size of each page as a reader sees it: the crop box, turned by /Rotate. Broken boxes raise TypeError or ValueError."""
    return (_size(page, page.cropbox) for page in pdf.pages)


def wrong_sizes(pdf: Pdf) -> Iterator[Finding]:
    """A finding for each page that is not A4 by its media box and by its crop box: printers differ in which they obey."""
    for number, page in enumerate(pdf.pages, 1):
        odd = [size for size in (_size(page, page.cropbox), _size(page, page.mediabox)) if not _is_a4(size)]
        if odd:
            yield Finding(refusal=Refusal.WRONG_SIZE, page=number, detail=str(odd[0]))


def _size(page: Page, box: object) -> PageSize:
    """`box` in millimetres; /UserUnit is the length of the page's unit in points (ISO 32000-2 table 31)."""
    area = Rectangle(box)  # type: ignore[call-overload]  # its stub asks for Array, the stub of Page promises Object
    unit = _MM_PER_POINT * float(str(page.obj.get(Name.UserUnit, 1)))
    width, height = abs(area.width) * unit, abs(area.height) * unit
    if not max(width, height) < _BEYOND_ANY_SHEET_MM:  # also when one is not a number
        raise ValueError("a page of no possible size")
    if page.rotation % 180:
        width, height = height, width
    return PageSize(width_mm=round(width, 1), height_mm=round(height, 1))


def _is_a4(size: PageSize) -> bool:
    sides = sorted((size.width_mm, size.height_mm))
    return all(abs(side - wanted) <= _TOLERANCE_MM for side, wanted in zip(sides, _A4_MM, strict=True))
