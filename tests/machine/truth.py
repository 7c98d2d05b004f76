"""What people know without any program: which document a clerk sent for which job, and what lies in the trays."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.machine.printer import Sheet

RESIDENT: Final = b"Nagatani Hanako"
"""Stands in every document, and nowhere else."""


def document(number: int, pages: int) -> bytes:
    """One that nobody else sends."""
    return b"%d %s %d" % (pages, RESIDENT, number)


def pages_of(raw: bytes) -> int:
    """Of one that `document` made."""
    return int(raw.split(b" ", 1)[0])


class Sent(NamedTuple):
    """What a clerk sent."""

    bus: str
    session: str
    clerk: str
    service: str
    document: bytes


@dataclass
class Truth:
    """Written by the models, read by the watchman; no program under test sees it."""

    sent: dict[str, Sent] = field(default_factory=dict)
    begun: dict[str, list[int]] = field(default_factory=dict)
    """Job → attempts of which at least the first sheet was begun."""

    whole: dict[str, set[int]] = field(default_factory=dict)

    def read(self, trays: Iterable[list[Sheet]]) -> None:
        """Which attempts lie whole in a tray."""
        for tray in trays:
            for sheet in tray:
                job, attempt = split(sheet.name)
                pages = [one for one in tray if one.name == sheet.name]
                if len(pages) == sheet.pages and all(one.whole for one in pages):
                    self.whole.setdefault(job, set()).add(attempt)


def split(name: str) -> tuple[str, int]:
    """Job and attempt of a job-name."""
    job, _, attempt = name.rpartition("-")
    return job, int(attempt)
