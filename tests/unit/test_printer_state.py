"""What a printer says, turned into what a person does: severity, words, and what stops nothing."""

import pytest

from cityhall_base.printer_state import REASONS, PrinterWord, Severity, notes, stands, supply
from cityhall_base.words import Language

W, S = PrinterWord, Severity

SAID = {
    "out of paper while it prints": ("processing", "media-empty-warning", S.NOW, W.PAPER_OUT),
    "out of paper, without a suffix": ("idle", "media-empty", S.NOW, W.PAPER_OUT),
    "an empty tray that nobody prints from": ("idle", "media-empty-report", S.SOON, W.PAPER_OUT),
    "another paper": ("stopped", "media-needed-error", S.NOW, W.PAPER_NEEDED),
    "a jam": ("processing", "media-jam-warning", S.NOW, W.JAM),
    "a cover": ("idle", "cover-open-error", S.NOW, W.COVER_OPEN),
    "a door": ("idle", "door-open", S.NOW, W.COVER_OPEN),
    "a tray": ("idle", "input-tray-missing-error", S.NOW, W.TRAY_MISSING),
    "paper soon": ("processing", "media-low-warning", S.SOON, W.PAPER_LOW),
    "no toner": ("stopped", "toner-empty-error", S.NOW, W.TONER_OUT),
    "no marker": ("stopped", "marker-supply-empty-error", S.NOW, W.TONER_OUT),
    "toner soon, however loud": ("idle", "toner-low-error", S.SOON, W.TONER_LOW),
    "marker soon": ("idle", "marker-supply-low-report", S.SOON, W.TONER_LOW),
    "waste full": ("stopped", "marker-waste-full-error", S.NOW, W.WASTE_FULL),
    "waste soon": ("idle", "marker-waste-almost-full-warning", S.SOON, W.WASTE_ALMOST_FULL),
    "a word cut off by ippeveprinter": ("processing", "marker-waste-almost-full-warnin", S.SOON, W.WASTE_ALMOST_FULL),
    "waste that cannot be empty": ("idle", "marker-waste-empty-error", S.TECHNICIAN, W.TELL_TECHNICIAN),
    "output full": ("stopped", "output-area-full-error", S.NOW, W.OUTPUT_FULL),
    "output soon": ("processing", "output-area-almost-full-warning", S.SOON, W.OUTPUT_ALMOST_FULL),
    "no output tray": ("idle", "output-tray-missing", S.NOW, W.OUTPUT_MISSING),
    "off line": ("idle", "offline", S.NOW, W.OFFLINE),
    "paused": ("stopped", "paused", S.NOW, W.PAUSED),
    "switched off": ("stopped", "shutdown", S.NOW, W.SWITCHED_OFF),
    "something": ("processing", "other-warning", S.NOW, W.LOOK_AT_PANEL),
    "a part of it": ("idle", "stopped-partly-warning", S.TECHNICIAN, W.TELL_TECHNICIAN),
    "timed out": ("processing", "timed-out-error", S.TECHNICIAN, W.TELL_TECHNICIAN),
    "its disk": ("processing", "spool-area-full-warning", S.TECHNICIAN, W.TELL_TECHNICIAN),
    "nobody's word": ("idle", "com.example-flux-low-error", S.TECHNICIAN, W.TELL_TECHNICIAN),
}


@pytest.mark.parametrize(("state", "reason", "severity", "word"), SAID.values(), ids=SAID.keys())
def test_what_it_says_becomes_who_does_what(state: str, reason: str, severity: Severity, word: PrinterWord) -> None:
    assert [(note.severity, note.word, note.reason) for note in notes(state, [reason])][:1] == [
        (severity, word, reason)
    ]
    assert stands(state, [reason]) is (severity is S.NOW or state == "stopped")


def test_the_most_pressing_comes_first() -> None:
    said = notes("processing", ["toner-low-warning", "vendor-thing", "media-jam-warning"])
    assert [note.severity for note in said] == [S.NOW, S.SOON, S.TECHNICIAN]


def test_a_printer_that_is_well_says_nothing() -> None:
    assert notes("idle", []) == notes("idle", ["none"]) == notes("processing", ["connecting-to-device"]) == ()


@pytest.mark.parametrize("reason", ["marker-waste-full", "marker-waste-full-error", "marker-waste-full-warning"])
@pytest.mark.parametrize("state", ["idle", "processing"])
def test_firmware_that_lies_is_a_note_for_the_technician_and_stops_nothing(state: str, reason: str) -> None:
    (note,) = notes(state, [reason], lies=["marker-waste-full"])
    assert note == (S.TECHNICIAN, W.TELL_TECHNICIAN, reason)
    assert not stands(state, [reason], lies=["marker-waste-full"])


def test_a_lie_hides_no_truth_beside_it_and_none_when_it_really_stands() -> None:
    assert stands("processing", ["marker-waste-full-warning", "media-jam-warning"], lies=["marker-waste-full"])
    assert notes("stopped", ["marker-waste-full-error"], lies=["marker-waste-full"])[0].word is W.STOPPED


def test_an_unreachable_printer_has_a_sentence_of_its_own() -> None:
    assert [note.word for note in notes("unknown", [])] == [W.UNKNOWN]


def test_no_keyword_of_the_table_is_taken_for_a_shorter_one() -> None:
    # "media-path-jam" is no "media": each keyword, with any suffix, finds its own row.
    for base, row in REASONS.items():
        for suffix in ("", "-error", "-vendor-7"):
            found = notes("processing", [base + suffix])
            assert [note.word for note in found] == ([row.word] if row.severity is not S.NOTHING else []), base


@pytest.mark.parametrize(
    ("told", "ja", "en"),
    [
        (("toner", "black", 12), "トナー 黒 12 %", "Toner black 12 %"),
        (("wasteToner", "unknown", 25), "廃トナー 25 %", "Waste toner 25 %"),
        (("ink", "cyan", -1), "インク シアン 残量不明", "Ink cyan not told"),
        (("cleanerUnit", "mauve", 3), "cleanerUnit mauve 3 %", "cleanerUnit mauve 3 %"),
    ],
)
def test_supplies_are_said_in_words(told: tuple[str, str, int], ja: str, en: str) -> None:
    assert (supply(*told), supply(*told, language=Language.ENGLISH)) == (ja, en)
