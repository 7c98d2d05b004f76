"""The line to city hall: HTTPS with both ends' certificates, signed envelopes, and answers taken by signature and `re` alone.

After any failure the connection is thrown away: after black-outs of 20 s and more an established connection stayed silent
for another 18 to 42 s, where a new one answered in 0.3 s.
"""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NamedTuple

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent.errors import AnswerError, CertificateError, CityHallFaultError, LinkError, RejectedError
from cityhall_base import coding, tls
from cityhall_base.clock import Clock
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope, Opened, Role
from cityhall_wire.messages.relay import Answer

CONNECT_S: Final = 10
"""TCP and TLS 1.3 over a line of 600 ms take 2 s."""

READ_S: Final = 20
"""City hall answers from memory; what takes longer is a dead line."""

ANSWER_S: Final = 120.0
"""For a whole answer, however steadily it drips: two ranges of 32 KiB at 9.6 kbit/s take 55 s."""

_TIMEOUT: Final = httpx.Timeout(READ_S, connect=CONNECT_S)
_ANSWER_BYTES: Final = envelope.ENVELOPE_BYTES
_PACKED: Final = {"Content-Type": "application/json", "Content-Encoding": coding.PACKED}
_UNSAID: Final = ("accept", "accept-encoding", "connection", "user-agent")
"""What httpx says of itself in each request: 90 bytes of a metered line. Without it any answer is welcome (RFC 9110, 12.5)."""


class Ends(NamedTuple):
    """Whom the line joins, and the key that city hall's answers carry."""

    city: str
    bus: str
    relay_key: Ed25519PublicKey


class Link:
    """One signed request at a time; bodies on a connection beside it. `received` counts payload bytes since the start."""

    def __init__(self, url: str, context: ssl.SSLContext, ends: Ends, clock: Clock) -> None:
        self._url, self._context, self._ends, self._clock = url.rstrip("/"), context, ends, clock
        self._one_at_a_time = asyncio.Lock()
        self._client = self._new_client()
        self.received = 0

    async def ask(self, path: str, raw: bytes, timeout_s: float | None = None) -> tuple[bytes, Opened]:
        """Post an envelope; its verified answer, raw and opened. Raises LinkError.

        A release request (`timeout_s` given) goes beside the one link request in flight: it has a deadline of its own.
        """
        if timeout_s is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._ask(path, raw)
            except TimeoutError:
                raise LinkError("no answer in time") from None
        async with self._one_at_a_time:
            return await self._ask(path, raw)

    async def ask_all(self, path: str, raws: Sequence[bytes]) -> list[Opened]:
        """Post several envelopes in one request: the verified answers to the first of them, one at least. Raises LinkError."""
        if len(raws) == 1:
            return [(await self.ask(path, raws[0]))[1]]
        async with self._one_at_a_time:
            data = await self._post(path, envelope.join(raws))
        try:
            answers = envelope.split(data)
            if len(answers) > len(raws):
                raise AnswerError("more answers than questions")
            return [self._opened(asked, answer) for asked, answer in zip(raws, answers, strict=False)]
        except WireError as error:
            raise AnswerError(str(error)) from None

    async def body(self, job: str, start: int, end: int) -> bytes:
        """Bytes start to end (exclusive) of a job's ciphertext; raises LinkError."""
        wanted = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": coding.IDENTITY}
        status, data, headers = await self._send("GET", f"/1/body/{job}", wanted, None, end - start)
        if status != httpx.codes.PARTIAL_CONTENT or len(data) != end - start:
            raise AnswerError(f"status {status}, {len(data)} bytes")
        if not headers.get("content-range", "").startswith(f"bytes {start}-{end - 1}/"):
            raise AnswerError("another range than the one asked for")
        return data

    async def close(self) -> None:
        """Say goodbye."""
        await self._client.aclose()

    async def _ask(self, path: str, raw: bytes) -> tuple[bytes, Opened]:
        data = await self._post(path, raw)
        try:
            return data, self._opened(raw, data)
        except WireError as error:
            raise AnswerError(str(error)) from None

    async def _post(self, path: str, raw: bytes) -> bytes:
        status, data, headers = await self._send("POST", path, _PACKED, coding.pack(raw), _ANSWER_BYTES)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise CityHallFaultError(f"status {status}")
        if status >= httpx.codes.BAD_REQUEST:
            raise RejectedError(status)
        if status != httpx.codes.OK:
            raise AnswerError(f"status {status}")
        try:
            return coding.unpack(data, _ANSWER_BYTES) if headers.get("content-encoding") == coding.PACKED else data
        except WireError as error:
            raise AnswerError(str(error)) from None

    def _opened(self, asked: bytes, data: bytes) -> Opened:
        """Raises WireError or AnswerError."""
        opened = envelope.verify(data, {Role.RELAY: (self._ends.relay_key,)})
        answer = opened.expect(Answer)
        if (answer.city, answer.bus) != self._ends[:2] or answer.re != _digest(asked):
            raise AnswerError("it answers something else")
        return opened

    async def _send(
        self, method: str, path: str, headers: dict[str, str], content: bytes | None, limit: int
    ) -> tuple[int, bytes, httpx.Headers]:
        """Status, body as it came, and headers."""
        client = self._client
        try:
            async with asyncio.timeout(ANSWER_S):
                async with client.stream(method, self._url + path, headers=headers, content=content) as response:
                    return response.status_code, await self._read(response, limit), response.headers
        except AnswerError:
            await self._replace(client)
            raise
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            await self._replace(client)
            if why := tls.why_refused(error):
                raise CertificateError(f"{why}; this box's clock says {self._today()}") from None
            raise LinkError(type(error).__name__) from None
        except asyncio.CancelledError:
            await self._replace(client)
            raise

    async def _read(self, response: httpx.Response, limit: int) -> bytes:
        data = bytearray()
        async for piece in response.aiter_raw():
            data += piece
            self.received += len(piece)
            if len(data) > limit:
                raise AnswerError(f"more than {limit} bytes")
        return bytes(data)

    async def _replace(self, failed: httpx.AsyncClient) -> None:
        if self._client is failed:
            self._client = self._new_client()
            await failed.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        # No proxy from the environment, no redirects: city hall is one address.
        # Nothing that an answer brings is kept: no cookie, and so nothing that grows.
        nothing = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        client = httpx.AsyncClient(verify=self._context, timeout=_TIMEOUT, trust_env=False, cookies=nothing)
        for name in _UNSAID:
            del client.headers[name]
        return client

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock.utc_ms() / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _digest(asked: bytes) -> bytes:
    return envelope.digest(strict_json.decode(asked, Envelope).payload)
