"""The tables of the wire: lifecycle, modes, check words, sheet arithmetic, limits."""

import itertools

import msgspec
import pytest

from cityhall_wire.check_word import WORDS, check_word
from cityhall_wire.errors import LifecycleError
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE, ENDS, TABLE, By, Event, JobState, step
from cityhall_wire.limits import Limits
from cityhall_wire.modes import PRINTS, DutyMode, JobClass, may_print
from cityhall_wire.sheets import SheetCount, Sides, sheets_for


def reachable(start: JobState) -> set[JobState]:
    seen, todo = {start}, [start]
    while todo:
        state = todo.pop()
        new = {row.to for row in TABLE if row.state is state} - seen
        seen |= new
        todo += new
    return seen


def test_every_state_is_reached_and_every_state_can_end() -> None:
    assert reachable(JobState.SEALED) == set(JobState)
    assert all(reachable(state) & ENDS for state in JobState)


def test_the_ends_are_the_designs() -> None:
    assert {str(end) for end in ENDS} == {"handed_over", "spoiled", "canceled", "expired", "refused", "not_printed"}


def test_no_row_stands_twice() -> None:
    keys = [(row.state, row.event) for row in TABLE]
    assert len(keys) == len(set(keys))


def test_only_a_print_key_statement_calls_a_job_printed_or_takes_it_back() -> None:
    for row in TABLE:
        if row.to is JobState.PRINTED or (row.to is JobState.ON_BUS and row.state not in BEFORE_RELEASE):
            assert row.by == {By.PRINT_KEY}


def test_uncertain_ends_only_by_a_person_or_a_print_key_statement() -> None:
    authors = set().union(*(row.by for row in TABLE if row.state is JobState.UNCERTAIN))
    assert authors == {By.CONCIERGE, By.CLERK, By.PRINT_KEY}


def test_nobody_cancels_a_job_that_an_opener_may_hold() -> None:
    for row in TABLE:
        if row.state in AT_PRINTER:
            assert row.by & {By.CLERK} == set()


@pytest.mark.parametrize("state", sorted(ENDS))
def test_nothing_follows_an_end(state: JobState) -> None:
    for event, by in itertools.product(Event, By):
        with pytest.raises(LifecycleError):
            step(state, event, by)


def test_a_certificate_goes_from_sealed_to_handed_over() -> None:
    state = JobState.SEALED
    for event, by in (
        (Event.OFFER, By.RELAY),
        (Event.CARRIED, By.LINK_KEY),
        (Event.RELEASE, By.PRINT_KEY),
        (Event.SENDING, By.PRINT_KEY),
        (Event.COMPLETED, By.PRINT_KEY),
        (Event.HAND_OVER, By.CONCIERGE),
    ):
        state = step(state, event, by)
    assert state is JobState.HANDED_OVER


def test_the_agent_alone_cannot_say_that_a_sheet_came_out() -> None:
    with pytest.raises(LifecycleError):
        step(JobState.PRINTING, Event.COMPLETED, By.LINK_KEY)


def test_certificates_print_in_city_hall_and_event_mode_only() -> None:
    assert {mode for mode in DutyMode if may_print(mode, JobClass.CERTIFICATE)} == {DutyMode.CITY_HALL, DutyMode.EVENT}


def test_nothing_prints_in_route_bus_mode_and_every_mode_is_in_the_table() -> None:
    assert set(PRINTS) == set(DutyMode)
    assert not PRINTS[DutyMode.ROUTE_BUS]


def morae(word: str) -> list[str]:
    result: list[str] = []
    for sign in word:
        if sign in "ゃゅょ":
            result[-1] += sign
        else:
            result.append(sign)
    return result


def distance(a: list[str], b: list[str]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


def test_any_two_of_the_64_check_words_differ_in_two_morae() -> None:
    assert len(WORDS) == 64
    for (a, _), (b, _) in itertools.combinations(WORDS, 2):
        assert distance(morae(a), morae(b)) >= 2, (a, b)


def test_every_check_word_has_three_or_four_morae_and_its_own_reading() -> None:
    assert all(3 <= len(morae(word)) <= 4 for word, _ in WORDS)
    assert len({reading for _, reading in WORDS}) == 64


def test_the_check_word_depends_on_job_session_and_bus() -> None:
    words = {
        check_word(bytes([n]) * 32, session, bus)
        for n in range(20)
        for session in ("s" + "0" * 24, "s" + "1" * 24)
        for bus in ("moba-1", "moba-2")
    }
    assert len(words) > 70
    assert all(10 <= word.number <= 99 for word in words)


def test_the_check_word_of_version_1_never_changes() -> None:
    assert str(check_word(bytes(32), "s" + "0" * 24, "moba-1")) == "49・やまびこ"


@pytest.mark.parametrize(
    ("impressions", "sides", "sheets"),
    [
        (0, Sides.ONE_SIDED, 0),
        (3, Sides.ONE_SIDED, 3),
        (3, Sides.TWO_SIDED_LONG_EDGE, 2),
        (4, Sides.TWO_SIDED_SHORT_EDGE, 2),
    ],
)
def test_impressions_are_not_sheets(impressions: int, sides: Sides, sheets: int) -> None:
    assert sheets_for(impressions, sides) == sheets


def test_the_drawer_holds_what_the_ledger_leaves() -> None:
    assert SheetCount(carried_over=40, received=100, issued=12, spoiled=1, lost=1, test=1).left == 125


def test_every_limit_has_bounds_and_its_default_is_within_them() -> None:
    assert msgspec.convert(msgspec.to_builtins(Limits()), Limits) == Limits()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"release_s": 3600}, Limits)
