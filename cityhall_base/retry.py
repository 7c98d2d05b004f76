"""The one retry policy: doubling waits with jitter, back to the beginning after a success."""

import random
from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 30.0
"""A modem that comes back is noticed within half a minute, and a parked bus calls twice a minute at most."""


class Retry:
    """Counts failures in a row. The jitter keeps a fleet from coming back in one moment."""

    def __init__(self, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._first, self._most = first_s, most_s
        self._failures = 0

    def succeeded(self) -> None:
        """The next failure is a first one again."""
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait now: between half and the whole of the doubled wait."""
        wait = min(self._most, self._first * float(2**self._failures))
        self._failures = min(self._failures + 1, 16)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
