"""The border where the bus and the clerk's command read what city hall answers: nothing hangs, grows, or is believed."""

import asyncio
import gzip
import resource
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.agent import link
from bus_agent.agent.link import Ends, Link
from bus_agent.errors import AnswerError, CityHallFaultError, LinkError, RejectedError
from cityhall_base import coding, tls
from cityhall_relay.client import api
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import AnswerError as ClerksAnswerError
from cityhall_relay.client.errors import ClientError, OutOfReachError, RefusedError
from cityhall_relay.settings import ClerkSettings
from cityhall_wire.messages import envelope
from cityhall_wire.messages.relay import Stale
from tests.hostile.samples import BUS, CITY, sample
from tests.integration.hostile_city_hall import Answer, HostileCityHall, drips, for_ever, says
from tests.relay_city import TestClock
from tests.relay_tls import write_tls

KEY = Ed25519PrivateKey.generate()
ASKED = envelope.sign(sample(envelope.KINDS["sync"].payload), KEY)
OTHER = envelope.sign(sample(Stale, bus=BUS), KEY)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(body: bytes, *headers: bytes) -> bytes:
    return OK + b"".join(line + b"\r\n" for line in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture(scope="module")
def top() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="borders-") as name:
        write_tls(Path(name))
        yield Path(name) / "tls"


@pytest.fixture
def city_hall(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileCityHall]:
    monkeypatch.setattr(link, "ANSWER_S", 0.8)
    monkeypatch.setattr(api, "ANSWER_S", 0.8)
    with closing(HostileCityHall(top)) as city_hall:
        yield city_hall


def ask(top: Path, city_hall: HostileCityHall) -> None:
    """What `sync` does with the line."""

    async def scene() -> None:
        context = tls.client_context(top / "ca.crt", top / "bus-1.crt", top / "bus-1.key")
        line = Link(f"https://localhost:{city_hall.port}", context, Ends(CITY, BUS, KEY.public_key()), TestClock())
        try:
            await line.ask("/1/sync", ASKED)
        finally:
            await line.close()

    asyncio.run(scene())


def carry(top: Path, city_hall: HostileCityHall) -> bytes:
    """What the carrier does: 1000 bytes from the beginning."""

    async def scene() -> bytes:
        context = tls.client_context(top / "ca.crt", top / "bus-1.crt", top / "bus-1.key")
        line = Link(f"https://localhost:{city_hall.port}", context, Ends(CITY, BUS, KEY.public_key()), TestClock())
        try:
            return await line.body("j" + "0" * 24, 0, 1000)
        finally:
            await line.close()

    return asyncio.run(scene())


BOMB = gzip.compress(bytes(64 * 1024 * 1024))
PACKED_BOMB = coding.pack(bytes(32 * 1024 * 1024))
HOSTILE: dict[str, tuple[Answer, type[LinkError]]] = {
    "nothing": (says(), LinkError),
    "no HTTP": (says(b"\x00\xff" * 100), LinkError),
    "a head without an end": (for_ever(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100), LinkError),
    "a head that drips": (drips(b"HTTP/1.1 200 OK\r\nA: ", 0.1), LinkError),
    "continue, without an end": (for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), LinkError),
    "a body without an end": (for_ever(CHUNKED, b"1000\r\n" + b" " * 0x1000 + b"\r\n"), AnswerError),
    "a body that drips": (drips(OK + b"Content-Length: 60000\r\n\r\n", 0.1), LinkError),
    "less than it says": (says(OK + b"Content-Length: 60000\r\n\r\n{}"), LinkError),
    "a length that is none": (says(OK + b"Content-Length: -5\r\n\r\n{}"), LinkError),
    "chunks that are none": (says(CHUNKED + b"XYZ\r\n"), LinkError),
    "more than an answer may have": (says(whole(b" " * (envelope.ENVELOPE_BYTES + 1))), AnswerError),
    "no JSON": (says(whole(b"hello")), AnswerError),
    "a page": (says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), AnswerError),
    "a bomb": (says(whole(BOMB, b"Content-Encoding: gzip")), AnswerError),
    "a bomb in the agreed form": (says(whole(PACKED_BOMB, b"Content-Encoding: deflate")), AnswerError),
    "half of what was packed": (says(whole(coding.pack(b"{}" * 100)[:-5], b"Content-Encoding: deflate")), AnswerError),
    "plain that says it is packed": (says(whole(b"{}", b"Content-Encoding: deflate")), AnswerError),
    "somebody else's answer": (says(whole(OTHER)), AnswerError),
    "a redirect": (
        says(b"HTTP/1.1 302 Found\r\nLocation: https://localhost:1/\r\nContent-Length: 0\r\n\r\n"),
        AnswerError,
    ),
    "a redirect to nowhere": (says(b"HTTP/1.1 307 X\r\nLocation: \x01://[\r\nContent-Length: 0\r\n\r\n"), LinkError),
    "a refusal of the bus": (says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), RejectedError),
    "a full disk": (says(b"HTTP/1.1 507 X\r\nContent-Length: 0\r\n\r\n"), CityHallFaultError),
    "a status that is none": (says(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), LinkError),
    "cookies": (says(whole(b"{}", *(b"Set-Cookie: a%d=b; Domain=localhost" % n for n in range(500)))), AnswerError),
}


