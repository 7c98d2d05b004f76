"""Dates as the city writes them: 令和8年11月22日 on Japanese pages, 2026-11-22 on English ones. Times are JST."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from cityhall_base.clock import jst
from cityhall_base.words import Language

_REIWA: Final = date(2019, 5, 1)


class Dates:
    """For one reader."""

    def __init__(self, language: Language) -> None:
        self._japanese = language is Language.JAPANESE

    def day(self, iso: str) -> str:
        """Of 2026-11-22."""
        one = date.fromisoformat(iso)
        return f"{_year(one)}{one.month}月{one.day}日" if self._japanese else iso

    def month(self, month: str) -> str:
        """Of 2026-11."""
        one = date.fromisoformat(f"{month}-28")  # an era begins within a month, and the month belongs to the new one
        return f"{_year(one)}{one.month}月" if self._japanese else month

    def short(self, iso: str) -> str:
        """Without the year, where the page says it above."""
        one = date.fromisoformat(iso)
        return f"{one.month}月{one.day}日" if self._japanese else iso[5:]

    def moment(self, utc_ms: int) -> str:
        """Day and time."""
        at = jst(utc_ms)
        return f"{self.day(at.date().isoformat())} {at:%H:%M:%S}"

    def clock(self, utc_ms: int) -> str:
        """The time of day."""
        return f"{jst(utc_ms):%H:%M}"

    def values(self) -> Mapping[str, Any]:
        """For a template."""
        return {
            "day": self.day,
            "month_name": self.month,
            "short": self.short,
            "moment": self.moment,
            "clock": self.clock,
        }


def next_day(iso: str, days: int) -> str:
    """So many days later, or earlier."""
    return (date.fromisoformat(iso) + timedelta(days=days)).isoformat()


def next_month(month: str, months: int) -> str:
    """So many months later, or earlier."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + months
    return f"{count // 12:04}-{count % 12 + 1:02}"


def _year(one: date) -> str:
    if one < _REIWA:
        return f"{one.year}年"
    era = one.year - 2018
    return "令和元年" if era == 1 else f"令和{era}年"
