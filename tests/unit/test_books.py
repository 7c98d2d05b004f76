"""The sheet ledger and the fees: people count, the bus writes, city hall replays, and a difference names its sheets."""

import contextlib
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus_agent.agent.books_view import shown as books_shown
from bus_agent.book_errors import (
    CountError,
    FeeAmountError,
    NoFeeError,
    SheetsKnownError,
    SheetsNotHeldError,
    SheetsOutError,
    TooManySheetsError,
    UnknownPaperError,
)
from bus_agent.errors import NumbersError, RefusedError, UnknownJobError
from bus_agent.ipc.messages import Status
from cityhall_base.words import Language
from cityhall_relay.errors import BookEntryError, BookPaperError, BookSheetsError, NotFoundError, RelayError
from cityhall_relay.ledger import ledger, money, totals
from cityhall_relay.ledger_text import LedgerWord as W
from cityhall_relay.ledger_text import as_csv
from cityhall_wire import headers, seal, strict_json
from cityhall_wire.books import BookEntry, Column, line_of
from cityhall_wire.errors import MalformedError, SerialError, WireError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link
from cityhall_wire.modes import JobClass
from cityhall_wire.sheets import SheetCount
from tests.book_pair import PAPER, Pair
from tests.relay_city import BUSES, HandMadeBus, OnBus, Town, box_of_paper, carried, desk_bus
from tests.unit.test_bus_verify import SEAL

BUS = "bus-1"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path)
    pair.books.receive(PAPER, "A-001", "A-010")
    pair.settle()
    return pair


def _later(pair: Pair) -> HandMadeBus:
    """The same bus after a restart, in a test's hand."""
    box = desk_bus(pair.town)
    box.boot = pair.store.boot + 1
    return box


def left(pair: Pair) -> tuple[int, list[str]]:
    """Sheets in the drawer and their numbers, on which both sides agree."""
    mine, theirs = (book.paper(PAPER) for book in (pair.books.book, pair.town.relay.books.book(BUS)))
    assert (mine.left, mine.numbers.held) == (theirs.left, theirs.numbers.held)
    return mine.left, [str(row) for row in mine.numbers.held]


# --- what follows from a document ---


def test_a_hand_over_takes_the_next_number_by_itself(pair: Pair) -> None:
    pair.commands.hand_over(pair.printed())
    pair.settle()
    assert left(pair) == (9, ["A-002..A-010"])


def test_two_documents_that_lie_in_the_tray_have_the_numbers_in_the_order_of_printing(pair: Pair) -> None:
    first, second = pair.printed(), pair.printed()
    pair.commands.hand_over(second)
    pair.commands.hand_over(first)
    rows = {entry.job: entry.numbers for entry in pair.books._shelf.after(1)}
    assert rows == {first: ("A-001",), second: ("A-002",)}


def test_she_may_name_the_number_that_is_on_the_sheet(pair: Pair) -> None:
    job = pair.printed()
    for wrong, error in ((("A-1",), SheetsNotHeldError), (("A-003", "A-004"), NumbersError), (("x",), SerialError)):
        with pytest.raises(error):
            pair.commands.hand_over(job, wrong)
    assert pair.store.job(job).state is JobState.UNCERTAIN, "nothing of a wrong number was written"
    pair.commands.hand_over(job, ("Ａ－００３",))
    pair.settle()
    assert left(pair) == (9, ["A-001..A-002", "A-004..A-010"])


def test_the_line_counts_also_where_city_hall_refuses_the_fact(pair: Pair) -> None:
    job = pair.printed()
    pair.commands.hand_over(job)
    pair.drain()  # city hall does not know this document: it refuses the hand-over
    (entry,) = [one for one in pair.town.relay.books.lines(BUS) if one.job]
    assert (entry.id, entry.column, entry.numbers) == (line_of(job), Column.ISSUED, ("A-001",))


def test_a_spoiled_sheet_without_a_number_is_counted_and_a_count_finds_its_name(pair: Pair) -> None:
    pair.commands.spoiled(pair.printed(), "jam", ("?",))
    pair.settle()
    assert left(pair) == (9, ["A-001..A-010"])
    assert [str(one) for one in pair.books.book.paper(PAPER).next(1)] == ["A-002"]
    pair.books.count(PAPER, rows=(("A-001", "A-004"), ("A-006", "A-010")))
    pair.settle()
    assert (left(pair), pair.differences) == ((9, ["A-001..A-004", "A-006..A-010"]), [])


