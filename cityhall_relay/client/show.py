"""What a clerk's terminal shows: one line for each step of a job, tables for lists, or JSON for a program."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cityhall_base.clock import jst
from cityhall_base.words import Language, say

Json = dict[str, Any]

_JOB_COLUMNS: Final = ("job", "bus", "service", "state", "approved", "check_word", "sheets")
_CALL_COLUMNS: Final = ("session", "bus", "section", "stop", "slot", "opened_at")
_ELSEWHERE: Final = ("times", "deleted", "key", "sentence", "do", "why")
_BUS_COLUMNS: Final = ("bus", "online", "last_sync_at", "mode", "stop", "printer", "session", "locked")


class Screen:
    """Standard output, as text for a person or as JSON, one object a line."""

    def __init__(self, as_json: bool, language: Language = Language.JAPANESE) -> None:
        self._as_json, self._language = as_json, language

    def result(self, value: Json, text: str) -> None:
        """One object, or the sentence that says the same."""
        self._line(json.dumps(value, ensure_ascii=False) if self._as_json else text)

    def step(self, job: Json) -> None:
        """One line of live progress."""
        self.result(job, _progress(job, self._language))

    def job(self, job: Json) -> None:
        """Everything about one job."""
        lines = [f"{name + ':':<20}{_cell(name, value)}" for name, value in job.items() if name not in _ELSEWHERE]
        lines += [f"{state + ' at:':<20}{when(at)}" for state, at in job["times"].items()]
        lines += [f"{'deleted, ' + side + ':':<20}{when(at)}" for side, at in job["deleted"].items()]
        lines.append(sentences(job, self._language))
        self.result(job, "\n".join(lines))

    def jobs(self, jobs: list[Json]) -> None:
        """A list of jobs."""
        self.result({"jobs": jobs}, table(_JOB_COLUMNS, jobs))

    def calls(self, calls: list[Json]) -> None:
        """What rings."""
        self.result({"calls": calls}, table(_CALL_COLUMNS, calls))

    def buses(self, buses: list[Json]) -> None:
        """The fleet."""
        rows = [bus | {"locked": self._said(bus["locked"])} for bus in buses]
        self.result({"buses": buses}, table(_BUS_COLUMNS, rows))

    def _said(self, one: Json | None) -> str | None:
        return say(one["key"], one["sentence"], self._language) if one else None

    def _line(self, text: str) -> None:
        # Flushed: a program reads progress while it happens.
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def when(utc_ms: int) -> str:
    """A time of day as the city reads it: JST, 24 h."""
    return jst(utc_ms).strftime("%Y-%m-%d %H:%M:%S")


def sentences(job: Json, language: Language) -> str:
    """Where the document stands, why, and what the clerk does now."""
    said = [job, *filter(None, (job["why"], job["do"]))]
    return " ".join(say(one["key"], one["sentence"], language, one.get("detail", "")) for one in said)


def _progress(job: Json, language: Language) -> str:
    carried = f" ({job['received'] * 100 // job['size']} % carried)" if job["state"] == "offered" else ""
    latest = max(job["times"].values())
    return f"{when(latest)[11:]}  {job['check_word']}  {job['state']:<12} {sentences(job, language)}{carried}"


def table(columns: Sequence[str], rows: Iterable[Json]) -> str:
    """Columns side by side, under their names."""
    cells = [[name.replace("_", " ") for name in columns]]
    cells += [[_cell(name, row[name]) for name in columns] for row in rows]
    widths = [max(_width(line[n]) for line in cells) for n in range(len(columns))]
    return "\n".join("  ".join(map(_padded, line, widths)).rstrip() for line in cells)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(cell: str) -> int:
    # Japanese takes two columns of a terminal (Unicode Standard Annex 11).
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in cell)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at"):
        return when(value)
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values() if part)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
