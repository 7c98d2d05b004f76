"""Two pages that say they are a test: one would not show whether a printer counts or always says "one"."""

from typing import Final

PAGES: Final = 2

_A4: Final = b"[0 0 595 842]"
_TEXT: Final = b"BT /F1 24 Tf 72 720 Td (Printer test, page %d of %d. No data.) Tj ET"


def two_pages() -> bytes:
    """A PDF 1.4 of A4 pages (ISO 32000-1 section 7.5), its font one of the fourteen that every printer has."""
    pages = range(PAGES)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * page) for page in pages)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%b]/Count %d/MediaBox%b>>" % (kids, PAGES, _A4),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for page in pages:
        text = _TEXT % (page + 1, PAGES)
        objects.append(b"<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>" % (5 + 2 * page))
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(text), text))
    return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    return out + head + table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
