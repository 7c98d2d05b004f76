"""The one MQTT 5 connection: paho-mqtt in its own thread, its messages handed to the event loop.

Carries hints, retained state with a last will, and telemetry. Losing, doubling or forging any of it changes nothing but time,
so publishing never waits and never fails: what cannot be sent now is dropped, and the next state replaces it.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any, Final

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

PAYLOAD_BYTES: Final = 16 * 1024
"""Larger payloads are not ours; they are dropped unread."""

KEEPALIVE_S: Final = 60
RECONNECT_S: Final = (1, 60)

log = logging.getLogger(__name__)


class Will(msgspec.Struct, frozen=True):
    """What the broker says for us when we are gone, retained."""

    topic: str
    payload: bytes


class Mqtt:
    """A connection that keeps coming back. `on_message(topic, payload)` and `on_connect()` run in the event loop."""

    def __init__(self, client_id: str, context: ssl.SSLContext, will: Will | None = None) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        self._client.tls_set_context(context)
        self._client.reconnect_delay_set(*RECONNECT_S)
        self._client.max_queued_messages_set(100)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message
        self.on_message: Callable[[str, bytes], None] = lambda topic, payload: None
        self.on_connect: Callable[[], None] = lambda: None
        self._topics: tuple[str, ...] = ()
        self.connected = False
        self.received_bytes = 0

    def start(self, host: str, port: int, topics: tuple[str, ...]) -> None:
        """Connect in the background and subscribe to `topics`, again after every loss. Needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._topics = topics
        self._client.connect_async(host, port, KEEPALIVE_S, clean_start=True)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send now where there is a connection; else forget it."""
        if self.connected:
            self._client.publish(topic, payload, qos=1, retain=retain)

    async def stop(self) -> None:
        """Say goodbye, so that the broker does not send the last will."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _connected(self, _c: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Properties | None) -> None:
        if reason.is_failure:
            log.warning("broker refuses the connection: %s", reason)
            return
        for topic in self._topics:
            self._client.subscribe(topic, qos=1)
        self._into_loop(self._set_connected, True)

    def _disconnected(self, _c: paho.Client, _u: Any, _f: Any, _r: ReasonCode, _p: Properties | None) -> None:
        self._into_loop(self._set_connected, False)

    def _message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        if len(message.payload) > PAYLOAD_BYTES:
            return
        self._into_loop(self._deliver, message.topic, bytes(message.payload))

    def _deliver(self, topic: str, payload: bytes) -> None:
        self.received_bytes += len(topic) + len(payload)
        self.on_message(topic, payload)

    def _set_connected(self, connected: bool) -> None:
        # Loud once, then quiet: paho calls on_disconnect at every failed attempt.
        if connected != self.connected:
            log.info("broker %s", "connected" if connected else "lost; sync goes on by polling")
        self.connected = connected
        if connected:
            self.on_connect()

    def _into_loop(self, function: Callable[..., None], *args: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)
