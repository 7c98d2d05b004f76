"""Who must hear that something changed: the clerks' screens after every commit, and the buses that have something to fetch."""

import asyncio
from collections.abc import Callable


class Changes:
    """Woken by the store after each commit. Nothing here is the truth: whoever wakes up reads the store again."""

    def __init__(self) -> None:
        self.hint: Callable[[str], None] = lambda bus: None
        self._buses: set[str] = set()
        self._woken = asyncio.Event()
        self.stopping = False

    def concerns(self, bus: str) -> None:
        """The running event is news to this bus. One that is rolled back costs a needless sync at most."""
        self._buses.add(bus)

    def fire(self) -> None:
        """The event is committed."""
        self._wake()
        while self._buses:
            self.hint(self._buses.pop())

    def stop(self) -> None:
        """Let everybody who waits go home."""
        self.stopping = True
        self._wake()

    def next(self) -> asyncio.Event:
        """Set at the next change. Take it before reading, or a change in between is missed."""
        return self._woken

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
