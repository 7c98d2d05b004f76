"""The screen's line to the agent: what comes in has a limit, what is lost comes back by itself, and no command is said twice.

The other end is a few lines of asyncio, because the real agent can be neither too large, nor cut, nor garbage, nor silent.
"""

import asyncio
import tempfile
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

from bus_agent.errors import AgentAnswerError, AgentGoneError
from bus_agent.shown import Said
from bus_agent.tui.agent import Agent
from bus_agent.tui.local_http import ANSWER_BYTES, LocalHttp
from bus_agent.tui.main import settings
from bus_agent.tui.scene import Tell
from bus_agent.tui.settings import ScreenSettings
from cityhall_base.errors import ConfigError
from cityhall_base.words import Language
from tests.screen_city import CITY, QUIET, Asked, StandIn, shown

WAIT_S: Final = 45.0
HEAD: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="screen-") as folder:
        yield Path(folder) / "api.sock"


def chunk(raw: bytes) -> bytes:
    return f"{len(raw):x}\r\n".encode() + raw + b"\r\n"


@asynccontextmanager
async def says(path: Path, *answers: bytes, stays: bool = False) -> AsyncIterator[None]:
    """Says each of them to whoever asks, and hangs up or not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
        if stays:
            await reader.read()
            await gone.wait()
        writer.close()

    gone = asyncio.Event()
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        gone.set()
        server.close()


HOSTILE: Final = {
    "nothing": b"",
    "garbage": b"\x00\xff" * 500,
    "no http": b"220 mail.example ESMTP\r\n\r\n",
    "a head without end": HEAD + b"X: " + b"x" * 40_000,
    "cut in the body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "cut in a chunk": CHUNKED + b"ff\r\nhalf",
    "too large": HEAD + f"Content-Length: {ANSWER_BYTES + 1}\r\n\r\n".encode() + b" " * (ANSWER_BYTES + 1),
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
}


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(WAIT_S):
            await test()

    asyncio.run(bounded())


async def until(state: Callable[[], bool]) -> None:
    while not state():  # noqa: ASYNC110 - the loop is the other end's too; `run` has the deadline
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_an_error_with_a_sentence_and_never_a_hang(path: Path, name: str) -> None:
    async def test() -> None:
        async with says(path, HOSTILE[name]):
            with pytest.raises(AgentGoneError):
                await LocalHttp(path).ask("GET", "/v1/snapshot")

    run(test)


def test_an_agent_that_says_nothing_is_gone_after_its_time(path: Path) -> None:
    async def test() -> None:
        async with says(path, HEAD, stays=True):
            with pytest.raises(AgentGoneError):
                await LocalHttp(path).ask("GET", "/v1/snapshot", within_s=0.05)
        async with says(path.with_name("other"), CHUNKED, chunk(b": still here\n\n"), stays=True):
            with pytest.raises(AgentGoneError):
                await anext(LocalHttp(path.with_name("other")).events("/v1/events", silence_s=0.05))

    run(test)


def test_an_event_without_end_is_cut_off(path: Path) -> None:
    async def test() -> None:
        endless = chunk(b"data: " + b"x" * 65_000) * (ANSWER_BYTES // 65_000 + 2)
        async with says(path, CHUNKED, endless, stays=True):
            with pytest.raises(AgentAnswerError):
                await anext(LocalHttp(path).events("/v1/events"))

    run(test)


def test_nobody_at_the_socket_is_an_agent_that_is_gone(path: Path) -> None:
    async def test() -> None:
        with pytest.raises(AgentGoneError):
            await LocalHttp(path).ask("GET", "/v1/snapshot")

    run(test)


def test_events_in_pieces_are_put_together(path: Path) -> None:
    async def test() -> None:
        stream = b": hello\n\ndata: one\n\ndata: two\n\n"
        async with says(path, CHUNKED, *(chunk(stream[at : at + 5]) for at in range(0, len(stream), 5)), b"0\r\n\r\n"):
            found = [event async for event in LocalHttp(path).events("/v1/events")]
        assert found == [b"one", b"two"]

    run(test)


# --- the agent behind it ---


@asynccontextmanager
async def connected(path: Path, stand_in: StandIn | None = None) -> AsyncIterator[tuple[Agent, StandIn]]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    bus = stand_in or StandIn(path)
    await bus.start()
    agent = Agent(LocalHttp(path), lambda: None, sleep)
    running = asyncio.create_task(agent.run())
    try:
        await until(lambda: agent.up and agent.city == CITY)
        yield agent, bus
    finally:
        running.cancel()
        await asyncio.wait((running,))
        await bus.stop()


def test_the_snapshot_and_what_the_city_is_called_come_by_themselves(path: Path) -> None:
    async def test() -> None:
        async with connected(path) as (agent, bus):
            assert (agent.seen, agent.city) == (QUIET, CITY)
            bus.city = msgspec.structs.replace(CITY, config="c2", bus="もーば2号車")
            bus.say(shown(config="c2"))
            await until(lambda: agent.city.bus == "もーば2号車")

    run(test)


def test_an_agent_that_goes_and_comes_back_is_heard_again(path: Path) -> None:
    async def test() -> None:
        async with connected(path) as (agent, bus):
            await bus.stop()
            await until(lambda: not agent.up)
            assert agent.seen == QUIET, "it is kept, but not shown"
            bus.snapshot = shown(boot=2)
            await bus.start()
            await until(lambda: agent.up and agent.seen is not None and agent.seen.boot == 2)

    run(test)


def test_a_refusal_comes_back_as_what_the_agent_said(path: Path) -> None:
    async def test() -> None:
        async with connected(path) as (agent, bus):
            said = {"key": "refused.pin_wait", "sentence": "wait 30 s", "detail": "30"}
            bus.answer = lambda _: (409, said)
            assert await agent.tell(Tell("/v1/sign-in", {"pin": "1"})) == Said(**said)
            bus.answer = lambda _: (409, {"what": "no refusal"})
            assert await agent.tell(Tell("/v1/sign-in")) is None
            await until(lambda: agent.up)

    run(test)


def test_a_command_whose_answer_was_lost_is_never_said_again(path: Path) -> None:
    async def test() -> None:
        async with connected(path) as (agent, bus):

            def dies(asked: Asked) -> None:
                bus.snapshot = shown(boot=2)  # it was done
                raise ConnectionError

            bus.answer = dies
            assert await agent.tell(Tell("/v1/session/end")) is None
            assert not agent.up
            await until(lambda: agent.up and agent.seen is not None and agent.seen.boot == 2)
            assert [asked[1] for asked in bus.asked] == ["/v1/session/end"]

    run(test)


@pytest.mark.parametrize(
    "garbage", [b"data: {}\n\n", b"data: [\n\n", b'data: {"bus": "\\ud800"}\n\n', b"data: " + b"[" * 99 + b"\n\n"]
)
def test_garbage_in_the_stream_is_an_agent_that_is_lost_and_tried_again(path: Path, garbage: bytes) -> None:
    async def test() -> None:
        async with connected(path) as (agent, bus):
            heard = agent._heard
            for writer in bus._streams:
                writer.write(chunk(garbage))
            await until(lambda: agent.up and agent._heard >= heard + 2)  # the garbage, and a snapshot after it

    run(test)


def test_an_older_agent_that_does_not_know_the_citys_names_is_shown_all_the_same(path: Path) -> None:
    async def test() -> None:
        bus = StandIn(path)
        bus.knows_city = False
        await bus.start()
        agent = Agent(LocalHttp(path), lambda: None)
        running = asyncio.create_task(agent.run())
        await until(lambda: agent.up)
        assert agent.city.bus == ""
        running.cancel()
        await asyncio.wait((running,))
        await bus.stop()

    run(test)


# --- screen.toml ---


def arguments(**said: object) -> Namespace:
    return Namespace(**({"config": None, "socket": None, "lang": None} | said))


def test_without_a_file_the_screen_speaks_japanese_and_finds_the_agent_where_it_is(path: Path) -> None:
    assert settings(arguments()) == ScreenSettings()


def test_what_the_command_line_says_holds_before_the_file(path: Path) -> None:
    file = path.with_name("screen.toml")
    file.write_text('socket = "api.sock"\nlanguage = "en"\nvideo_command = ["player", "{address}"]\n')
    said = settings(arguments(config=file))
    assert said == ScreenSettings(socket=path, language=Language.ENGLISH, video_command=("player", "{address}"))
    assert settings(arguments(config=file, lang="ja")).language is Language.JAPANESE


def test_a_word_that_nobody_knows_in_the_file_is_named(path: Path) -> None:
    file = path.with_name("screen.toml")
    file.write_text('lang = "en"\n')
    with pytest.raises(ConfigError, match="allowed: socket, language, video_command"):
        settings(arguments(config=file))
