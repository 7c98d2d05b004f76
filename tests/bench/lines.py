"""Lines that are counted: what TCP carries, and what is said inside, by proxies that hold both ends' keys."""

from typing import NamedTuple, Self

from bus_agent.settings import load_agent_settings
from cityhall_base import tls
from cityhall_relay.settings import load_relay
from provisioning.demo.parts import House
from provisioning.errors import WalkError
from tests.bench.readers import Http, Mqtt, Tally
from tests.integration.tcp_proxy import Inside, TcpProxy


class Counts(NamedTuple):
    """Bytes both ways."""

    payload: int
    headers: int
    line: int

    def since(self, before: Self) -> "Counts":
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))

    def beyond(self, document: int) -> "Counts":
        return self._replace(payload=self.payload - document)


class Line:
    """The way to one port: a proxy that counts what TCP carries, and behind it one that reads what is said inside."""

    def __init__(self, target: int, reader: type[Http] | type[Mqtt], inside: Inside | None = None) -> None:
        self.tally = Tally()
        self._reading = TcpProxy(target, inside, lambda: reader(self.tally).hear)
        self.proxy = TcpProxy(self._reading.port)

    def counts(self) -> Counts:
        """Since the start; raises WalkError where what was said could not be read."""
        if self.tally.failed:
            raise WalkError(f"what passed on the line could not be read: {self.tally.failed}")
        said = self.tally.said
        return Counts(said, self.tally.passed - said, self.proxy.up + self.proxy.down)

    def reset(self) -> None:
        """Count from zero; while nothing is on the way."""
        self.tally.reset()
        self.proxy.up = self.proxy.down = 0

    def close(self) -> None:
        """Both proxies."""
        self.proxy.close()
        self._reading.close()


def lines_of_the_bus(house: House) -> tuple[Line, Line]:
    """To the relay and to the broker, with the keys of both ends."""
    bus, relay = load_agent_settings(house.city.bus.bus_toml).relay, load_relay(house.city.city.relay_toml).bus_listener
    broker, client = house.city.city.broker, tls.client_context(bus.ca, bus.cert, bus.key)
    of_relay = tls.server_context(relay.cert, relay.key, relay.ca)
    of_broker = tls.server_context(broker / "broker.crt", broker / "broker.key", broker / "ca.crt")
    return (
        Line(house.ports.bus, Http, Inside(of_relay, client)),
        Line(house.ports.broker, Mqtt, Inside(of_broker, client)),
    )