def test_paper_without_numbers_has_no_book(pair: Pair) -> None:
    job = pair.store.job(pair.printed())
    pair.books._city = msgspec.structs.replace(pair.books._city, papers={})
    assert pair.books.spoiled(job, (), None, "jam") is None


def test_a_void_is_written_by_the_bus_once_whichever_way_it_hears_of_it(pair: Pair) -> None:
    by_order, by_wish = pair.printed(), pair.printed()
    pair.order(by_order, JobState.SPOILED)
    about: dict[str, Any] = {"column": Column.SPOILED, "paper": PAPER, "sheets": 1, "numbers": ("A-007",)}
    wish = BookEntry(id=line_of(by_wish), at=1, by="clerk-1", job=by_wish, why="voided", **about)
    for _ in range(2):
        pair.plan(wishes=(wish,))
    pair.order(by_wish, JobState.SPOILED)
    lines = [(one.job, one.by, one.numbers, one.n) for one in pair.books._shelf.after(1)]
    assert lines == [(by_order, "city-hall", (), 2), (by_wish, "clerk-1", ("A-007",), 3)]
    pair.settle()
    assert left(pair) == (8, ["A-001..A-006", "A-008..A-010"])


# --- differences ---


def test_a_count_that_misses_a_sheet_names_it_until_it_is_written_down_as_lost(pair: Pair) -> None:
    job = pair.on_bus()
    pair.books.count(PAPER, rows=(("A-001", "A-006"), ("A-008", "A-010")))
    pair.settle()
    assert (pair.differences, pair.refusal(job)) == (["controlled missing 1 A-007"], "refused.sheets_differ")
    assert not pair.books.sheets_agree().ok
    assert pair.books.sheets_agree().detail == "A-007"
    pair.books.lost(PAPER, ("A-007",), "wind")
    pair.settle()
    assert (pair.differences, pair.refusal(job)) == ([], "")
    assert str(pair.books.sheets_agree().word) == "books.sheets_uncounted", "the count was before the loss"
    pair.books.count(PAPER, 9)
    assert pair.books.sheets_agree().ok
    pair.clock.forward(24 * 3600)
    assert not pair.books.sheets_agree().ok, "that was yesterday"


def test_a_count_without_numbers_is_explained_by_any_lost_sheet_and_by_a_count_that_agrees(pair: Pair) -> None:
    pair.books.count(PAPER, 9)
    pair.drain()
    assert pair.differences == ["controlled missing 1"]
    pair.books.count(PAPER, 10)
    pair.drain()
    assert pair.differences == []
    pair.books.count(PAPER, 8)
    pair.books.lost(PAPER, ("A-005",), "wind")
    pair.drain()
    assert pair.differences == ["controlled missing 1"]
    pair.books.lost(PAPER, ("?",), "wind")
    pair.drain()
    assert (pair.differences, left(pair)[0]) == ([], 8)


def test_a_sheet_that_lies_there_though_it_was_used_is_a_difference_until_the_line_is_corrected(pair: Pair) -> None:
    job = pair.printed()
    pair.commands.hand_over(job)  # by the book A-001; in truth she took A-002
    pair.books.count(PAPER, rows=(("A-001", "A-001"), ("A-003", "A-010")))
    pair.settle()
    assert pair.differences == ["controlled missing 1 A-002", "controlled extra 1 A-001"]
    made = pair.town.relay.books.correct(BUS, line_of(job), "wrong_number", "clerk-1", ("A-002",))
    assert [one.sheets for one in pair.town.relay.books.pending(BUS)] == [-1, 1]
    pair.settle()
    assert (pair.town.relay.books.pending(BUS), pair.differences) == ([], [])
    assert left(pair) == (9, ["A-001", "A-003..A-010"])
    assert [entry.by for entry in pair.books._shelf.after(3)] == ["clerk-1", "clerk-1"]
    for wrong in (line_of(job), made[0].id, "e" + "0" * 24):
        with pytest.raises(BookEntryError):
            pair.town.relay.books.correct(BUS, wrong, "again", "clerk-1")


