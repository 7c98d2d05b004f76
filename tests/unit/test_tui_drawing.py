"""How words become rows of a terminal: line breaks, large letters, colours, codes to read."""

import pytest
from rich.cells import cell_len

from bus_agent.tui.colours import PAIRS
from bus_agent.tui.letters import as_blocks
from bus_agent.tui.lines import Look, Room
from bus_agent.tui.parts import DRAWINGS, draw
from bus_agent.tui.scene import Part, Phone, Qr, Steps
from bus_agent.tui.stage import MARGIN, ROWS, SMALL
from bus_agent.tui.wrap import NOT_FIRST, NOT_LAST, wrap
from cityhall_base.words import Language, japanese
from cityhall_wire.check_word import WORDS

ROOM = Room(SMALL[0] - 2 * MARGIN, Language.JAPANESE, {})


@pytest.mark.parametrize("width", [10, 23, 41, 74])
def test_no_line_of_the_catalogue_begins_or_ends_with_what_it_must_not(width: int) -> None:
    for key, text in japanese().items():
        lines = wrap(text, width)
        assert "".join("".join(lines).split()) == "".join(text.split()), key
        assert all(cell_len(line) <= width for line in lines), key
        assert not [line for line in lines[1:] if line and line[0] in NOT_FIRST], (key, lines)
        assert not [line for line in lines[:-1] if line and line[-1] in NOT_LAST], (key, lines)


def test_a_line_breaks_between_phrases_and_not_within_them() -> None:
    text = "出てきた紙を確かめ、お客さまにお渡ししてください。"
    assert wrap(text, 20) == ("出てきた紙を確かめ、", "お客さまに", "お渡ししてください。")
    assert wrap("Nothing fits here", 8) == ("Nothing", "fits", "here")


def test_what_is_longer_than_a_line_is_cut_all_the_same() -> None:
    assert wrap("あ" * 7, 6) == ("あああ", "あああ", "あ")
    assert wrap("https://video.example/x", 10) == ("https://vi", "deo.exampl", "e/x")
    assert wrap("。" * 9, 6) == ("。。。", "。。。", "。。。")
    assert wrap("", 10) == ("",)


@pytest.mark.parametrize("word", [word for word, _ in WORDS])
def test_every_check_word_is_drawn_large_in_the_smallest_terminal(word: str) -> None:
    rows = as_blocks(f"47・{word}", ROOM.width)
    assert rows is not None
    assert len(rows) == 6
    assert {cell_len(row) for row in rows} == {len(rows[0])}


def test_no_two_letters_look_the_same() -> None:
    letters = sorted(set("".join(word for word, _ in WORDS)) | set("0123456789-・"))
    assert len({as_blocks(letter, 80) for letter in letters}) == len(letters)


def test_a_telephone_number_is_drawn_large_and_what_cannot_be_stays_readable() -> None:
    assert len(draw(Phone(number="0265-00-1111"), ROOM)) == 6
    strange = draw(Phone(number="+81 265 (0) 1111"), ROOM)
    assert "+ 8 1" in "".join(piece.text for line in strange for piece in line.pieces)


def luminance(colour: str) -> float:
    """Relative (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("look", sorted(set(Look) - {Look.RULE}))  # a rule says nothing
def test_everything_that_is_read_has_a_contrast_of_seven_to_one(look: Look) -> None:
    dark, light = sorted(map(luminance, PAIRS[look]))
    assert (light + 0.05) / (dark + 0.05) >= 7


def test_every_kind_of_part_has_its_drawing() -> None:
    assert {*DRAWINGS} == {*Part.__subclasses__()}


def test_a_code_fits_beside_the_words() -> None:
    rows = draw(Qr(address="https://meet.example.jp/hase/shimin-madoguchi?guest=1"), ROOM)
    assert len(rows) <= ROWS
    assert {row.width for row in rows} == {rows[0].width}


def test_a_picture_stands_beside_the_steps() -> None:
    rows = draw(Steps(steps=("カバーをあけます。", "紙を取り除きます。"), picture=("+--+", "|  |", "+--+")), ROOM)
    assert len(rows) == 3
    assert all(row.width == rows[0].width for row in rows)
