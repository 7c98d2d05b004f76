"""What a process looks like from outside while it is attacked: is it the same one, how large, how many descriptors."""

import os
from pathlib import Path
from typing import NamedTuple

MIB = 1024


def resident_kib(pid: int) -> int:
    """VmRSS (proc(5))."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))


def descriptors(pid: int) -> int:
    """How many it holds open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


class Seen(NamedTuple):
    """One process over one attack. Sizes in KiB."""

    start: int
    peak: int
    end: int
    descriptors: tuple[int, int]


class Watch:
    """Starts counting when it is told that the warm-up is over: allocators and caches fill first."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._start = self._peak = 0
        self._descriptors = 0

    def begin(self) -> None:
        self._start = self._peak = resident_kib(self.pid)
        self._descriptors = descriptors(self.pid)

    def look(self) -> None:
        self._peak = max(self._peak, resident_kib(self.pid))

    def end(self) -> Seen:
        self.look()
        now = resident_kib(self.pid)
        return Seen(self._start, self._peak, now, (self._descriptors, descriptors(self.pid)))