@pytest.mark.parametrize(
    ("number", "said"), [("A-001", "used_twice 1 A-001"), ("B-777", "not_held 1 B-777"), ("A-1", "not_held 1 A-1")]
)
def test_a_number_that_the_drawer_does_not_hold_is_named(pair: Pair, number: str, said: str) -> None:
    pair.commands.hand_over(pair.printed())
    pair.commands.spoiled(pair.printed(), "jam", (number,))
    pair.settle()
    assert pair.differences == [f"controlled {said}"]
    (incident,) = pair.town.relay.store.incidents(BUS)
    assert (incident.what, incident.detail, incident.open) == ("sheets", f"controlled {said}", True)
    spoiled = pair.town.relay.books.lines(BUS)[-1].id
    pair.town.relay.books.correct(BUS, spoiled, "misread", "clerk-1", ("A-002",))
    pair.settle()
    assert (pair.differences, pair.town.relay.store.incident(incident.n).open) == ([], False)


def test_more_sheets_than_there_were_are_a_difference(pair: Pair) -> None:
    pair.books.lost(PAPER, ("A-001..A-010",), "water")
    pair.commands.hand_over(pair.printed())
    pair.settle()
    assert (pair.differences, left(pair)[0]) == (["controlled negative 1"], -1)


def test_certificates_need_sheets_in_the_book_and_forms_do_not(pair: Pair) -> None:
    pair.books.lost(PAPER, ("A-002..A-010",), "water")
    waiting = pair.on_bus()
    assert pair.refusal(waiting) == ""
    out = pair.printed()
    assert pair.refusal(waiting) == "refused.no_sheets", "the last sheet lies in the tray"
    pair.commands.nothing_came_out(out)
    assert pair.refusal(waiting) == ""
    pair.books.lost(PAPER, ("A-001",), "water")
    assert pair.refusal(waiting) == "refused.no_sheets"
    job = pair.store.job(waiting)
    form = msgspec.structs.replace(job.header, job_class=JobClass.FORM)
    pair.books.block(msgspec.structs.replace(job, seal_header=headers.encode_header(form)))


def test_nobody_counts_while_sheets_are_out(pair: Pair) -> None:
    job = pair.printed()
    with pytest.raises(SheetsOutError):
        pair.books.count(PAPER, 9)
    assert (pair.books.unclaimed().ok, pair.books.unclaimed().detail != "") == (False, True)
    pair.commands.hand_over(job)
    pair.books.count(PAPER, 9)
    assert pair.books.unclaimed().ok


# --- bad input ---


@pytest.mark.parametrize(
    ("first", "last", "error"),
    [
        ("A-0000000001", "A-1000000000", TooManySheetsError),
        ("A-050", "A-041", SerialError),
        ("A-041", "B-050", SerialError),
        ("A", "B", SerialError),
        ("A-010", "A-020", SheetsKnownError),
        ("A-001", "A-001", SheetsKnownError),
    ],
)
def test_rows_that_cannot_be_are_refused_and_nothing_is_written(
    pair: Pair, first: str, last: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        pair.books.receive(PAPER, first, last)
    with pytest.raises((RelayError, WireError)):
        pair.town.relay.books.receive(BUS, PAPER, first, last, "clerk-1")
    assert (pair.books.book.count, pair.town.relay.books.pending(BUS), pair.store.outgoing(-1)) == (1, [], [])


def test_every_other_command_refuses_what_cannot_be(pair: Pair) -> None:
    books, hall = pair.books, pair.town.relay.books
    job = pair.printed()
    pair.commands.nothing_came_out(job)
    wrong: list[tuple[type[Exception], Any]] = [
        (UnknownPaperError, lambda: books.receive("gold", "A-1", "A-2")),
        (SheetsNotHeldError, lambda: books.lost(PAPER, ("A-009..A-011",), "wind")),
        (CountError, lambda: books.lost(PAPER, ("A-009", "A-009"), "wind")),
        (TooManySheetsError, lambda: books.lost(PAPER, (), "wind")),
        (SerialError, lambda: books.lost(PAPER, ("",), "wind")),
        (CountError, lambda: books.count(PAPER)),
        (CountError, lambda: books.count(PAPER, 3, (("A-001", "A-003"),))),
        (CountError, lambda: books.count(PAPER, rows=(("A-001", "A-003"), ("A-003", "A-004")))),
        (TooManySheetsError, lambda: books.count(PAPER, rows=(("A-0000000001", "A-1000000000"),))),
        (TooManySheetsError, lambda: books.count(PAPER, -1)),
        (FeeAmountError, lambda: books.cash_difference(0, "short")),
        (FeeAmountError, lambda: books.paid(job, 301)),
        (FeeAmountError, lambda: books.paid(job, 0)),
        (UnknownJobError, lambda: books.paid("j" + "f" * 24)),
        (NoFeeError, lambda: books.refunded(job, "wrong")),
        (NotFoundError, lambda: hall.receive("bus-9", PAPER, "A-1", "A-2", "clerk-1")),
        (BookPaperError, lambda: hall.receive(BUS, "gold", "A-1", "A-2", "clerk-1")),
        (BookSheetsError, lambda: hall.correct(BUS, hall.lines(BUS)[0].id, "why", "clerk-1", ("A-001",))),
    ]
    for error, command in wrong:
        with pytest.raises(error):
            command()
    assert books.book.count == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"numbers": ["A-0000000001..A-1000000000"]},
        {"numbers": ["A-2..A-1"]},
        {"numbers": ["no number"]},
        {"sheets": 10_001},
        {"sheets": 0},
        {"yen": 10_000_001},
        {"at": 2**53 - 1},
        {"at": -1},
        {"id": "j" + "0" * 24},
        {"column": "stolen"},
        {"numbers": ["A-001"] * 101},
    ],
)
def test_a_line_that_cannot_be_is_no_message(changed: dict[str, Any]) -> None:
    fields = strict_json.decode(strict_json.encode(box_of_paper(1, "A-001", "A-002")), dict[str, Any])
    strict_json.decode(strict_json.encode(box_of_paper(1, "A-001", "A-002")), BookEntry)
    with pytest.raises(MalformedError):
        strict_json.decode(msgspec.json.encode(fields | changed), BookEntry)


