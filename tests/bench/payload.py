"""What one job costs on the line beyond its document, counted between the bus and city hall by proxies that hold both ends' keys.

*Payload* is HTTP bodies and MQTT payloads both ways, from the clerk's hand to the last deletion receipt. *Headers* is all else
inside TLS. *On the line* is all that TCP carried, TLS and the document's own bytes as well; a tunnel would add its own.
The peer is the same document by `lp`: what a cupsd at city hall would send through the tunnel to the printer, and hear back.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, NamedTuple, Self

from bus_agent.settings import load_agent_settings
from cityhall_base import tls
from cityhall_relay.settings import load_relay
from provisioning.demo.parts import House
from provisioning.errors import WalkError
from tests.bench.counter import STEP_S, Counter, documents
from tests.bench.cups_peer import PEER, Cups, print_by_lp
from tests.bench.readers import Http, Mqtt, Tally
from tests.bench.table import Goal, Row
from tests.integration.tcp_proxy import Inside, TcpProxy, through

SHARE: Final = 0.01
FIXED_BYTES: Final = 12_000
_QUEUE: Final = "counted"


class _Counts(NamedTuple):
    """Bytes both ways."""

    payload: int
    headers: int
    line: int

    def since(self, before: Self) -> "_Counts":
        return _Counts(*(now - then for now, then in zip(self, before, strict=True)))

    def beyond(self, document: int) -> "_Counts":
        return self._replace(payload=self.payload - document)


class _Line:
    """The way to one port: a proxy that counts what TCP carries, and behind it one that reads what is said inside."""

    def __init__(self, target: int, reader: type[Http] | type[Mqtt], inside: Inside | None = None) -> None:
        self._tally = Tally()
        self._reading = TcpProxy(target, inside, lambda: reader(self._tally).hear)
        self.proxy = TcpProxy(self._reading.port)

    def counts(self) -> _Counts:
        """Since the start; raises WalkError where what was said could not be read."""
        if self._tally.failed:
            raise WalkError(f"what passed on the line could not be read: {self._tally.failed}")
        said = self._tally.said
        return _Counts(said, self._tally.passed - said, self.proxy.up + self.proxy.down)

    def close(self) -> None:
        """Both proxies."""
        self.proxy.close()
        self._reading.close()


def measure(rounds: int) -> Iterator[Row]:
    """Three rows for each size, in kB (1000 bytes)."""
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-") as name:
        top = Path(name)
        top.chmod(0o711)
        with House(top / "house") as house:
            counts = _counts(house, top / "cups", rounds)
    for label, (ours, peer, size) in counts.items():
        limit = Goal(round((SHARE * size + FIXED_BYTES) / 1000, 1), of_peer=False)
        for what, goal in (("payload", limit), ("headers", None), ("line", None)):
            kb_ours, kb_peer = ([getattr(one, what) / 1000 for one in some] for some in (ours, peer))
            yield Row.beside(f"{_NAMES[what]}, {label}", "kB", kb_ours, kb_peer, PEER, goal)


_NAMES: Final = {"payload": "payload beyond the document", "headers": "headers", "line": "all bytes on the line"}


class _Counted(NamedTuple):
    ours: list[_Counts]
    peer: list[_Counts]
    size: int


def _counts(house: House, cups_folder: Path, rounds: int) -> dict[str, _Counted]:
    drawn = documents()
    found = {document.label: _Counted([], [], len(document.content)) for document in drawn}
    with ExitStack() as running:
        http, mqtt = (running.enter_context(closing(line)) for line in _lines_of_the_bus(house))
        printer = running.enter_context(closing(_Line(house.ports.printer, Http)))
        through(house, {house.ports.bus: http.proxy, house.ports.broker: mqtt.proxy}, STEP_S)
        cups, counter = running.enter_context(Cups(cups_folder)), running.enter_context(Counter(house))
        cups.add_queue(_QUEUE, printer.proxy.port)
        for turn in range(rounds + 1):
            sys.stderr.write(f"payload: round {turn} of {rounds}\n")
            for document in drawn:
                before = (http.counts(), mqtt.counts(), printer.counts())
                size = counter.print(document).paper.size
                arrived = print_by_lp(cups, _QUEUE, house, document).paper.size
                by_http, by_mqtt, by_ipp = (
                    line.counts().since(then) for line, then in zip((http, mqtt, printer), before, strict=True)
                )
                ours = _Counts(*map(sum, zip(by_http, by_mqtt, strict=True)))
                # The first of each is the warm-up.
                if turn:
                    found[document.label].ours.append(ours.beyond(size))
                    found[document.label].peer.append(by_ipp.beyond(arrived))
    return found


def _lines_of_the_bus(house: House) -> tuple[_Line, _Line]:
    """To the relay and to the broker, with the keys of both ends."""
    bus, relay = load_agent_settings(house.city.bus.bus_toml).relay, load_relay(house.city.city.relay_toml).bus_listener
    broker, client = house.city.city.broker, tls.client_context(bus.ca, bus.cert, bus.key)
    of_relay = tls.server_context(relay.cert, relay.key, relay.ca)
    of_broker = tls.server_context(broker / "broker.crt", broker / "broker.key", broker / "ca.crt")
    return (
        _Line(house.ports.bus, Http, Inside(of_relay, client)),
        _Line(house.ports.broker, Mqtt, Inside(of_broker, client)),
    )
