"""Who may be at the broker: the relay gives each bus its rights there, and takes them away, connection included.

Mosquitto's dynamic-security plugin, checked against Debian's 2.0.11 with users named by their certificates. What it needs to
know: *disabling* such a client cuts its connection and leaves its rights, because the name comes from TLS and no password is
asked; *deleting* it cuts the connection and takes every right, and whoever connects again under this name may hear and say
nothing. Giving a role to a client cuts its connection too, so that it comes back and subscribes with its rights.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages.topics import heard_by, said_by, state_topic

CONTROL: Final = "$CONTROL/dynamic-security/v1"
RESPONSE: Final = f"{CONTROL}/response"
_THERE_ALREADY: Final = frozenset({"Role already exists", "Client already exists"})

Publish = Callable[..., None]

log = logging.getLogger(__name__)


class _Done(msgspec.Struct, frozen=True):
    command: str
    error: str = ""
    correlation: str = msgspec.field(default="", name="correlationData")


class _Responses(msgspec.Struct, frozen=True):
    responses: tuple[_Done, ...]


class Gate:
    """Level-triggered: at each connection to the broker every bus is brought to where it should be."""

    def __init__(self, city: str, buses: Iterable[str], publish: Publish, revoked: Callable[[str], bool]) -> None:
        self._city, self._buses, self._publish, self._revoked = city, tuple(buses), publish, revoked
        self.on_gone: Callable[[str], None] = lambda bus: None

    def connected(self) -> None:
        """The broker is there; it may have forgotten everything."""
        for bus in self._buses:
            if self._revoked(bus):
                self.cut(bus)
            else:
                self.admit(bus)

    def admit(self, bus: str) -> None:
        """The bus gets its rights, where it has none."""
        self._say(grants(self._city, bus))

    def cut(self, bus: str) -> bool:
        """Its live connection ends, and one that comes back is nobody's; what it left as its state is cleared. True: asked for."""
        self._say([{"command": "deleteClient", "username": bus, "correlationData": bus}])
        self._publish(state_topic(self._city, bus), b"", retain=True)
        return True

    def heard(self, payload: bytes) -> None:
        """The broker's answer to any of these."""
        try:
            responses = strict_json.decode(payload, _Responses).responses
        except WireError as error:
            log.warning("the broker's answer to an order is not understood: %s", error)
            return
        for done in responses:
            self._done(done)

    def _done(self, done: _Done) -> None:
        bus = done.correlation
        if bus not in self._buses:
            return
        match done.command, done.error:
            case "deleteClient", "" | "Client not found":
                if self._revoked(bus):
                    log.info("%s: cut off from the broker", bus)
                    self.on_gone(bus)
            case "createClient", "":
                self._say([role_of(bus)])
            case _, error if error and error not in _THERE_ALREADY:
                log.warning("%s: the broker refuses %s: %s", bus, done.command, error)

    def _say(self, commands: list[dict[str, Any]]) -> None:
        self._publish(CONTROL, json.dumps({"commands": commands}).encode())


def grants(city: str, bus: str) -> list[dict[str, Any]]:
    """A bus hears its own `down`, and speaks in its own `up` and `state`: as soon as it is given this role."""
    return [
        {
            "command": "createRole",
            "rolename": _role(bus),
            "acls": list(_acls(city, bus)),
            "correlationData": bus,
        },
        {"command": "createClient", "username": bus, "correlationData": bus},
    ]


def _acls(city: str, bus: str) -> Iterator[dict[str, Any]]:
    hears, says = heard_by(city, bus), said_by(city, bus)
    for kind, topics in (("subscribePattern", hears), ("publishClientReceive", hears), ("publishClientSend", says)):
        for topic in topics:
            yield {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def role_of(bus: str) -> dict[str, Any]:
    """The order that makes the rights the bus's; it ends its connection, so that the next one subscribes with them."""
    return {"command": "addClientRole", "username": bus, "rolename": _role(bus), "correlationData": bus}


def _role(bus: str) -> str:
    return f"bus-{bus}"
