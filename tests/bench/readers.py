"""Reads along what passes on a connection, and counts what its two ends mean to say: HTTP bodies and MQTT payloads."""

from typing import Final

import h11

_PUBLISH: Final = 3
"""MQTT 5.0 section 2.1.2."""


class Tally:
    """`said` counts payload bytes both ways, `passed` all bytes, on all connections that share it.

    `failed` is what could not be read; from then on it does not count.
    """

    def __init__(self) -> None:
        self.said = self.passed = 0
        self.failed: Exception | None = None


class Http:
    """One HTTP/1.1 connection: a server's state machine for what goes up, a client's for what comes down."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._server, self._client = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)

    def hear(self, data: bytes, down: bool) -> None:
        """The next bytes of one direction."""
        self._tally.passed += len(data)
        if self._tally.failed:
            return
        try:
            self._read(self._client if down else self._server, self._server if down else self._client, data)
        except h11.ProtocolError as error:
            self._tally.failed = error

    def _read(self, reader: h11.Connection, other: h11.Connection, data: bytes) -> None:
        reader.receive_data(data)
        while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Data):
                self._tally.said += len(event.data)
            # The other machine must know what was asked or answered, to read its own direction.
            other.send(event)  # type: ignore[arg-type]
            if self._server.our_state is self._server.their_state is h11.DONE:
                self._server.start_next_cycle()
                self._client.start_next_cycle()


class Mqtt:
    """One MQTT 5.0 connection, each direction with the rest of a packet that is not whole yet."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._rest = {True: b"", False: b""}

    def hear(self, data: bytes, down: bool) -> None:
        """The next bytes of one direction."""
        self._tally.passed += len(data)
        rest = self._rest[down] + data
        while (packet := _packet(rest)) is not None:
            head, content, rest = packet
            if head >> 4 == _PUBLISH:
                self._tally.said += _payload(head, content)
        self._rest[down] = rest


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """First byte, content and what follows; None while it is not whole (section 2.1)."""
    length = _variable(data[1:5])
    if length is None or len(data) < 1 + length[1] + length[0]:
        return None
    start = 1 + length[1]
    return data[0], data[start : start + length[0]], data[start + length[0] :]


def _payload(head: int, content: bytes) -> int:
    """Bytes of a PUBLISH after topic, packet identifier and properties (section 3.3)."""
    at = 2 + int.from_bytes(content[:2], "big") + (2 if head & 0b110 else 0)
    size, width = _variable(content[at : at + 4]) or (0, 0)
    return len(content) - at - width - size


def _variable(data: bytes) -> tuple[int, int] | None:
    """A variable byte integer and its width (section 1.5.5); None where its end is missing."""
    value = 0
    for width, byte in enumerate(data, start=1):
        value |= (byte & 0x7F) << 7 * (width - 1)
        if not byte & 0x80:
            return value, width
    return None