def test_a_bus_writes_nothing_about_another_buss_document(pair: Pair) -> None:
    on_bus = carried(pair.town, "bus-2")
    entry = BookEntry(id=line_of(on_bus.name), n=9, at=1, by="x", column=Column.PAID, yen=1, job=on_bus.name)
    answer = _later(pair).fact(link.Entry, entry=entry)
    assert (answer.reason, pair.town.relay.books.lines(BUS)[-1].n) == ("unknown_job", 1)


# --- agreement ---


def test_a_relay_that_was_set_back_gets_its_ledger_again(pair: Pair) -> None:
    for _ in range(3):
        pair.commands.hand_over(pair.printed())
    pair.drain()
    store = pair.town.relay.store
    with store.event():
        store.db.execute("delete from book where n > 2")  # type: ignore[attr-defined]
    assert pair.sync().books_wanted == 2
    pair.settle()
    assert left(pair) == (7, ["A-004..A-010"])
    with store.event():
        store.db.execute("delete from book where n in (1, 3)")  # type: ignore[attr-defined]
    pair.settle()
    assert left(pair) == (7, ["A-004..A-010"])
    assert pair.sync().books_wanted is None


def test_two_books_that_cannot_agree_are_an_incident_and_not_asked_for_ever(pair: Pair) -> None:
    with pair.town.relay.store.event():
        pair.town.relay.books.write(BUS, box_of_paper(7, "C-1", "C-2"))
    asked = [pair.sync().books_wanted for _ in range(5)]
    assert asked == [7, 0, 0, None, None]
    (incident,) = pair.town.relay.store.incidents(BUS)
    assert incident.detail == "books_disagree"


def test_the_bus_keeps_its_book_over_a_power_cut(pair: Pair) -> None:
    pair.commands.hand_over(pair.printed())
    before = pair.books.book.digest
    pair.restart()
    assert pair.books.book.digest == before


def test_what_is_rolled_back_was_never_folded(pair: Pair) -> None:
    def write(first: str) -> None:
        with pair.store.event():
            pair.books._write(Column.RECEIVED, None, paper=PAPER, sheets=1, numbers=(first,))
            assert pair.books.book.count == 2
            if first == "B-1":
                raise RefusedError

    with pytest.raises(RefusedError):
        write("B-1")
    assert pair.books.book.count == 1
    write("B-2")
    assert [str(row) for row in pair.books.book.paper(PAPER).numbers.held] == ["A-001..A-010", "B-2"]


@pytest.fixture(scope="module")
def settled() -> Any:
    with tempfile.TemporaryDirectory(prefix="books-") as name:
        yield Pair(Path(name))


def _set_back(pair: Pair, lines: int) -> None:
    store = pair.town.relay.store
    with store.event():
        store.db.execute("delete from book where n > ?", [pair.books.book.last_n - lines])  # type: ignore[attr-defined]


