"""One job's process, and its child, the first process of the room. When either ends, or the caller hangs up, all of it ends.

The parent keeps the connection, the time, and no file; the child furnishes the room, locks itself in, and lets cupsd
convert. What was converted comes back as a descriptor, and is passed on after everything in the room is dead.
"""

import os
import select
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from bus_agent.driver import room
from bus_agent.driver.cupsd import OUTPUT, Cupsd
from bus_agent.driver.stream import (
    OUTPUT_BYTES,
    Converted,
    Document,
    Engage,
    Failed,
    Ready,
    Stream,
    ToDriver,
    driver_error,
)
from bus_agent.errors import (
    BusError,
    ChannelError,
    DriverError,
    DriverFileError,
    DriverRoomError,
    DriverSlowError,
    PeerGoneError,
)
from bus_agent.harden import die_with, die_with_parent, harden
from cityhall_base.errors import SetupError
from cityhall_base.landlock import forbid_files

_ENGAGE_S: Final = 5
_DOCUMENT_S: Final = 90
"""From the start to the document's first byte: a release takes at most 30 s, and an opener that has ended hangs up."""

_PASS_ON_S: Final = 30
"""128 MiB to a process that only reads take 0.1 s."""

_PPD_BYTES: Final = 4 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_WORD_BYTES: Final = 128
_BEGUN: Final = "begun"
_DONE: Final = "done"
_FIRST_TO_GO: Final = "1000"
"""oom_score_adj (proc(5)): where memory is short, the room ends and not its neighbours."""


class Orders(msgspec.Struct, frozen=True):
    """What the driver's settings say."""

    ppd_dir: str
    programs: tuple[str, ...]
    deadline_s: int

    @property
    def paths(self) -> list[Path]:
        """`programs`."""
        return [Path(name) for name in self.programs]


def main(driver: int, orders: str, connection_fd: int) -> None:
    """Runs with the accepted connection as descriptor `connection_fd`, as a child of process `driver`."""
    die_with(driver)
    with socket.socket(fileno=connection_fd) as connection:
        try:
            _serve(connection, msgspec.json.decode(orders, type=Orders))
        except (BusError, SetupError) as error:
            _say_no(connection, error)
            sys.exit(f"<4>driver: {error}")


def rehearse(driver: int, orders: str) -> None:
    """Furnish a room, lock it, end: whether this machine allows it. Says the sentence and ends with 1 where not."""
    die_with(driver)
    try:
        room.leave_the_machine()
    except DriverRoomError as error:
        sys.exit(str(error))
    with _room(msgspec.json.decode(orders, type=Orders).paths, lambda parent: _say(parent, _DONE)) as child:
        if child.recv(_WORD_BYTES).decode() != _DONE:
            sys.exit(1)  # the room's first process has said why


def _serve(connection: socket.socket, orders: Orders) -> None:
    ppd = _read_ppd(Path(orders.ppd_dir), Stream(connection, _ENGAGE_S).receive(ToDriver, Engage).ppd)
    Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    room.leave_the_machine()

    def convert(parent: socket.socket) -> None:
        _convert(parent, connection, ppd)

    with _room(orders.paths, convert, connection.fileno()) as child:
        output = _Watch(connection, child).until_done(orders.deadline_s)
    # Before a byte leaves, nothing that could still read or change it is alive.
    _pass_on(connection, output)


def _say_no(connection: socket.socket, error: BusError | SetupError) -> None:
    why = error.key if isinstance(error, DriverError) else DriverError.key
    try:
        Stream(connection, _ENGAGE_S).send(Failed(why=why))
    except ChannelError:
        return  # the caller has gone, and knows


