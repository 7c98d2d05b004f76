"""The one MQTT 5 connection: paho-mqtt in its own thread, its messages handed to the event loop.

Carries hints, retained state with a last will, and telemetry. Losing, doubling or forging any of it changes nothing but time,
so publishing never waits and never fails: what cannot be sent now is dropped, and the next state replaces it.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

PAYLOAD_BYTES: Final = 16 * 1024
"""Larger payloads are not ours; they are dropped unread."""

PACKET_BYTES: Final = 20 * 1024
"""Of a whole MQTT packet, as the broker's own max_packet_size: told to the broker, and not believed."""

UNREAD: Final = 100
"""Messages that may wait for the event loop; what a flood brings beyond them is dropped."""

KEEPALIVE_S: Final = 60
RECONNECT_S: Final = (1, 60)
STEADY_S: Final = 30.0
"""A connection that did not last so long was none: the wait before the next one doubles, as after a failed one. A broker that
drops everybody at once would else cost a TLS handshake (5 kB) a second."""

log = logging.getLogger(__name__)


class Will(msgspec.Struct, frozen=True):
    """What the broker says for us when we are gone, retained."""

    topic: str
    payload: bytes


class _Client(paho.Client):
    """paho's, for a broker that may not be ours any more: its packets are bounded and none of them ends the thread."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._in_packet["remaining_length"] > PACKET_BYTES:
            raise ConnectionAbortedError("the broker sends a packet that is too large")
        return super()._sock_recv(bufsize)

    def _packet_handle(self) -> MQTTErrorCode:
        try:
            return super()._packet_handle()
        except Exception as error:
            log.info("broker sends what is no MQTT: %s", type(error).__name__)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL


class Mqtt:
    """A connection that keeps coming back. `on_message(topic, payload)` and `on_connect()` run in the event loop."""

    def __init__(self, client_id: str, context: ssl.SSLContext, will: Will | None = None) -> None:
        self._client = _Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
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
        self._unread, self._wait_s, self._since = 0, RECONNECT_S[0], 0.0
        self.connected = False
        self.received_bytes = 0

    def start(self, host: str, port: int, topics: tuple[str, ...]) -> None:
        """Connect in the background and subscribe to `topics`, again after every loss. Needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._topics = topics
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = PACKET_BYTES
        self._client.connect_async(host, port, KEEPALIVE_S, clean_start=True, properties=properties)
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
        self._since = time.monotonic()
        for topic in self._topics:
            self._client.subscribe(topic, qos=1)
        self._into_loop(self._set_connected, True)

    def _disconnected(self, _c: paho.Client, _u: Any, _f: Any, _r: ReasonCode, _p: Properties | None) -> None:
        steady = self._since and time.monotonic() - self._since > STEADY_S
        if self._since:
            self._wait_s = RECONNECT_S[0] if steady else min(2 * self._wait_s, RECONNECT_S[1])
            self._client.reconnect_delay_set(self._wait_s, RECONNECT_S[1])
        self._since = 0.0
        self._into_loop(self._set_connected, False)

    def _message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        # Counted without a lock: one too many or too few changes nothing.
        if len(message.payload) > PAYLOAD_BYTES or self._unread >= UNREAD:
            return
        self._unread += 1
        self._into_loop(self._deliver, message.topic, bytes(message.payload))

    def _deliver(self, topic: str, payload: bytes) -> None:
        self._unread -= 1
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
