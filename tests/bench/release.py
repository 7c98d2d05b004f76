"""Press to paper: the same documents through the same virtual printer, ours and CUPS by turns, so that noise hits both.

Ours begins before the POST to the bus's local API, on a connection that is there already; the peer's when `lp` is exec'ed. Both end
when the printer starts its script, which it does when it holds the last byte. A document that is not carried whole ends the
measurement. The same prints show how long the printer's `completed` takes to reach whoever submitted.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from bus_agent.spooler.printer import Printer
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from tests.bench import completed, stages
from tests.bench.counter import STEP_S, Counter, Printed, documents, unfiltered
from tests.bench.cups_peer import PEER, Cups, print_by_lp
from tests.bench.table import Goal, Row

GOALS: Final = {"0.1 MB": Goal(1.0), "1 MB": Goal(1.0), "20 MB": Goal(0.5), "20 MB unfiltered": Goal(0.5)}
_QUEUE: Final = "peer"


class Pairs(NamedTuple):
    """Prints of one size, in the order in which they were made."""

    ours: list[Printed]
    peer: list[Printed]


def measure(rounds: int, with_stages: bool) -> Iterator[Row]:
    """`rounds` prints of each size each way, after a warm-up."""
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as name:
        top = Path(name)
        top.chmod(0o711)
        with House(top / "house") as house:
            pairs = _prints(house, top / "cups", rounds)
        for label, pair in pairs.items():
            ours, peer = ([one.to_paper_ms for one in some] for some in pair)
            yield Row.beside(f"press to last byte, {label}", "ms", ours, peer, PEER, GOALS[label])
        for label, pair in pairs.items():
            yield completed.row(label, pair.ours, pair.peer)
        # From the journals, when nobody writes them any more.
        if with_stages:
            yield from stages.rows(house, {label: pair.ours for label, pair in pairs.items()})


def _prints(house: House, cups_folder: Path, rounds: int) -> Mapping[str, Pairs]:
    drawn = (*documents(), unfiltered())
    pairs = {document.label: Pairs([], []) for document in drawn}
    printer = Printer(f"ipp://localhost:{house.ports.printer}/ipp/print")
    with ExitStack() as running:
        cups, counter = running.enter_context(Cups(cups_folder)), running.enter_context(Counter(house))
        cups.add_queue(_QUEUE, house.ports.printer)
        for turn in range(rounds + 1):
            sys.stderr.write(f"press to paper: round {turn} of {rounds}\n")
            for document in drawn:
                _until_idle(printer)
                ours = counter.print(document)
                _until_idle(printer)
                peer = print_by_lp(cups, _QUEUE, house, document)
                # The first of each is the warm-up.
                if turn:
                    pairs[document.label].ours.append(ours)
                    pairs[document.label].peer.append(peer)
    return pairs


def _until_idle(printer: Printer) -> None:
    wait_until(lambda: printer.describe().state == "idle", STEP_S, "the printer is idle")