def _miss(pair: Pair, rows: int) -> None:
    held = [str(row).split("..") for row in pair.books.book.paper(PAPER).numbers.held]
    pair.books.count(PAPER, rows=tuple((row[0], row[-1]) for row in held[rows % 2 :]))


def _correct(pair: Pair, dice: int) -> None:
    lines = pair.town.relay.books.lines(BUS)
    pair.town.relay.books.correct(BUS, lines[dice % len(lines)].id if lines else "", "wrong", "clerk-1")


def _lose(pair: Pair, dice: int) -> None:
    pair.books.lost(PAPER, tuple(map(str, pair.books.book.paper(PAPER).next(1, dice))), "wind")


BOXES = itertools.count(1)
DEEDS: dict[str, Callable[[Pair, int], object]] = {
    "issue": lambda pair, _: pair.commands.hand_over(pair.printed()),
    "spoil": lambda pair, n: pair.commands.spoiled(pair.printed(), "jam", (("?", "A-1", f"W-{n}")[n % 3],)),
    "lose": _lose,
    "count": lambda pair, _: pair.books.count(PAPER, max(pair.books.book.paper(PAPER).left, 0)),
    "miss": _miss,
    "box": lambda pair, n: pair.books.receive(PAPER, f"N{(box := next(BOXES)):05}0", f"N{box:05}{n}"),
    "wish": lambda pair, n: pair.town.relay.books.receive(
        BUS, PAPER, f"W{(box := next(BOXES)):05}0", f"W{box:05}{n}", "clerk-1"
    ),
    "correct": _correct,
    "drain": lambda pair, _: pair.drain(),
    "sync": lambda pair, _: pair.sync(),
    "set back": _set_back,
}


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 9)), max_size=25))
def test_in_whatever_order_lines_and_wishes_come_both_books_end_equal_and_account_for_every_sheet(
    settled: Pair, steps: list[tuple[str, int]]
) -> None:
    pair, hall = settled, settled.town.relay.books
    for what, dice in steps:
        with contextlib.suppress(RefusedError, RelayError, WireError):
            DEEDS[what](pair, dice)
    pair.settle()
    mine, theirs = pair.books.book, hall.book(BUS)
    assert (mine.digest, hall.pending(BUS)) == (theirs.digest, [])
    assert [str(one) for one in mine.differences()] == [str(one) for one in theirs.differences()]
    paper = mine.paper(PAPER)
    assert paper.left == paper.numbers.total - paper._unnamed, "every sheet is in the drawer, or has gone"
    assert paper.sheets == theirs.paper(PAPER).sheets


# --- at city hall ---


def uncertain(town: Town) -> OnBus:
    on_bus = carried(town)
    on_bus.release()
    on_bus.bus.fact(link.Doubt, job=on_bus.name, attempt=1, why="spooler_gone")
    return on_bus


def test_city_hall_refuses_a_certificate_without_paper_or_with_a_difference(tmp_path: Path) -> None:
    town = Town(tmp_path, paper=False)
    on_bus = carried(town)

    def ask() -> Any:
        return on_bus.bus.asks(on_bus.bus.request(on_bus.job, seal.OpenerKey()))

    assert ask().reason == "no_sheets"
    on_bus.bus.fact(link.Entry, entry=box_of_paper(1, "A-001", "A-002"))
    count = BookEntry(id="e" + "1" * 24, n=2, at=1, by="c", column=Column.COUNTED, paper=PAPER, sheets=1)
    on_bus.bus.fact(link.Entry, entry=count)
    assert ask().reason == "sheets_differ"
    lost = BookEntry(id="e" + "2" * 24, n=3, at=1, by="c", column=Column.LOST, paper=PAPER, sheets=1)
    on_bus.bus.fact(link.Entry, entry=lost)
    assert not hasattr(ask(), "reason")


def test_a_void_of_the_clerk_waits_for_the_bus_and_is_shown_as_pending(tmp_path: Path) -> None:
    town = Town(tmp_path)
    on_bus = uncertain(town)
    town.relay.clerk_desk.void("clerk-1", on_bus.name, ("A-000001",))
    (wish,) = on_bus.bus.sync().wishes
    assert (wish.id, wish.sheets, wish.numbers, wish.n) == (line_of(on_bus.name), 1, ("A-000001",), 0)
    assert town.relay.books.book(BUS).paper(PAPER).left == 5000
    on_bus.bus.fact(link.Entry, entry=msgspec.structs.replace(wish, n=2))
    assert (on_bus.bus.sync().wishes, town.relay.books.book(BUS).paper(PAPER).left) == ((), 4999)


