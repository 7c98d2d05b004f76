"""What a printer says of itself, in words that a concierge can act on.

`REASONS` is the whole table: printer-state-reasons (RFC 8011 section 5.4.12, PWG 5100.9 section 7, IANA's IPP registry) to
how pressing it is and what she does next. Rules of this file:
- The keyword decides, its suffix only softens: `-report` and `-warning` at an idle printer make what needs a hand now into
  something to see to soon (an empty tray that nobody prints from). While it prints or stands, and with `-error` or no
  suffix, it needs a hand now. ippeveprinter says `-report` when idle and `-warning` when it prints, whatever is wrong.
- A keyword that stands in no row is shown calmly: the technician is to be told, and only the technician sees the raw word.
- What the printer's profile says that it reports although it prints (`lies`) is the technician's too, and stops nothing.
"""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from cityhall_base.words import Language, Word


class Severity(StrEnum):
    """Who has to do something about it, and when; the most pressing first."""

    NOW = "now"  # the printer stands until a hand helps
    SOON = "soon"
    TECHNICIAN = "technician"
    NOTHING = "nothing"


class PrinterWord(Word):
    """What the printer needs, and what the concierge does next."""

    PAPER_OUT = ("printer.paper_out", "The paper has run out; fill the tray and push it in to the end.")
    PAPER_NEEDED = (
        "printer.paper_needed",
        "The printer asks for another paper; put the document's paper into the tray.",
    )
    PAPER_LOW = ("printer.paper_low", "The paper is running low; have the next pack ready.")
    JAM = ("printer.jam", "Paper is jammed; open the cover, take the paper out, and close the cover.")
    COVER_OPEN = ("printer.cover_open", "A cover of the printer is open; close it until it clicks.")
    TRAY_MISSING = ("printer.tray_missing", "The paper tray is out; push it in to the end.")
    OUTPUT_FULL = ("printer.output_full", "The output tray is full; take the sheets out of it.")
    OUTPUT_ALMOST_FULL = ("printer.output_almost_full", "The output tray is nearly full; take the sheets out of it.")
    OUTPUT_MISSING = ("printer.output_missing", "The output tray is missing; put it back.")
    TONER_OUT = ("printer.toner_out", "The toner has run out; put in the spare one, or call the technician.")
    TONER_LOW = ("printer.toner_low", "The toner is running low; have the spare one ready.")
    WASTE_FULL = ("printer.waste_full", "The waste toner box is full; put in the spare one, or call the technician.")
    WASTE_ALMOST_FULL = ("printer.waste_almost_full", "The waste toner box is nearly full; tell the technician today.")
    PAUSED = ("printer.paused", "The printer was paused; press its key to go on.")
    OFFLINE = ("printer.offline", "The printer is off line; press the online key on its panel.")
    SWITCHED_OFF = ("printer.switched_off", "The printer is switching off; switch it on again.")
    LOOK_AT_PANEL = (
        "printer.look_at_panel",
        "The printer needs a hand; do what its panel says, or call the technician.",
    )
    TELL_TECHNICIAN = (
        "printer.tell_technician",
        "The printer has a message for the technician; tell them when there is time.",
    )
    STOPPED = ("printer.stopped", "The printer has stopped; look at its panel, or call the technician.")
    UNKNOWN = ("printer.unknown", "The printer does not answer; look whether it is switched on and its cable is in.")
    READY = ("printer.ready", "The printer is ready.")
    PRINTING = ("printer.printing", "The printer is printing.")


class Row(NamedTuple):
    """How pressing a keyword is, and its word."""

    severity: Severity
    word: PrinterWord


_W, _S = PrinterWord, Severity


def _rows(severity: Severity, word: PrinterWord, *reasons: str) -> dict[str, Row]:
    return dict.fromkeys(reasons, Row(severity, word))


