"""Numbers on sheets: people name a first and a last one, and the program works out the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_wire.errors import SerialError
from cityhall_wire.sheets import Numbers, Span, between, readable, serial, span

ROWS = st.tuples(st.sampled_from(["A-", "", "B"]), st.sampled_from([3, 6]), st.integers(0, 90), st.integers(1, 9)).map(
    lambda row: Span(row[0], row[1], row[2], row[2] + row[3] - 1)
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A-000412", "A-000412"),
        ("412", "412"),
        (" A-1 ", "A-1"),
        ("Ａ－０４１２", "A-0412"),
        ("第12号A007", "第12号A007"),
    ],
)
def test_a_number_is_read_as_it_stands_on_the_sheet(text: str, number: str) -> None:
    assert str(serial(text)) == number


@pytest.mark.parametrize("text", ["", "?", "A-", "A-12x", "A-1..A-2", "A,1", "x" * 32 + "1", "A\x001", "A-1\n2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SerialError):
        serial(text)


@pytest.mark.parametrize(
    ("first", "last"), [("A-002", "A-001"), ("A-001", "B-002"), ("A-01", "A-002"), ("A-99", "A-100"), ("A-1", "")]
)
def test_two_numbers_that_are_no_row_are_refused(first: str, last: str) -> None:
    with pytest.raises(SerialError):
        between(first, last)


def test_a_row_of_a_billion_costs_what_a_row_of_one_costs() -> None:
    numbers = Numbers()
    numbers.add(between("A-0000000001", "A-1000000000"))
    numbers.add(span("A-0500000000"), -1)
    assert [str(row) for row in numbers.held] == ["A-0000000001..A-0499999999", "A-0500000001..A-1000000000"]
    assert [str(row) for row in numbers.next(2, skip=499_999_998)] == ["A-0499999999", "A-0500000001"]


def test_of_what_people_report_the_readable_numbers_count_once() -> None:
    assert [str(one) for one in readable(["A-7", "?", "A-7", "torn", "A-8"])] == ["A-7", "A-8"]


@given(ROWS)
def test_what_was_written_is_read_again(row: Span) -> None:
    assert span(str(row)) == row


@given(st.lists(st.tuples(ROWS, st.sampled_from([-1, 1])), max_size=12), ROWS)
def test_rows_say_what_single_numbers_say(moves: list[tuple[Span, int]], window: Span) -> None:
    numbers, single = Numbers(), dict[tuple[str, int, int], int]()
    for row, times in moves:
        numbers.add(row, times)
        for n in range(row.first, row.last + 1):
            key = (row.prefix, row.width, n)
            single[key] = single.get(key, 0) + times
    listed = {(r.prefix, r.width, n): k for r, k in numbers.runs() for n in range(r.first, r.last + 1)}
    assert listed == {key: times for key, times in single.items() if times}
    parts = [(n, k) for part, k in numbers.parts(window) for n in range(part.first, part.last + 1)]
    kind = (window.prefix, window.width)
    assert parts == [(n, single.get((*kind, n), 0)) for n in range(window.first, window.last + 1)]
    held = sorted(key for key, times in single.items() if times > 0)
    assert sorted((r.prefix, r.width, n) for r in numbers.held for n in range(r.first, r.last + 1)) == held
    assert sum(row.sheets for row in numbers.next(5)) == min(5, len(held))