def test_what_she_handed_over_before_she_heard_of_the_void_is_not_counted_twice(tmp_path: Path) -> None:
    town = Town(tmp_path)
    on_bus = uncertain(town)
    town.relay.clerk_desk.void("clerk-1", on_bus.name, ())
    about: dict[str, Any] = {"column": Column.ISSUED, "paper": PAPER, "sheets": 1, "numbers": ("A-000001",)}
    entry = BookEntry(id=line_of(on_bus.name), n=2, at=1, by="c", job=on_bus.name, **about)
    answer = on_bus.bus.fact(link.HandOver, job=on_bus.name, attempt=1, entry=entry)
    assert answer.reason == "wrong_state"
    sheets = town.relay.books.book(BUS).paper(PAPER).sheets
    assert (sheets.issued, sheets.spoiled, on_bus.bus.sync().wishes) == (1, 0, ())


def test_the_sheets_of_a_stolen_bus_are_known(tmp_path: Path) -> None:
    town = Town(tmp_path)
    assert town.relay.books.sheets_out("bus-2") == {PAPER: ("A-000001..A-005000",)}


# --- money ---


def test_a_fee_is_due_with_the_hand_over_and_settled_by_money_or_a_reason(pair: Pair) -> None:
    paid, waived = pair.printed(), pair.printed()
    pair.books.paid(paid)
    assert pair.books.fees_settled().ok, "it may still be handed over"
    for job in (paid, waived):
        pair.commands.hand_over(job)
    (open_,) = pair.books.open_fees()
    assert (open_.job, open_.yen, open_.check_word in pair.books.fees_settled().detail) == (waived, 300, True)
    pair.books.paid(waived, 100)
    pair.books.waived(waived, "welfare")
    assert pair.books.fees_settled().ok
    with pytest.raises(NoFeeError):
        pair.books.paid(paid)
    pair.settle()
    lines = money(pair.town.relay.books.lines(BUS), "2026-11")
    assert totals(lines) == {"due": 600, "paid": 400, "waived": 200, "refunded": 0}
    assert [one.receipt for one in lines if one.receipt] == [1, 2, 3]


def test_what_was_paid_for_nothing_is_to_be_refunded_once_nothing_can_follow(pair: Pair) -> None:
    job = pair.printed()
    pair.books.paid(job)
    pair.commands.spoiled(job, "jam", ("A-001",))
    (open_,) = pair.books.open_fees()
    assert (open_.job, open_.yen) == (job, -300)
    with pair.store.event():
        pair.store.forget(job)
    assert pair.books.fees_settled().detail == f"{open_.check_word} -300", "its check word is still known"
    assert next(pair.books.open_fees()).session == open_.session != "", "and so is its visit"
    pair.books.refunded(job, "toner")
    assert (pair.books.fees_settled().ok, pair.books.book.cash.expected) == (True, 0)


