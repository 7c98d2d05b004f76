"""The table of slots that city hall imports: CSV (RFC 4180) of numbers and names of city.toml, so that nobody's name can be in it.

    date,bus,slot,start,end,stop,section
    2026-11-24,moba-1,1,10:30,11:00,hase-hall,citizen

Columns in any order, all of them, no other. A line with date and bus alone says that this bus has no slots on that day. No I/O.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from cityhall_base.city import City
from cityhall_relay.errors import PlanError
from cityhall_wire.messages.visit import MOST_SLOTS, Slot

COLUMNS: Final = ("date", "bus", "slot", "start", "end", "stop", "section")

TABLE_BYTES: Final = 1024 * 1024
"""About 25,000 slots: every bus of a small prefecture for a season."""

MOST_ERRORS: Final = 10
"""Told at once; whoever mends them sees the rest next time."""

MOST_ALLOWED: Final = 20
"""Names that one error lists."""

AHEAD_DAYS: Final = 366
"""A date further away is a slip of the pen in its year."""

_DATE: Final = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")  # a spreadsheet writes 2026/11/24
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::00)?")
_SLOT: Final = re.compile(r"[0-9]{1,3}")
_NO_DAY: Final = "a day as 2026-11-24, today or within a year"
_NO_TIME: Final = "a time of day as 10:30"


class Booked(NamedTuple):
    """One line of the table. `slot` is None where the day has none."""

    line: int
    day: str
    bus: str
    slot: Slot | None


class _WrongError(Exception):
    """A line that cannot be; the text says what is allowed there, and nothing of what stands there."""


def read(raw: bytes, city: City, today: str) -> list[Booked]:
    """Every line; raises PlanError with the first wrong lines. `today` is a JST date: what is past is not planned any more."""
    errors: list[str] = []
    found: list[Booked] = []
    for one in _judged(_lines(raw), city, today):
        if isinstance(one, str):
            errors.append(one)
        else:
            found.append(one)
        if len(errors) >= MOST_ERRORS:
            break
    if not errors:
        errors = _together(found)
    if not found and not errors:
        errors = ["line 2: at least one line is needed"]
    if errors:
        raise PlanError("; ".join(errors[:MOST_ERRORS]))
    return found


def _lines(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that is not empty. Raises PlanError."""
    if len(raw) > TABLE_BYTES:
        raise PlanError(f"larger than {TABLE_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines_before = raw.count(b"\n", 0, error.start)
        raise PlanError(f"line {lines_before + 1}: not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from ((rows.line_num, row) for row in rows if row)
    except csv.Error:
        raise PlanError(f"line {rows.line_num}: no CSV; an open quotation mark?") from None


def _judged(lines: Iterator[tuple[int, list[str]]], city: City, today: str) -> Iterator[Booked | str]:
    n, header = next(lines, (1, []))
    columns = [cell.strip() for cell in header]
    if sorted(columns) != sorted(COLUMNS):
        raise PlanError(
            f"line {n}: the columns are {','.join(COLUMNS)}, each once and no other: nobody's name is imported"
        )
    for n, cells in lines:
        try:
            yield _line(n, columns, cells, city, today)
        except _WrongError as error:
            yield f"line {n}: {error}"


def _line(n: int, columns: list[str], cells: list[str], city: City, today: str) -> Booked:
    if len(cells) != len(columns):
        raise _WrongError(f"{len(cells)} columns, {len(COLUMNS)} are allowed")
    cell = dict(zip(columns, (text.strip() for text in cells), strict=True))
    day, bus = _day(cell["date"], today), _known("bus", cell["bus"], city.vehicles)
    if not any(cell[name] for name in COLUMNS[2:]):
        return Booked(n, day, bus, None)
    slot = Slot(
        slot=_number(cell["slot"]),
        start=_minute("start", cell["start"]),
        end=_minute("end", cell["end"]),
        stop=_known("stop", cell["stop"], city.stops),
        section=_known("section", cell["section"], city.sections),
    )
    if slot.start >= slot.end:
        raise _WrongError("end: later than start")
    return Booked(n, day, bus, slot)


def _together(found: list[Booked]) -> list[str]:
    """What is wrong with lines that are right each by itself."""
    days: dict[tuple[str, str], list[Booked]] = {}
    for one in found:
        days.setdefault((one.day, one.bus), []).append(one)
    return [error for lines in days.values() for error in _day_errors(lines)]


def _day_errors(lines: list[Booked]) -> Iterator[str]:
    slots = [(one.line, one.slot) for one in lines if one.slot is not None]
    if len(slots) < len(lines) > 1:
        yield f"line {lines[-1].line}: a day without slots has one line"
    if len(slots) > MOST_SLOTS:
        yield f"line {slots[MOST_SLOTS][0]}: at most {MOST_SLOTS} slots a bus and day"
    seen: dict[int, int] = {}
    for line, slot in slots:
        if slot.slot in seen:
            yield f"line {line}: slot: stands in line {seen[slot.slot]} already"
        seen[slot.slot] = line
    for (before, first), (line, second) in pairwise(sorted(slots, key=lambda one: (one[1].start, one[0]))):
        if second.start < first.end:
            yield f"line {line}: start: not before the end of line {before}"


def _day(text: str, today: str) -> str:
    found = _DATE.fullmatch(text)
    try:
        day = date(*map(int, found.groups())) if found else None
    except ValueError:
        day = None
    first = date.fromisoformat(today)
    if day is None or not first <= day <= first + timedelta(days=AHEAD_DAYS):
        raise _WrongError(f"date: {_NO_DAY}")
    return day.isoformat()


def _minute(column: str, text: str) -> int:
    found = _TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minute <= 24 * 60:
        raise _WrongError(f"{column}: {_NO_TIME}")
    return minute


def _number(text: str) -> int:
    if not _SLOT.fullmatch(text) or not int(text):
        raise _WrongError("slot: a number from 1 to 999")
    return int(text)


def _known(column: str, text: str, known: Mapping[str, object]) -> str:
    if text in known:
        return text
    names, more = list(known), len(known) - MOST_ALLOWED
    rest = f" and {more} more" if more > 0 else ""
    raise _WrongError(f"{column}: {', '.join(names[:MOST_ALLOWED])}{rest}")
