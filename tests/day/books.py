"""The evening's question: whether both sides' books agree, sheet by sheet and yen by yen, with what really happened."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from cityhall_wire.books import USED, Column
from cityhall_wire.sheets import span
from provisioning.small_city import BUS, PAPER
from tests.day.day import Day
from tests.day.tray import FIRST, SHEETS, number

Json = dict[str, Any]

_GONE = frozenset({*USED, Column.LOST})


class Books(NamedTuple):
    """`faults` is empty where all is as it must be; `open` names the sheets and yen about which somebody must be asked."""

    faults: list[str]
    open: list[str]


class _Side(NamedTuple):
    """One side's book: what each number became, what must lie in the drawer, and the cash box."""

    fates: dict[str, str]
    drawer: frozenset[str]
    cash_yen: int
    open: list[str]


def judge(day: Day, *, strict: bool) -> Books:
    """`strict`: nothing went wrong that day, so nothing may be open."""
    people = day.people
    people.until(lambda: _bus(day) == _city_hall(day), lambda: None, "both books agree")
    book = _bus(day)
    named = set(_numbers_in(book.open))
    faults = [f"{one}: {what}" for one, what in _wrong_sheets(day, book) if one not in named]
    if day.tray.cash_yen != book.cash_yen and not any("yen" in one for one in book.open):
        faults.append(f"the box has {day.tray.cash_yen} yen, the book {book.cash_yen}")
    if strict:
        faults += [f"open: {one}" for one in book.open]
    return Books(faults, book.open)


def _wrong_sheets(day: Day, book: _Side) -> Iterator[tuple[str, str]]:
    left = set(day.tray.left())
    for n in range(FIRST, FIRST + SHEETS):
        name = number(n)
        real = "left" if name in left else day.tray.fates.get(name, "came out, and nobody said what became of it")
        written = "left" if name in book.drawer else book.fates.get(name, "in no line")
        if real != written:
            yield name, f"really {real}, in the book {written}"


def _bus(day: Day) -> _Side:
    shown = day.concierge.get("/v1/books")
    paper = next(one for one in shown["papers"] if one["paper"] == PAPER)
    drawer = frozenset(name for row in paper["rows"] for name in _each(row))
    open_ = [f"{one['sheets']} sheet(s) {' '.join(one['numbers'])}" for one in paper["differences"]]
    open_ += [f"{one['yen']} yen for {one['check_word']}" for one in shown["open_fees"]]
    open_ += [f"{shown['cash_off']} yen in the box"] if shown["cash_off"] else []
    return _Side(_fates(day), drawer, shown["cash_expected"], open_)


def _city_hall(day: Day) -> _Side:
    ledger, fees = (day.clerk.get(f"/1/books/{BUS}/{what}?month=2026-11") for what in ("ledger", "fees"))
    entries, fates = _entries(day), _fates(day)
    received = {
        name for one in entries if one["column"] == Column.RECEIVED for row in one["numbers"] for name in _each(row)
    }
    open_ = [f"{one.split()[2]} sheet(s) {' '.join(one.split()[3:])}" for one in ledger["differences"]]
    open_ += [f"{one['yen']} yen for {one['check_word']}" for one in fees["open"]]
    open_ += [f"{fees['cash']['off']} yen in the box"] if fees["cash"]["off"] else []
    return _Side(fates, frozenset(received - fates.keys()), fees["cash"]["expected"], open_)


def _fates(day: Day) -> dict[str, str]:
    fates: dict[str, str] = {}
    for one in _entries(day):
        names = [name for row in one["numbers"] for name in _each(row)] if one["column"] in _GONE else []
        for name in names:
            if one["sheets"] < 0:
                fates.pop(name, None)
            else:
                fates[name] = str(one["column"])
    return fates


def _entries(day: Day) -> list[Json]:
    return list(day.clerk.get(f"/1/books/{BUS}/entries?month=2026-11")["entries"])


def _each(row: str) -> Iterator[str]:
    part = span(row)
    return (str(part.at(n, n)) for n in range(part.first, part.last + 1))


def _numbers_in(texts: list[str]) -> Iterator[str]:
    for text in texts:
        for word in text.split():
            if word.startswith("A-"):
                yield from _each(word)