REASONS: Final = MappingProxyType(
    {
        **_rows(_S.NOW, _W.PAPER_OUT, "media-empty", "media-path-input-empty"),
        **_rows(_S.NOW, _W.PAPER_NEEDED, "media-needed", "input-cannot-feed-size-selected", "media-path-input-request"),
        **_rows(_S.NOW, _W.PAPER_NEEDED, "input-media-size-change", "input-media-type-change"),
        **_rows(_S.NOW, _W.JAM, "media-jam", "media-path-jam", "media-path-input-jam", "media-path-output-jam"),
        **_rows(_S.NOW, _W.JAM, "input-media-tray-jam", "output-media-tray-jam"),
        **_rows(_S.NOW, _W.COVER_OPEN, "cover-open", "door-open", "interlock-open"),
        **_rows(_S.NOW, _W.TRAY_MISSING, "input-tray-missing"),
        **_rows(_S.NOW, _W.OUTPUT_FULL, "output-area-full", "media-path-output-full", "media-path-media-tray-full"),
        **_rows(_S.NOW, _W.OUTPUT_MISSING, "output-tray-missing", "media-path-media-tray-missing"),
        **_rows(_S.NOW, _W.TONER_OUT, "toner-empty", "marker-supply-empty", "marker-supply-missing"),
        **_rows(_S.NOW, _W.TONER_OUT, "marker-toner-missing", "marker-toner-cartridge-missing"),
        **_rows(_S.NOW, _W.WASTE_FULL, "marker-waste-full", "marker-waste-toner-receptacle-full"),
        **_rows(_S.NOW, _W.WASTE_FULL, "marker-waste-missing", "marker-waste-toner-receptacle-missing"),
        **_rows(_S.NOW, _W.PAUSED, "paused", "moving-to-paused", "hold-new-jobs"),
        **_rows(_S.NOW, _W.OFFLINE, "offline"),  # not registered; CUPS and firmware say it
        **_rows(_S.NOW, _W.SWITCHED_OFF, "shutdown", "power-down"),
        **_rows(_S.NOW, _W.LOOK_AT_PANEL, "other", "input-manual-input-request", "input-media-tray-feed-error"),
        **_rows(_S.NOW, _W.LOOK_AT_PANEL, "media-path-input-feed-error", "media-path-output-feed-error"),
        **_rows(_S.SOON, _W.PAPER_LOW, "media-low"),
        **_rows(_S.SOON, _W.OUTPUT_ALMOST_FULL, "output-area-almost-full", "media-path-media-tray-almost-full"),
        **_rows(_S.SOON, _W.TONER_LOW, "toner-low", "marker-supply-low", "marker-supply-almost-empty"),
        **_rows(_S.SOON, _W.WASTE_ALMOST_FULL, "marker-waste-almost-full", "marker-waste-toner-receptacle-almost-full"),
        **_rows(_S.TECHNICIAN, _W.TELL_TECHNICIAN, "stopped-partly", "timed-out", "spool-area-full", "deactivated"),
        **_rows(
            _S.TECHNICIAN, _W.TELL_TECHNICIAN, "fuser-over-temp", "fuser-under-temp", "opc-near-eol", "opc-life-over"
        ),
        **_rows(
            _S.TECHNICIAN, _W.TELL_TECHNICIAN, "developer-low", "developer-empty", "interpreter-resource-unavailable"
        ),
        # Not registered: no box can be too empty. Said by firmware that means "full", or nothing at all.
        **_rows(_S.TECHNICIAN, _W.TELL_TECHNICIAN, "marker-waste-empty"),
        **_rows(_S.NOTHING, _W.READY, "none", "connecting-to-device", "stopping", "power-up", "printer-ready-to-print"),
        **_rows(_S.NOTHING, _W.READY, "subunit-power-saver", "subunit-warming-up", "platform-heating"),
        **_rows(_S.NOTHING, _W.READY, "identify-printer-requested", "configuration-change"),
    }
)

_MILD: Final = ("report", "warn")
"""Beginnings: ippeveprinter 2.4.2 cuts a reason at 31 characters, `marker-waste-almost-full-warnin`."""
_SUFFIXES: Final = ("-report", "-warning", "-error")


class Note(NamedTuple):
    """One thing that the printer says. `reason` is its own word, for the technician; empty where it said none."""

    severity: Severity
    word: PrinterWord
    reason: str = ""


