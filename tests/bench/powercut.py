"""After a power cut of the bus: what passes on the line from its boot until a carried, approved job can print again.

*Payload* is every byte inside TLS that HTTP says, bodies and headers, and what MQTT publishes, from the boot until the release is
answered. Handshakes are told apart: TCP's bytes beyond that. The peer is the same bus after the same cut, and a clerk who
takes the document back and hands it in again, as where nothing outlives a power cut.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, NamedTuple

from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.errors import WalkError
from tests.bench.counter import STEP_S, Counter, Document, documents
from tests.bench.lines import Counts, Line, lines_of_the_bus
from tests.bench.table import Goal, Row
from tests.integration.tcp_proxy import through

GOAL: Final = Goal(5, of_peer=False)
"""kB."""

CUTS: Final = 3
"""Bytes are the same each time, to a few; the peer is seen once."""

PEER: Final = "full re-send"
_RELEASE: Final = "/1/release"


class Spent(NamedTuple):
    """Bytes both ways. `handshakes`: TLS's and MQTT's until the press, with the frame of each record and packet."""

    payload: int
    bodies: int
    handshakes: int


def measure() -> Iterator[Row]:
    """Three rows for each size, in kB (1000 bytes)."""
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as name:
        top = Path(name)
        top.chmod(0o711)
        with House(top / "house") as house:
            found = _all(house)
    for label, (ours, peer) in found.items():
        for field, (what, goal) in _NAMES.items():
            kb_ours, kb_peer = ([getattr(one, field) / 1000 for one in some] for some in (ours, peer))
            yield Row.beside(f"{what}, {label}", "kB", kb_ours, kb_peer, PEER, goal)


_NAMES: Final = {
    "payload": ("payload from boot to release", GOAL),
    "bodies": ("bodies of it", None),
    "handshakes": ("handshakes beside it", None),
}


class _Pairs(NamedTuple):
    ours: list[Spent]
    peer: list[Spent]


def _all(house: House) -> dict[str, _Pairs]:
    found = {document.label: _Pairs([], []) for document in documents()}
    with ExitStack() as running:
        lines = [running.enter_context(closing(line)) for line in lines_of_the_bus(house)]
        proxies = zip((house.ports.bus, house.ports.broker), (line.proxy for line in lines), strict=True)
        through(house, dict(proxies), STEP_S)
        counter = running.enter_context(Counter(house))
        for document in documents():
            ours, peer = found[document.label]
            for turn in range(1, CUTS + 1):
                sys.stderr.write(f"power cut, {document.label}: {turn} of {CUTS}\n")
                ours.append(_print_after_cut(counter, lines, document, resends=False))
            peer.append(_print_after_cut(counter, lines, document, resends=True))
    return found


def _print_after_cut(counter: Counter, lines: list[Line], document: Document, *, resends: bool) -> Spent:
    """`resends`: the clerk takes the document back and hands it in again, as where nothing outlives a power cut."""
    job, house, (http, mqtt) = counter.carry(document), counter.house, lines
    _cut(house)
    for line in lines:
        line.reset()
    for name in ("spooler", "agent"):
        house.part(name).start()
    if resends:
        counter.take_back(job)
        job = counter.carry(document)
    counter.wait_until_expected(job)
    wait_until(lambda: mqtt.tally.said > 0, STEP_S, "the broker has heard of the bus")
    handshakes = sum(map(_beside, (line.counts() for line in lines))) + mqtt.counts().headers
    counter.press(job, document)
    released = next((one for one in http.tally.answers if one.target == _RELEASE), None)
    if released is None:
        raise WalkError("no release passed on the counted line")
    said = mqtt.counts().payload
    return Spent(released.passed + said, released.said + said, handshakes)


def _beside(counts: Counts) -> int:
    return counts.line - counts.payload - counts.headers


def _cut(house: House) -> None:
    """Every process of the bus is gone at once, openers too."""
    for name in ("agent", "spooler"):
        house.part(name).kill()
    for name in ("agent", "spooler"):
        house.part(name).stop()
