"""The order of link messages: (boot, seq), never a clock. City hall keeps the highest pair of each bus and what it said."""

from enum import Enum
from typing import NamedTuple


class Place(NamedTuple):
    """Where a link message stands: its boot, its seq, and the digest of its payload."""

    boot: int
    seq: int
    digest: bytes


class Verdict(Enum):
    """What a new message is beside the last one taken."""

    NEW = "new"
    REPEAT = "repeat"  # the same message again: same effect, because its answer may have been lost
    STALE = "stale"


def judge(last: Place | None, message: Place) -> Verdict:
    """Whether `message` comes after `last`, repeats it, or is too late."""
    if last is None or (message.boot, message.seq) > (last.boot, last.seq):
        return Verdict.NEW
    return Verdict.REPEAT if message == last else Verdict.STALE
