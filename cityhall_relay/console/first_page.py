"""The first page of a document for the eyes of the clerk who sent it: drawn by intake's disposable process, kept in memory alone.

It is gone when the print is allowed, when the document has ended, or after ten minutes, whichever comes first; it is on no disk and
in no log, and nobody else gets it.
"""

import asyncio
from collections import OrderedDict
from typing import Final, NamedTuple

from cityhall_base.clock import Clock
from cityhall_base.printers import Raster, RasterType
from cityhall_relay.intake.errors import IntakeError
from cityhall_relay.intake.report import JPEG, Drawing, IntakeLimits
from cityhall_relay.store import RelayStore
from cityhall_relay.submission import Check
from cityhall_wire.lifecycle import BEFORE_RELEASE
from cityhall_wire.sheets import Sides

KEPT_S: Final = 600.0
MOST: Final = 32
"""One for each counter of a city; the oldest gives way. Each has at most 150 KiB (intake/drawing.py): 5 MiB in all."""

PATIENCE_S: Final = 20.0
"""The document is accepted already: its clerk waits for no picture while the machine is busy with others."""

_RASTER: Final = Raster(dpi=150, type=RasterType.SRGB_8)


class _Kept(NamedTuple):
    clerk: str
    until: float
    picture: bytes


class FirstPages:
    """By job. `sweep` is called after every commit and by the housekeeping."""

    def __init__(self, store: RelayStore, check: Check, clock: Clock) -> None:
        self._store, self._check, self._clock = store, check, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._drawing: set[str] = set()

    async def draw(self, job: str, clerk: str, document: bytes, limits: IntakeLimits, *, flatten: bool) -> None:
        """Draw it and keep it, where it may still be shown. What cannot be drawn in time is not shown."""
        drawing = Drawing(
            document_format=JPEG,
            raster=_RASTER,
            media="",
            sides=Sides.ONE_SIDED,
            most_pages=limits.pages,
            flatten=flatten,
        )
        self._drawing.add(job)
        try:
            async with asyncio.timeout(PATIENCE_S):
                report = await self._check(document, limits, drawing)
        except (IntakeError, TimeoutError):
            return
        finally:
            self._drawing.discard(job)
        self._kept[job] = _Kept(clerk, self._clock.boottime() + KEPT_S, report.drawn)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        self.sweep()

    def of(self, clerk: str, job: str) -> bytes | None:
        """A JPEG picture, for the clerk who sent the document."""
        self.sweep()
        kept = self._kept.get(job)
        return kept.picture if kept and kept.clerk == clerk else None

    def drawing(self, job: str) -> bool:
        """Whether it will be there in a moment."""
        return job in self._drawing

    def sweep(self) -> None:
        """Let go of every one that may not be shown any more."""
        now = self._clock.boottime()
        for name, kept in list(self._kept.items()):
            if now >= kept.until or not self._waits(name):
                del self._kept[name]

    def __len__(self) -> int:
        return len(self._kept)

    def _waits(self, name: str) -> bool:
        job = self._store.job(name)
        return job is not None and job.state in BEFORE_RELEASE and job.approved_at is None
