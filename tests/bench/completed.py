"""The printer's own `completed` to whoever submitted: our clerk follows the job's events, the peer's client asks cupsd every 10 ms.

Nobody is asked before paper begins to come out, so the asking does not slow the print.
"""

from collections.abc import Sequence
from typing import Final

from tests.bench.counter import Printed
from tests.bench.table import Goal, Row

GOAL: Final = Goal(0.3, of_peer=False)
"""Seconds."""


def row(label: str, ours: Sequence[Printed], peer: Sequence[Printed]) -> Row:
    """One size of document, in seconds."""
    seen_ours, seen_peer = ([one.to_submitter_ms / 1000 for one in some] for some in (ours, peer))
    return Row.beside(f"completed to clerk, {label}", "s", seen_ours, seen_peer, "CUPS, asked every 10 ms", GOAL)
