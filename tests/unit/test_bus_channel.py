"""Hostile and broken peers at the sockets of the bus: nobody guesses, nothing leaks a descriptor."""

import asyncio
import gc
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.errors import ChannelError, PeerGoneError, PeerSilentError, SpoolerGoneError, WrongPeerError
from bus_agent.ipc import address
from bus_agent.ipc.channel import MESSAGE_BYTES, BlockingChannel, check_peer, pair
from bus_agent.ipc.loop import Channel
from bus_agent.ipc.messages import Cancel, Committed, Print, Step, ToSpooler
from bus_agent.spooler.launch import Opener
from cityhall_base.errors import ConfigError
from cityhall_wire.modes import DutyMode

JOB = "j" + "0" * 24
COMMITTED = Committed(job=JOB, attempt=1, step=Step.CREATE_JOB)
PRINT = Print(job=JOB, attempt=1, session="s" + "0" * 24, mode=DutyMode.CITY_HALL, seal_header=b"{}")


def ends() -> tuple[BlockingChannel[Any], BlockingChannel[Any]]:
    ours, theirs = pair()
    return BlockingChannel(ours, ToSpooler), BlockingChannel(theirs, ToSpooler)


def open_fds() -> int:
    gc.collect()  # what tests before this one have dropped is not counted now and gone a moment later
    return len(os.listdir("/proc/self/fd"))


def test_a_message_arrives_with_its_descriptor(tmp_path: Path) -> None:
    ours, theirs = ends()
    (tmp_path / "body").write_bytes(b"ciphertext")
    fd = os.open(tmp_path / "body", os.O_RDONLY)
    theirs.send(PRINT, fd)
    received = ours.receive(1)
    assert received.message == PRINT
    assert received.fd is not None
    assert os.read(received.fd, 20) == b"ciphertext"
    assert not os.get_inheritable(received.fd)
    os.close(received.fd)
    os.close(fd)


HOSTILE = {
    "no JSON": b"\x00\xff garbage",
    "another tag": b'{"is":"print-everything"}',
    "no tag": b"{}",
    "a field too many": b'{"is":"cancel","job":"' + JOB.encode() + b'","attempt":1,"why":"x","and":"more"}',
    "a wrong job": b'{"is":"cancel","job":"../../etc","attempt":1,"why":"x"}',
    "an opener's message": b'{"is":"opened"}',
    "deeply nested": b"[" * 1000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_in_form_is_refused(raw: bytes) -> None:
    ours, theirs = pair()
    theirs.send(raw)
    with pytest.raises(ChannelError):
        BlockingChannel[Any](ours, ToSpooler).receive(1)


def test_an_oversized_message_is_refused_and_its_descriptor_closed() -> None:
    ours, theirs = pair()
    before = open_fds()
    socket.send_fds(theirs, [b"x" * (MESSAGE_BYTES + 1)], [0])
    with pytest.raises(ChannelError, match="larger"):
        BlockingChannel[Any](ours, ToSpooler).receive(1)
    assert open_fds() == before


def test_a_descriptor_with_any_other_message_ends_the_connection_and_is_closed() -> None:
    ours, theirs = ends()
    before = open_fds()
    theirs.send(COMMITTED, 0)
    with pytest.raises(ChannelError, match="nobody asked for"):
        ours.receive(1)
    assert open_fds() == before


def test_more_than_one_descriptor_is_refused_and_all_are_closed() -> None:
    ours, theirs = pair()
    before = open_fds()
    for count in (2, 8, 60):
        socket.send_fds(theirs, [b"{}"], [0] * count)
        with pytest.raises(ChannelError):
            BlockingChannel[Any](ours, ToSpooler).receive(1)
    assert open_fds() == before


def test_our_own_oversized_message_is_not_sent() -> None:
    _, theirs = ends()
    with pytest.raises(ChannelError):
        theirs.send(Cancel(job=JOB, attempt=1, why="x" * MESSAGE_BYTES))


def test_a_silent_and_a_gone_peer_are_told_apart() -> None:
    ours, theirs = ends()
    with pytest.raises(PeerSilentError):
        ours.receive(0.01)
    theirs.close()
    with pytest.raises(PeerGoneError):
        ours.receive(1)
    with pytest.raises(PeerGoneError):
        ours.send(COMMITTED)


def test_a_peer_that_does_not_read_never_blocks_the_loop() -> None:
    ours, theirs = pair()
    channel: Channel[Any] = Channel(ours, ToSpooler)
    with pytest.raises(PeerGoneError, match="does not read"):
        send_for_ever(channel)
    theirs.close()


def send_for_ever(channel: Channel[Any]) -> None:
    while True:
        channel.send(COMMITTED)


def test_the_loop_reads_in_order_and_sees_the_end() -> None:
    async def scene() -> list[object]:
        ours, theirs = pair()
        channel: Channel[Any] = Channel(ours, ToSpooler)
        first = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
        peer: BlockingChannel[Any] = BlockingChannel(theirs, ToSpooler)
        peer.send(COMMITTED)
        peer.send(Cancel(job=JOB, attempt=1, why="session_ended"))
        peer.close()
        seen: list[object] = [(await first).message, (await channel.receive()).message]
        with pytest.raises(PeerGoneError):
            await channel.receive()
        return seen

    assert asyncio.run(scene()) == [COMMITTED, Cancel(job=JOB, attempt=1, why="session_ended")]


def test_what_was_said_before_the_end_is_not_lost() -> None:
    ours, theirs = pair()
    peer: BlockingChannel[Any] = BlockingChannel(theirs, ToSpooler)
    peer.send(COMMITTED)
    peer.close()
    assert list(Channel[Any](ours, ToSpooler).left()) == [COMMITTED]


def test_another_user_is_refused() -> None:
    ours, _theirs = pair()
    check_peer(ours, os.getuid())
    with pytest.raises(WrongPeerError):
        check_peer(ours, os.getuid() + 1)


def test_a_left_over_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    address.listen(path, socket.SOCK_SEQPACKET, 0o600).close()
    with address.listen(path, socket.SOCK_SEQPACKET, 0o640):
        assert path.stat().st_mode & 0o777 == 0o640
        with pytest.raises(address.AddressInUseError):
            address.listen(path, socket.SOCK_SEQPACKET, 0o600)
    with pytest.raises(ConfigError):
        address.listen(tmp_path / "none" / "sock", socket.SOCK_SEQPACKET, 0o600)


def test_a_spooler_that_is_gone_again_before_it_was_asked_ends_no_agent(tmp_path: Path) -> None:
    path, tries = tmp_path / "spooler.sock", 0
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()

    async def scene() -> None:
        line, again = SpoolerLine(path, os.getuid()), asyncio.Event()

        def asks() -> None:
            nonlocal tries
            tries += 1
            if tries == 2:
                again.set()
            line.send(Cancel(job=JOB, attempt=1, why="session_ended"))
            raise SpoolerGoneError  # what sending the next message says

        line.on_connect = asks
        running = asyncio.create_task(line.run())
        async with asyncio.timeout(20):
            await again.wait()
        running.cancel()

    asyncio.run(scene())
    listener.close()
    assert tries == 2


def test_an_opener_that_is_killed_as_soon_as_it_lives_is_missed_where_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(self: Channel[Any], message: Any, fd: int | None = None) -> None:
        raise PeerGoneError

    async def scene() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Channel, "send", gone)
            opener = Opener("ipp://localhost:1/ipp/print")
        opener.end()
        with pytest.raises(PeerGoneError):
            await opener.prepared()

    asyncio.run(scene())
