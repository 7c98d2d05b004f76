"""Hints and presence over MQTT: "sync now" comes in, "I am here" stays at the broker. Without a broker only time is lost."""

import asyncio
from collections.abc import Callable
from typing import Final

from cityhall_base.mqtt import Mqtt, Will
from cityhall_base.settings import Broker
from cityhall_base.tls import client_context
from cityhall_wire import PROTOCOL_VERSION, strict_json
from cityhall_wire.messages.topics import BusState, hint_topic, state_topic

BURST: Final = 10
EVERY_S: Final = 2.0
"""A visit brings about ten hints in a few minutes. A flood of them costs thirty syncs of 1 kB a minute, and no more."""


class Hints:
    """`wake` runs for each hint and each new connection."""

    def __init__(self, broker: Broker, city: str, bus: str, boot: int, wake: Callable[[], None]) -> None:
        self._broker, self._hint, self._state = broker, hint_topic(city, bus), state_topic(city, bus)
        self._wake, self._left, self._at = wake, float(BURST), 0.0
        self._later: asyncio.TimerHandle | None = None
        self._online, offline = (strict_json.encode(_state(here, boot)) for here in (True, False))
        context = client_context(broker.ca, broker.cert, broker.key)
        self._mqtt = Mqtt(bus, context, Will(self._state, offline))
        self._offline = offline
        self._mqtt.on_connect = self._connected
        self._mqtt.on_message = self._message

    @property
    def received(self) -> int:
        """Payload bytes since the start."""
        return self._mqtt.received_bytes

    def start(self) -> None:
        """Connect in the background; needs the event loop."""
        self._mqtt.start(self._broker.host, self._broker.port, (self._hint,))

    async def stop(self) -> None:
        """Say that we are gone."""
        self._mqtt.publish(self._state, self._offline, retain=True)
        await self._mqtt.stop()

    def _connected(self) -> None:
        self._mqtt.publish(self._state, self._online, retain=True)
        self._hear()

    def _message(self, topic: str, payload: bytes) -> None:
        # What a hint says is not even read: forging it changes nothing but time.
        self._hear()

    def _hear(self) -> None:
        # A token bucket. A hint beyond it is not lost: one for all of them comes when there is a token again.
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._left = min(float(BURST), self._left + (now - self._at) / EVERY_S)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            self._wake()
        elif self._later is None:
            self._later = loop.call_later((1 - self._left) * EVERY_S, self._hear_later)

    def _hear_later(self) -> None:
        self._later = None
        self._hear()


def _state(online: bool, boot: int) -> BusState:
    return BusState(v=PROTOCOL_VERSION, online=online, boot=boot)
