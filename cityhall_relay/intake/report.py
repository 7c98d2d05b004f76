"""What intake may refuse, and what the disposable process reports. A closed table: a new refusal is a new row here.

The process is given a `Task` and answers with a `Report`, both as JSON; where pages were drawn, a line feed and the drawn
document follow. Nothing in a report is text of the document, except the name of a font, which is cut down to letters and
digits first.
"""

from enum import StrEnum
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from cityhall_base.printers import Raster
from cityhall_wire.limits import DOCUMENT_BYTES
from cityhall_wire.sheets import Sides

JPEG: Final = "image/jpeg"

EXIT_UNAVAILABLE: Final = 3
"""The process could not lock itself in, or cannot draw, and did not read the document; standard output says why, as text."""

MAX_FINDINGS: Final = 20
"""More reasons than this help no clerk, and bound what a taken-over process can say."""


class Refusal(StrEnum):
    """Why a document is refused: the catalogue key, and the sentence saying what is wrong and what to do.

    `{detail}` in a sentence is the finding's detail.
    """

    sentence: str

    def __new__(cls, key: str, sentence: str) -> Self:
        member = str.__new__(cls, key)
        member._value_ = key
        member.sentence = sentence
        return member

    NOT_PDF = (
        "intake.not_pdf",
        "This is not a PDF document. Print to this queue from the city's system, or save the document as PDF first.",
    )
    ENCRYPTED = (
        "intake.encrypted",
        "The document is encrypted or protected. Save it again without a password and without restrictions.",
    )
    DAMAGED = (
        "intake.damaged",
        "The document is damaged or incomplete. Print it again from the program that made it.",
    )
    TOO_LARGE = (
        "intake.too_large",
        "The document is larger than {detail}. Lower the resolution of its images, or send it in parts.",
    )
    TOO_MANY_PAGES = (
        "intake.too_many_pages",
        "The document has more than {detail} pages. Send it in parts.",
    )
    WRONG_SIZE = (
        "intake.wrong_size",
        "The page measures {detail}, and the bus prints A4 only. Choose A4 as the paper size and print again.",
    )
    FONT_NOT_EMBEDDED = (
        "intake.font_not_embedded",
        "The font {detail} is not in the document, so the printer would choose another. Switch on “embed all fonts”.",
    )
    SCRIPT = (
        "intake.script",
        "The document contains a script or an action ({detail}). Print it to PDF again, which leaves such things out.",
    )
    ATTACHMENT = (
        "intake.attachment",
        "The document carries an attached file or a medium ({detail}). Remove it, or print the document to PDF again.",
    )
    FORM_XFA = (
        "intake.form_xfa",
        "The document is an XFA form, which printers show differently. Print the filled form to PDF again.",
    )
    FORM_NOT_DRAWN = (
        "intake.form_not_drawn",
        "What was filled in or noted ({detail}) is not drawn in the document, so printers would show it differently or not at "
        "all. Print the filled document to PDF again, instead of saving it.",
    )
    EXTERNAL_REFERENCE = (
        "intake.external_reference",
        "The document refers to another file for what it shows ({detail}). Print it to PDF again, so that it is complete.",
    )
    BOMB = (
        "intake.bomb",
        "The document needs far more time or memory than a certificate. Print it again, with simpler images.",
    )


FLATTENING_CURES: Final = frozenset({Refusal.SCRIPT, Refusal.ATTACHMENT})
"""What has no way into a picture of the page. All else decides what the page looks like, or harms whoever reads it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One reason for refusing. `page` counts from 1; None when the reason belongs to the whole document."""

    refusal: Refusal
    page: Annotated[int, Meta(ge=1)] | None = None
    detail: Annotated[str, Meta(max_length=80)] = ""

    def __str__(self) -> str:
        sentence = self.refusal.sentence.format(detail=self.detail)
        return f"Page {self.page}: {sentence}" if self.page else sentence


class PageSize(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Width and height in millimetres as a reader sees the page, that is after /Rotate and /UserUnit."""

    width_mm: float
    height_mm: float

    def __str__(self) -> str:
        return f"{self.width_mm:.0f} × {self.height_mm:.0f} mm"


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the disposable process saw. Without findings the document may be sealed; `sizes` has one entry a page.

    `isolation` names the layers that really held the process on this machine (sandbox.py).
    """

    pages: int
    sizes: Annotated[tuple[PageSize, ...], Meta(max_length=500)]
    document_format: str
    isolation: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=10)]
    findings: Annotated[tuple[Finding, ...], Meta(max_length=MAX_FINDINGS)] = ()
    drawn: bytes = b""
    """The document that was made of the pages, in `document_format`; empty where the one that came is to be sealed."""


class IntakeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one document may cost. Bytes and pages come from the city's limits; the rest only guards the relay."""

    document_bytes: int = DOCUMENT_BYTES
    pages: int = 50

    stream_bytes: int = 128 * 1024 * 1024
    """One stream, decoded: an A4 page scanned at 600 dpi in colour is 104 MB."""

    decoded_bytes: int = 512 * 1024 * 1024
    """All streams together, decoded: inflating that much takes 1 to 2 s."""

    memory_bytes: int = 512 * 1024 * 1024
    """Address space: the interpreter with qpdf takes 45 MB, then the document twice, then the largest stream once."""

    cpu_seconds: int = 10
    deadline_seconds: float = 20.0
    """Wall clock: twice the CPU time, because two clerks may share a processor."""

    allocation_bytes: int = 160 * 1024 * 1024
    """Asked for at once: an A4 page at 600 dpi with color and transparency is 139 MB."""

    drawing_memory_bytes: int = 1024 * 1024 * 1024
    """In place of `memory_bytes` where pages are drawn. Measured: 100 MB at 300 dpi, 420 MB at 600 in color with transparency."""

    drawing_cpu_seconds: int = 60
    """In place of `cpu_seconds`. Measured a page: 0.1 to 0.5 s at 300 dpi, 0.3 to 2.5 s at 600, 4 s as a photograph in color."""

    drawing_deadline_seconds: float = 120.0


class Drawing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What pages are drawn to: PWG raster for the printer, a PDF of pictures, or a small picture of the first page for its clerk.

    `flatten`: the clerk asked for pictures, so what has no way into a picture is no reason to refuse. A document of more than
    `most_pages` is looked into, but not drawn: the service prints no such thing.
    """

    document_format: str
    raster: Raster
    media: str
    sides: Sides
    most_pages: int
    flatten: bool = False


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One document's way through the disposable process."""

    limits: IntakeLimits
    drawing: Drawing | None = None
