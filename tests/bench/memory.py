"""How much memory the parts take: at rest, and the opener at its peak while it prints documents of three sizes.

Resident memory as the kernel counts it: VmRSS and VmHWM of /proc/PID/status (proc(5)), in MiB.
"""

import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from provisioning.demo.parts import House
from provisioning.demo.walk import Walk
from provisioning.sample import sample_certificate
from tests.bench.table import Goal, Row, Series

MIB: Final = 1024 * 1024
AT_REST_MIB: Final = {"agent": 60.0, "spooler": 40.0, "relay": None}
"""What is promised; the relay stands in a server room and has no limit."""
OPENER_OVER_DOCUMENT_MIB: Final = 40.0
DOCUMENTS: Final = (100_000, 1_000_000, 20_000_000)
_LOOK_S: Final = 0.001
_OPENER: Final = b"bus_agent.spooler.opener"
"""In its command line; a child that is not exec'ed yet still shows the spooler's own, and its memory."""


class Line(NamedTuple):
    """One measured value beside its limit, both in MiB."""

    what: str
    mib: float
    limit_mib: float | None

    @property
    def held(self) -> bool:
        """Whether the limit holds; without one it does."""
        return self.limit_mib is None or self.mib <= self.limit_mib


def main() -> int:
    """Measure; 0 where every limit holds."""
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as folder, House(Path(folder)) as house:
        lines = list(_measured(house))
    for line in lines:
        limit = "-" if line.limit_mib is None else f"{line.limit_mib:.1f}"
        sys.stdout.write(f"{line.what:<32}{line.mib:>8.1f} MiB   limit {limit:>6}   {'' if line.held else 'BROKEN'}\n")
    ok = all(line.held for line in lines)
    result = {"memory": [line._asdict() for line in lines], "ok": ok}
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    return 0 if ok else 1


def rows() -> Iterator[Row]:
    """The same lines for the table of all measurements; each is one look, at rest or at the peak of one print."""
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as folder, House(Path(folder)) as house:
        for line in _measured(house):
            goal = None if line.limit_mib is None else Goal(round(line.limit_mib, 1), of_peer=False)
            yield Row(line.what, "MiB", Series.of([line.mib]), goal=goal)


def _measured(house: House) -> Iterator[Line]:
    walk = Walk(house, lambda text: None)
    spooler = house.part("spooler").pid
    for number, size in enumerate(DOCUMENTS):
        document = sample_certificate(number + 1, target_bytes=size)
        with _peak_of_children(spooler) as peak:
            walk.go(document)
        yield Line(
            f"opener, document of {len(document) / 1e6:.1f} MB",
            max(peak),
            len(document) / MIB + OPENER_OVER_DOCUMENT_MIB,
        )
        when = "after the first job" if number == 0 else f"after job {number + 1}"
        for name, limit in AT_REST_MIB.items() if number in {0, len(DOCUMENTS) - 1} else ():
            yield Line(f"{name}, {when}", _memory(house.part(name).pid, "VmRSS"), limit)


@contextlib.contextmanager
def _peak_of_children(parent: int) -> Iterator[list[float]]:
    """Highest VmHWM of any child of `parent` while this is open."""
    peak, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_S):
            for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                # A child that has just gone is no error: its last look stands.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, StopIteration):
                    if _OPENER in Path(f"/proc/{child}/cmdline").read_bytes():
                        peak[0] = max(peak[0], _memory(int(child), "VmHWM"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _memory(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1]) / 1024