def test_a_reissue_is_paid_for_with_the_spoiled_one(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = pair.printed()
    pair.books.paid(spoiled)
    pair.commands.spoiled(spoiled, "jam", ("A-001",))
    monkeypatch.setattr("tests.unit.test_bus_store.SEAL", msgspec.structs.replace(SEAL, reissue_of=spoiled))
    reissue = pair.printed()
    assert pair.books.fees_settled().ok, "the reissue may still be handed over"
    pair.commands.hand_over(reissue)
    assert pair.books._shelf.session(spoiled) == pair.store.job(reissue).session
    assert pair.books.fees_settled().ok
    pair.settle()
    assert pair.town.relay.books.book(BUS).account(reissue).open == 0


def test_receipts_begin_anew_in_april_and_have_no_gap(pair: Pair) -> None:
    jobs = [pair.printed() for _ in range(4)]
    for job in jobs[:2]:
        pair.books.paid(job)
    pair.clock.forward(200 * 24 * 3600)
    for job in jobs[2:]:
        pair.books.paid(job)
    lines = [(one.year, one.receipt) for one in pair.books._shelf.after(0) if one.receipt]
    assert lines == [(2026, 1), (2026, 2), (2027, 1), (2027, 2)]


def test_the_cash_box_must_hold_what_it_began_with_and_what_was_paid(pair: Pair) -> None:
    books = pair.books

    def cash() -> tuple[int, int]:
        return books.book.cash.expected, books.book.cash.off

    books.cash_counted(10_000)
    assert (cash(), books.cash_agrees().ok) == ((10_000, 0), True)
    books.paid(pair.printed())
    assert not books.cash_agrees().ok
    books.cash_counted(10_200)
    pair.drain()
    (incident,) = pair.town.relay.store.incidents(BUS)
    assert (books.cash_agrees().detail, incident.what, incident.detail) == ("-100", "cash", "-100 yen")
    books.cash_counted(10_200)
    assert cash() == (10_300, -100), "the same count again explains nothing"
    books.cash_difference(-100, "short")
    pair.drain()
    assert (cash(), pair.town.relay.store.incident(incident.n).open) == ((10_200, 0), False)
    books.cash_difference(-200, "handed_in")
    books.cash_counted(10_000)
    assert (cash(), books.cash_agrees().ok) == ((10_000, 0), True)


# --- what an auditor reads ---


def test_the_ledger_has_a_line_a_day_and_carries_over(pair: Pair) -> None:
    pair.commands.hand_over(pair.printed())
    pair.commands.spoiled(pair.printed(), "jam", ("?",))
    pair.clock.forward(24 * 3600)
    pair.books.count(PAPER, 7)
    pair.settle()
    first, second = ledger(pair.town.relay.books.lines(BUS), "2026-11")
    assert (first.carried_over, first.received, first.issued, first.spoiled, first.left) == (0, 10, 1, 1, 8)
    assert (second.day, second.carried_over, second.left) == ("2026-11-22", 8, 8)
    assert second.differences == ("controlled missing 1",)
    assert ledger(pair.town.relay.books.lines(BUS), "2026-12") == []


def test_the_bus_works_out_the_columns_of_its_day_as_the_ledger_has_them(pair: Pair) -> None:
    pair.commands.hand_over(pair.printed())
    pair.clock.forward(24 * 3600)
    pair.books.receive(PAPER, "A-011", "A-020")
    pair.commands.spoiled(pair.printed(), "jam", ("?",))
    pair.settle()
    today = books_shown(pair.books).papers[0].today
    second = ledger(pair.town.relay.books.lines(BUS), "2026-11")[1]
    assert today == SheetCount(carried_over=9, received=10, spoiled=1)
    assert (second.carried_over, second.received, second.spoiled, second.left) == (9, 10, 1, today.left)
    pair.clock.forward(24 * 3600)
    assert books_shown(pair.books).papers[0].today == SheetCount(carried_over=18)


def test_a_spreadsheet_works_out_no_cell() -> None:
    rows = [{"day": "=1+1", "paper": "@x", "left": -1, "differences": ["-2", "a"], "why": "fine, really"}]
    text = as_csv(rows, (W.DAY, W.PAPER, W.LEFT, W.DIFFERENCES, W.WHY), Language.JAPANESE)
    assert text.splitlines() == ["日付,用紙,残,ちがい,理由", "'=1+1,'@x,-1,'-2; a,\"fine, really\""]


def test_every_bus_has_a_book_of_its_own(tmp_path: Path) -> None:
    town = Town(tmp_path)
    desk_bus(town, "bus-2").fact(link.Entry, entry=box_of_paper(2, "B-1", "B-9"))
    counts = [town.relay.books.book(bus).paper(PAPER).left for bus in BUSES]
    assert counts == [5000, 5009, 5000, 5000]


def test_a_test_page_on_numbered_paper_stands_in_its_own_column(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    page = msgspec.structs.replace(SEAL, job_class=JobClass.TEST, service="test-page")
    monkeypatch.setattr("tests.unit.test_bus_store.SEAL", page)
    pair.commands.hand_over(pair.printed())
    sheets = pair.books.book.paper(PAPER).sheets
    assert (sheets.test, sheets.issued, sheets.left) == (1, 0, 9)


def test_the_printers_own_counter_stands_beside_each_count(pair: Pair) -> None:
    pair.duty.spooler = Status(
        incarnation="0" * 32, printer=link.PrinterSummary(state="idle"), busy=None, impressions=4711
    )
    pair.books.count(PAPER, 10)
    pair.settle()
    (line,) = ledger(pair.town.relay.books.lines(BUS), "2026-11")
    assert (line.printer_counter, line.left) == (4711, 10)
