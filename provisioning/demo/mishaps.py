"""What can be rehearsed, as a table: what happens to the document, what the bus must say, and how it ends.

English of the rehearsal's own words stands here, Japanese in the catalogue like everything that people read.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from cityhall_base.words import Word
from provisioning.demo.stage import Scene


class Title(Word):
    """In the menu."""

    PAPER_OUT = ("rehearse.paper_out", "The paper runs out before the first sheet")
    PAPER_OUT_BETWEEN = ("rehearse.paper_out_between", "The paper runs out after page 1 of 2")
    JAM = ("rehearse.jam", "A jam after page 1 of 2")
    COVER = ("rehearse.cover", "The cover is open")
    OTHER_PAPER = ("rehearse.other_paper", "Another paper is needed")
    TONER = ("rehearse.toner", "The toner runs out")
    WASTE = ("rehearse.waste", "The waste toner box is full")
    OUTPUT_FULL = (
        "rehearse.output_full",
        "The output tray is full (this printer can only say that something is wrong)",
    )
    LIE = ("rehearse.lie", "The printer reports something although it prints")
    POWER = ("rehearse.power", "The printer is switched off in the middle of a print")
    LINE = ("rehearse.line", "The line to city hall is cut")


class Button(NamedTuple):
    """One of the concierge's, and what she says with it: of so many sheets she reads out the number."""

    name: str
    why: str = ""
    sheets: int = 0

    def command(self, job: str, numbers: Sequence[str] = ()) -> str:
        """The same as `bus-agent` has it."""
        said = f" --why {self.why} --sheets {','.join(numbers)}" if self.why else ""
        return f"bus-agent {self.name} {job}{said}"


PRINT: Final = Button("print")
HAND_OVER: Final = Button("hand-over")
NOTHING_CAME_OUT: Final = Button("nothing-came-out")
SPOILED_ONE: Final = Button("spoiled", "jam", 1)
SPOILED_BOTH: Final = Button("spoiled", "unusable", 2)


class Mishap(NamedTuple):
    """`says` is the key of the bus's sentence while it lasts; `then` the concierge's button where it ends as 要確認."""

    title: Title
    says: str
    scene: Scene = Scene()
    pages: int = 1
    then: Button = NOTHING_CAME_OUT


MISHAPS: Final = MappingProxyType(
    {
        "paper-out": Mishap(Title.PAPER_OUT, "do.refill", Scene(reason="media-empty,media-needed")),
        "paper-out-between": Mishap(
            Title.PAPER_OUT_BETWEEN, "do.refill", Scene(reason="media-empty", after_page=1), 2, SPOILED_BOTH
        ),
        "jam": Mishap(Title.JAM, "do.clear_jam", Scene(reason="media-jam", after_page=1, aborts=True), 2, SPOILED_ONE),
        "cover": Mishap(Title.COVER, "printer.cover_open", Scene(reason="cover-open")),
        "other-paper": Mishap(Title.OTHER_PAPER, "do.other_paper", Scene(reason="media-needed")),
        "toner": Mishap(Title.TONER, "printer.toner_out", Scene(reason="toner-empty")),
        "waste": Mishap(Title.WASTE, "printer.waste_full", Scene(reason="marker-waste-full")),
        # ippeveprinter has no keyword for what lies on its output tray; `other` is what such a printer says.
        "output-full": Mishap(Title.OUTPUT_FULL, "printer.look_at_panel", Scene(reason="other")),
        "lie": Mishap(Title.LIE, "do.print"),
        "power": Mishap(Title.POWER, "printer.unknown", Scene(reason="paused")),
        "line": Mishap(Title.LINE, "link.dead_zone"),
    }
)
"""In the order of the menu."""

LIE: Final = "marker-waste-almost-full"
"""What the rehearsal's printer reports although it prints, and its profile says so."""
