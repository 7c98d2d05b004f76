"""Hints to buses and presence of buses over the broker. Nothing depends on either but time."""

import logging
from collections.abc import Callable, Iterable
from typing import Final

from cityhall_base.mqtt import Mqtt
from cityhall_relay.broker_gate import RESPONSE, Gate
from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages.topics import BusState, Hint, hint_topic, state_topic

HINT_S: Final = 600
"""What a bus that is away need not hear any more: it asks by itself every `sync_s`."""

log = logging.getLogger(__name__)


class Hints:
    """Says "sync now" to buses, and remembers what the broker retains about them. A revoked one hears nothing and is not heard."""

    def __init__(
        self, mqtt: Mqtt, city: str, buses: Iterable[str], revoked: Callable[[str], bool] = lambda bus: False
    ) -> None:
        self._mqtt, self._city, self._revoked = mqtt, city, revoked
        self.gate = Gate(city, buses, mqtt.publish, revoked)
        self._topics = {state_topic(city, bus): bus for bus in buses}
        self._online: dict[str, bool] = {}
        self._garbled: set[str] = set()
        mqtt.on_message = self._heard
        mqtt.on_connect = self._connected

    def start(self, host: str, port: int) -> None:
        """Connect in the background; a broker that is down keeps nobody waiting."""
        self._mqtt.start(host, port, (state_topic(self._city, "+"), RESPONSE))

    def hint(self, bus: str) -> None:
        """Ask one bus to sync; forgotten where the broker is not there."""
        if self._revoked(bus):
            return
        said = strict_json.encode(Hint(v=PROTOCOL_VERSION))
        self._mqtt.publish(hint_topic(self._city, bus), said, expires_s=HINT_S)

    def online(self, bus: str) -> bool | None:
        """The broker's word about this bus; None where it has said nothing, or is gone itself."""
        return self._online.get(bus) if self._mqtt.connected and not self._revoked(bus) else None

    async def stop(self) -> None:
        """Leave the broker."""
        await self._mqtt.stop()

    def _connected(self) -> None:
        self.gate.connected()
        # Hints that were due while the broker was away are lost; one for all makes up for them.
        for bus in self._topics.values():
            self.hint(bus)

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic == RESPONSE:
            self.gate.heard(payload)
            return
        bus = self._topics.get(topic)
        if bus is None:
            return
        if not payload:  # an empty retained message clears the topic (MQTT 5 section 3.3.1.3)
            self._online.pop(bus, None)
            return
        try:
            self._online[bus] = strict_json.decode(payload, BusState).online
            self._garbled.discard(bus)
        except WireError as error:
            if bus not in self._garbled:  # loud once: whoever sends such things sends many
                log.warning("state of %s: %s", bus, error)
            self._garbled.add(bus)