def notes(state: str, reasons: Iterable[str], lies: Iterable[str] = ()) -> tuple[Note, ...]:
    """What is to be shown of `state` (printer-state's name, or unknown) and `reasons`, the most pressing first."""
    if state == "unknown":
        return (Note(Severity.NOW, PrinterWord.UNKNOWN),)
    lying = frozenset(lies)
    found = sorted((_note(state, reason, lying) for reason in reasons), key=lambda note: _ORDER[note.severity])
    if state == "stopped" and not (found and found[0].severity is Severity.NOW):
        found.insert(0, Note(Severity.NOW, PrinterWord.STOPPED))
    return tuple(note for note in found if note.severity is not Severity.NOTHING)


def stands(state: str, reasons: Iterable[str], lies: Iterable[str] = ()) -> bool:
    """Whether it prints nothing before a hand has helped."""
    return any(note.severity is Severity.NOW for note in notes(state, reasons, lies))


def holds(ready: Collection[str], media: str) -> bool:
    """False only where the printer names a size for each paper in its trays (media-ready), and none is that of `media`.

    A self-describing name ends in its size (PWG 5101.1 section 5), so that two names of one size are one paper.
    """
    sizes = {_size(name) for name in ready}
    return not sizes or "" in sizes or _size(media) in sizes


def _size(media: str) -> str:
    size = media.rpartition("_")[2]
    return size if size[:1].isdigit() else ""


_ORDER: Final = {severity: place for place, severity in enumerate(Severity)}


def _note(state: str, reason: str, lies: frozenset[str]) -> Note:
    base, suffix = _split(reason)
    row = REASONS.get(base)
    if row is None or base in lies:
        return Note(Severity.TECHNICIAN, PrinterWord.TELL_TECHNICIAN, reason)
    mild = state == "idle" and suffix.startswith(_MILD)
    return Note(Severity.SOON if mild and row.severity is Severity.NOW else row.severity, row.word, reason)


def _split(reason: str) -> tuple[str, str]:
    for base in _candidates(reason):
        if base in REASONS:
            return base, reason[len(base) + 1 :]
    whole = next((reason.removesuffix(suffix) for suffix in _SUFFIXES if reason.endswith(suffix)), reason)
    return whole, reason[len(whole) + 1 :]


def _candidates(reason: str) -> Iterator[str]:
    # The longest first: `marker-waste-almost-full` is no kind of `marker-waste`.
    yield reason
    while "-" in reason:
        reason = reason.rpartition("-")[0]
        yield reason


# --- supplies ---


class SupplyWord(Word):
    """prtMarkerSuppliesType (RFC 3805 PrtMarkerSuppliesTypeTC) as PWG 5100.13 printer-supply spells it."""

    TONER = ("supply.toner", "Toner")
    TONER_CARTRIDGE = ("supply.tonerCartridge", "Toner")
    WASTE_TONER = ("supply.wasteToner", "Waste toner")
    INK = ("supply.ink", "Ink")
    INK_CARTRIDGE = ("supply.inkCartridge", "Ink")
    WASTE_INK = ("supply.wasteInk", "Waste ink")
    OPC = ("supply.opc", "Drum")
    FUSER = ("supply.fuser", "Fuser")
    TRANSFER_UNIT = ("supply.transferUnit", "Transfer unit")


class ColorWord(Word):
    """prtMarkerColorantValue (RFC 3805)."""

    BLACK = ("color.black", "black")
    CYAN = ("color.cyan", "cyan")
    MAGENTA = ("color.magenta", "magenta")
    YELLOW = ("color.yellow", "yellow")


class LevelWord(Word):
    """How much there is of something."""

    PERCENT = ("level.percent", "{detail} %")
    UNKNOWN = ("level.unknown", "not told")


_SUPPLIES: Final = {str(word): word for word in SupplyWord}
_COLORS: Final = {str(word): word for word in ColorWord}


def supply(kind: str, color: str, level: int, language: Language = Language.JAPANESE) -> str:
    """One supply in words, such as トナー 黒 12 %. `level` is per cent of a full one; negative where it is not told.

    A type that has no word is shown as the printer spells it; so is a colour, but `unknown` and none are left out.
    """
    name = _SUPPLIES.get(f"supply.{kind}")
    hue = _COLORS.get(f"color.{color}")
    amount = LevelWord.UNKNOWN.say(language) if level < 0 else LevelWord.PERCENT.say(language, str(level))
    shown = hue.say(language) if hue else "" if color in ("", "unknown", "none") else color
    return " ".join(filter(None, (name.say(language) if name else kind, shown, amount)))
