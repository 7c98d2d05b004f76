"""From a printer's attributes to what the spooler knows. Whatever a printer says, each value is bounded and of one type.

What is missing, said twice or of another syntax is not known. Only what nothing can be decided without raises PrinterAnswerError.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from bus_agent.errors import PrinterAnswerError
from bus_agent.ipc.messages import Supply
from bus_agent.spooler.ipp import Attributes

_PRINTER_STATES: Final = {3: "idle", 4: "processing", 5: "stopped"}
_JOB_STATES: Final = {
    3: "pending",
    4: "pending-held",
    5: "processing",
    6: "processing-stopped",
    7: "canceled",
    8: "aborted",
    9: "completed",
}
_UNPRINTABLE: Final = re.compile(r"[^ -~]")
_WORDS: Final = 16
_WORD: Final = 64
"""As many and as long as a signed statement carries."""

_MEDIA: Final = 127
_READY: Final = 8
_SUPPLIES: Final = 8
_SUPPLY_WORD: Final = 32
"""As `Status` carries."""

_NO_COLOR: Final = frozenset({"unknown", "none", "other"})


class PrinterStatus(NamedTuple):
    """What is asked before each print: RFC 8011 sections 5.4.11, 5.4.12, 5.4.29 (seconds since power-on), PWG 5100.13 printer-uuid.

    `media_ready` is empty where it does not say what lies in its trays. `counter` is None where it has none or was not asked:
    printer-impressions-completed (PWG 5100.22), the impressions of its whole life.
    """

    state: str
    reasons: tuple[str, ...]
    uuid: str
    up_time: int
    media_ready: tuple[str, ...] = ()
    counter: int | None = None


class Inspection(NamedTuple):
    """What is asked every few seconds for the screens."""

    status: PrinterStatus
    supplies: tuple[Supply, ...]


class JobStatus(NamedTuple):
    """One job as the printer tells it. None where it does not say."""

    id: int
    name: str
    state: str
    reasons: tuple[str, ...]
    impressions: int | None  # job-impressions-completed
    up_time: int | None  # job-printer-up-time, seconds
    ended_at: int | None = None  # time-at-completed, in seconds of printer-up-time

    @property
    def ended(self) -> bool:
        """The printer will do no more for it (RFC 8011 section 5.3.7)."""
        return self.state in {"canceled", "aborted", "completed"}


def printer_status(found: Attributes) -> PrinterStatus:
    """Raises PrinterAnswerError where printer-up-time is missing: a reset could not be seen."""
    return PrinterStatus(
        _PRINTER_STATES.get(integer(found, "printer-state") or 0, "unknown"),
        _reasons(found, "printer-state-reasons"),
        word(found, "printer-uuid"),
        needed(found, "printer-up-time"),
        tuple(words(found, "media-ready", _MEDIA)[:_READY]),
        count(found, "printer-impressions-completed"),
    )


def job_status(found: Attributes) -> JobStatus:
    """Raises PrinterAnswerError where job-id is missing."""
    return JobStatus(
        needed(found, "job-id"),
        word(found, "job-name"),
        _JOB_STATES.get(integer(found, "job-state") or 0, "unknown"),
        _reasons(found, "job-state-reasons"),
        count(found, "job-impressions-completed"),
        count(found, "job-printer-up-time"),
        count(found, "time-at-completed"),
    )


def supplies(found: Attributes) -> tuple[Supply, ...]:
    """printer-supply (PWG 5100.13 section 6.5), or the marker attributes that many printers have beside or instead of it."""
    said = [_supply(_pairs(value)) for value in found.get("printer-supply", ()) if isinstance(value, bytes)]
    return tuple(said or _markers(found))[:_SUPPLIES]


def integer(found: Attributes, name: str) -> int | None:
    """The first value where it is an integer or enum."""
    value = next(iter(found.get(name, ())), None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count(found: Attributes, name: str) -> int | None:
    """An integer that counts: never negative."""
    value = integer(found, name)
    return None if value is None or value < 0 else value


def needed(found: Attributes, name: str) -> int:
    """A count without which the answer says nothing."""
    value = count(found, name)
    if value is None:
        raise PrinterAnswerError(f"no {name}")
    return value


def words(found: Attributes, name: str, length: int = _WORD) -> list[str]:
    """All strings, printable ASCII only: they travel to logs and screens."""
    return [_UNPRINTABLE.sub("?", value)[:length] for value in found.get(name, ()) if isinstance(value, str)]


def word(found: Attributes, name: str) -> str:
    """The first string, empty where there is none."""
    return next(iter(words(found, name)), "")


def _reasons(found: Attributes, name: str) -> tuple[str, ...]:
    said = [one for one in words(found, name) if one != "none"]
    # What stops a print must not be lost behind what does not.
    return tuple(sorted(said, key=lambda one: one.endswith(("-report", "-warning")))[:_WORDS])


def _pairs(value: bytes) -> Mapping[str, str]:
    text = _UNPRINTABLE.sub("?", value.decode("ascii", "replace"))
    pairs = (one.partition("=") for one in text.split(";"))
    return {name.strip().lower(): said.strip() for name, _equals, said in pairs}


def _supply(said: Mapping[str, str]) -> Supply:
    level, full = _number(said.get("level", "")), _number(said.get("maxcapacity", ""))
    if level is not None and said.get("unit") != "percent":
        level = level * 100 // full if full else None
    return _made(said.get("type", "unknown"), said.get("colorantname", ""), level)


def _markers(found: Attributes) -> Iterable[Supply]:
    colors, levels = words(found, "marker-colors"), found.get("marker-levels", ())
    for at, kind in enumerate(words(found, "marker-types")):
        level = levels[at] if at < len(levels) else None
        known = level if isinstance(level, int) and level >= 0 else None
        yield _made(kind, colors[at] if at < len(colors) else "", known)


def _made(kind: str, color: str, level: int | None) -> Supply:
    shown = "" if color.lower() in _NO_COLOR else color[:_SUPPLY_WORD]
    return Supply(type=kind[:_SUPPLY_WORD], color=shown, level=-1 if level is None else min(level, 100))


def _number(text: str) -> int | None:
    # RFC 3805: -1 other, -2 unknown, -3 some of it left; none of them is a level.
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _WORD else None