def _read_ppd(folder: Path, name: str) -> bytes:
    # What a PPD names is run, so only who administers this machine may have written it.
    try:
        with os.fdopen(os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
                raise DriverFileError(f"{name} can be changed by others")
            raw = file.read(_PPD_BYTES + 1)
    except OSError as error:
        raise DriverFileError(f"{name}: {error.strerror}") from None
    if len(raw) > _PPD_BYTES:
        raise DriverFileError(f"{name} is larger than {_PPD_BYTES} bytes")
    return raw


def _pass_on(connection: socket.socket, output: int) -> None:
    size = os.fstat(output).st_size
    stream = Stream(connection, _PASS_ON_S)
    stream.send(Converted(size=size))
    for at in range(0, size, _CHUNK):
        stream.send_bytes(memoryview(os.pread(output, _CHUNK, at)))
    sys.stderr.write(f"<6>driver: converted to {size} bytes\n")


class _Watch:
    """The room as its parent sees it: what it says, how long it takes, and whether anybody still waits for it."""

    def __init__(self, connection: socket.socket, child: socket.socket) -> None:
        self._connection, self._child = connection, child
        self._poll = select.poll()
        self._poll.register(connection, select.POLLRDHUP)
        self._poll.register(child, select.POLLIN)

    def until_done(self, deadline_s: int) -> int:
        """The descriptor of what was converted; raises DriverError, or PeerGoneError where the caller has gone."""
        self._expect(_BEGUN, _DOCUMENT_S)
        return self._expect(_DONE, deadline_s)[0]

    def _expect(self, word: str, seconds: int) -> list[int]:
        ready = dict(self._poll.poll(seconds * 1000))
        if not ready:
            raise DriverSlowError
        if self._connection.fileno() in ready:
            raise PeerGoneError
        said, fds, _, _ = socket.recv_fds(self._child, _WORD_BYTES, 1)
        if said.decode() != word:
            raise driver_error(said.decode())
        return fds


# --- the room's first process ---


@contextmanager
def _room(programs: list[Path], work: Callable[[socket.socket], None], *keep: int) -> Iterator[socket.socket]:
    """A furnished and locked room in which `work` is done; when this is left, all of it has ended.

    Yields a socket on which it says a word: what `work` says, or an error's key.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if not child:
        ours.close()
        _first_process(theirs, programs, work, keep)
    try:
        with ours:
            theirs.close()
            harden((ours.fileno(), *keep), OUTPUT_BYTES)
            room.drop_capabilities()
            forbid_files()
            yield ours
    finally:
        # The kernel kills whatever else lives in the room, and this returns when that is over (pid_namespaces(7)).
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _first_process(
    parent: socket.socket, programs: list[Path], work: Callable[[socket.socket], None], keep: tuple[int, ...]
) -> NoReturn:
    try:
        die_with_parent()
        harden((parent.fileno(), *keep), OUTPUT_BYTES)
        _check_alive(parent)
        room.furnish(programs)
        room.lock(programs)
        work(parent)
    except (BusError, SetupError, OSError) as error:
        sys.stderr.write(f"<4>driver: {error}\n")
        _say(parent, error.key if isinstance(error, DriverError) else DriverError.key)
    except BaseException as error:
        sys.stderr.write(f"<3>driver: {type(error).__name__}\n")
        raise
    finally:
        # Nothing of the parent's may be done a second time, whatever went wrong here.
        os._exit(0)


def _say(parent: socket.socket, word: str) -> None:
    # A parent that has gone needs no word.
    with suppress(OSError):
        parent.send(word.encode())


def _check_alive(parent: socket.socket) -> None:
    # It may have died before its death would have been a signal here.
    try:
        parent.recv(_WORD_BYTES, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return
    raise PeerGoneError


def _convert(parent: socket.socket, connection: socket.socket, ppd: bytes) -> None:
    cupsd = Cupsd(ppd)
    stream = Stream(connection, _DOCUMENT_S)
    stream.send(Ready())
    document = stream.receive(ToDriver, Document)
    _say(parent, _BEGUN)
    cupsd.convert(document, _pieces(stream, document.size))
    fd = os.open(OUTPUT, os.O_RDONLY | os.O_CLOEXEC)
    socket.send_fds(parent, [_DONE.encode()], [fd])


def _pieces(stream: Stream, size: int) -> Iterator[bytes]:
    buffer = bytearray(_CHUNK)
    while size:
        with memoryview(buffer)[: min(size, _CHUNK)] as view:
            count = stream.receive_into(view)
        yield bytes(buffer[:count])
        size -= count
