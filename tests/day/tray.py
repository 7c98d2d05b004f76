"""The truth that no book can change: which numbered sheet went where, and how many coins lie in the box."""

from typing import Final

from provisioning.demo.parts import House

FIRST: Final = 401
SHEETS: Final = 50
CHANGE_YEN: Final = 3000
"""With which the day begins."""


def number(n: int) -> str:
    """As it stands on the sheet."""
    return f"A-{n:06d}"


class Tray:
    """The stack of numbered paper: each sheet that leaves the printer takes the next number, whatever anybody writes."""

    def __init__(self, house: House) -> None:
        self._house, self._next = house, FIRST
        self._numbered: set[str] = set()
        self._seen: dict[int, int] = {}
        self._of: dict[str, list[str]] = {}
        self.fates: dict[str, str] = {}
        self.cash_yen = CHANGE_YEN

    def will_take(self, sha256: str) -> None:
        """A document for this paper; others lie in another drawer."""
        self._numbered.add(sha256)

    def sheets_of(self, sha256: str) -> int:
        """How many sheets of this document came out so far, of whatever paper."""
        return sum(paper.came_out for paper in self._house.papers() if paper.sha256 == sha256)

    def came_out(self, sha256: str) -> list[str]:
        """Numbers of all sheets of this document so far, in the order in which they came."""
        self._look()
        return self._of.get(sha256, [])

    def lose(self) -> str:
        """A gust takes the topmost sheet."""
        self._look()
        return self._take()

    def became(self, fate: str, numbers: list[str]) -> None:
        """What the concierge did with these sheets, with her own hands: issued, spoiled, test or lost."""
        self.fates |= dict.fromkeys(numbers, fate)

    def left(self) -> list[str]:
        """What lies there, counted by hand."""
        self._look()
        return [number(n) for n in range(self._next, FIRST + SHEETS)]

    def _look(self) -> None:
        for paper in self._house.papers():
            if paper.sha256 in self._numbered:
                for _ in range(paper.came_out - self._seen.get(paper.started_ns, 0)):
                    self._of.setdefault(paper.sha256, []).append(self._take())
                self._seen[paper.started_ns] = paper.came_out

    def _take(self) -> str:
        self._next += 1
        return number(self._next - 1)