@pytest.mark.parametrize(("answer", "kind"), HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_is_none_is_a_sentence_and_not_a_wait(
    top: Path, city_hall: HostileCityHall, answer: Answer, kind: type[LinkError]
) -> None:
    city_hall.answer = answer
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(kind) as caught:
        ask(top, city_hall)
    assert str(caught.value).startswith(str(caught.value.__doc__))
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    )  # KiB; a bomb unpacked would be 64 MiB


PARTIAL = b"HTTP/1.1 206 Partial Content\r\n"
RANGES: dict[str, Answer] = {
    "the whole for a part": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)),
    "less": says(PARTIAL + b"Content-Length: 999\r\n\r\n" + bytes(999)),
    "more": says(PARTIAL + b"Content-Length: 1001\r\n\r\n" + bytes(1001)),
    "without an end": for_ever(PARTIAL + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + bytes(0x1000) + b"\r\n"),
    "dripping": drips(PARTIAL + b"Content-Length: 1000\r\n\r\n", 0.1),
    "damaged": says(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"),
    "another range": says(PARTIAL + b"Content-Range: bytes 5-1004/9999\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)),
    "packed": says(PARTIAL + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + bytes(20)),
}


@pytest.mark.parametrize("answer", RANGES.values(), ids=RANGES.keys())
def test_a_range_that_is_not_the_one_asked_for_is_not_used(
    top: Path, city_hall: HostileCityHall, answer: Answer
) -> None:
    city_hall.answer = answer
    with pytest.raises(LinkError):
        carry(top, city_hall)


CLERKS: dict[str, tuple[Answer, type[ClientError]]] = {
    "nothing": (says(), OutOfReachError),
    "a body without an end": (for_ever(CHUNKED, b"10000\r\n" + b" " * 0x10000 + b"\r\n"), ClerksAnswerError),
    "a body that drips": (drips(OK + b"Content-Length: 60000\r\n\r\n", 0.1), OutOfReachError),
    "no JSON": (says(whole(b"hello")), ClerksAnswerError),
    "a list": (says(whole(b"[]")), ClerksAnswerError),
    "a key twice": (says(whole(b'{"jobs":[],"jobs":[]}')), ClerksAnswerError),
    "100,000 brackets": (says(whole(b"[" * 100_000)), ClerksAnswerError),
    "a bomb": (says(whole(BOMB, b"Content-Encoding: gzip")), ClerksAnswerError),
    "a refusal without a sentence": (says(b"HTTP/1.1 409 X\r\nContent-Length: 2\r\n\r\n{}"), RefusedError),
    "a refusal that is none": (says(b"HTTP/1.1 409 X\r\nContent-Length: 5\r\n\r\nhello"), ClerksAnswerError),
    "nothing of what was asked for": (says(whole(b"{}")), ClerksAnswerError),
}


@pytest.mark.parametrize(("answer", "kind"), CLERKS.values(), ids=CLERKS.keys())
def test_the_clerks_command_says_what_is_wrong_with_an_answer(
    top: Path, city_hall: HostileCityHall, answer: Answer, kind: type[ClientError]
) -> None:
    city_hall.answer = answer
    (top / "token").write_text("token")
    (top / "token").chmod(0o600)
    settings = ClerkSettings(url=f"https://localhost:{city_hall.port}", ca=top / "ca.crt", token_file=top / "token")
    with closing(CityHall(settings)) as clerk, pytest.raises(kind):
        clerk.jobs()
