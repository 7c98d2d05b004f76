"""The one place of statistics: samples become a Series, a Series beside its peer's and its goal a Row, rows a table and JSON."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

_HEADINGS: Final = ("measured", "ours (min-max)", "peer (min-max)", "unit", "ratio", "goal", "", "peer is")


class Series(NamedTuple):
    """What `n` repetitions gave."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, samples: Iterable[float]) -> Self:
        """Raises statistics.StatisticsError where there is none."""
        values = list(samples)
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        middle = _number(self.median)
        return middle if self.n == 1 else f"{middle} ({_number(self.low)}-{_number(self.high)})"


class Goal(NamedTuple):
    """A limit of our median, as a multiple of the peer's (`of_peer`) or by itself. `at_least`: more is better."""

    limit: float
    of_peer: bool = True
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}{' x peer' if self.of_peer else ''}"

    def held(self, ours: float, ratio: float | None) -> bool:
        """Raises ValueError for a goal that needs a peer and has none."""
        value = ratio if self.of_peer else ours
        if value is None:
            raise ValueError(f"{self}: nothing to compare with")
        return value >= self.limit if self.at_least else value <= self.limit


class Row(NamedTuple):
    """One line of the table. `peer_is` names what the peer is."""

    what: str
    unit: str
    ours: Series
    peer: Series | None = None
    peer_is: str = ""
    goal: Goal | None = None

    @classmethod
    def beside(
        cls, what: str, unit: str, ours: Iterable[float], peer: Iterable[float], peer_is: str, goal: Goal | None
    ) -> Self:
        """From both sides' samples."""
        return cls(what, unit, Series.of(ours), Series.of(peer), peer_is, goal)

    @property
    def ratio(self) -> float | None:
        """Our median over the peer's; None without a peer, or one whose median is nothing."""
        return self.ours.median / self.peer.median if self.peer and self.peer.median else None

    @property
    def held(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return None if self.goal is None else self.goal.held(self.ours.median, self.ratio)

    def as_json(self) -> dict[str, Any]:
        """For the last line of the output."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours._asdict(),
            "peer": self.peer._asdict() if self.peer else None,
            "peer_is": self.peer_is,
            "ratio": self.ratio,
            "goal": str(self.goal) if self.goal else None,
            "held": self.held,
        }


def text(rows: Sequence[Row]) -> str:
    """The table, a line for each row and each missed goal marked; it ends with a line end."""
    lines = [_HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(line.rstrip() + "\n" for line in padded)


def _cells(row: Row) -> tuple[str, ...]:
    verdict = {True: "held", False: "MISSED", None: ""}[row.held]
    ratio = "" if row.ratio is None else _number(row.ratio)
    peer = str(row.peer) if row.peer else "-"
    return (row.what, str(row.ours), peer, row.unit, ratio, str(row.goal or ""), verdict, row.peer_is)


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
