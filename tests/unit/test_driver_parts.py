"""The driver's pieces that need no cupsd: who may swap, what a log says of its filters, how pages are counted, what is said."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus_agent import errors
from bus_agent.driver import cupsd, swap
from bus_agent.driver.stream import Converted, Document, Engage, Failed, FromDriver, Ready, Stream, ToDriver
from bus_agent.errors import ChannelError, DriverError, PeerGoneError, PeerSilentError
from cityhall_wire.sheets import Sides
from provisioning.demo import pcl

LOG = b"""\
I [22/Nov/2026:00:16:20 +0000] [Job 1] Started filter /usr/lib/cups/filter/pdftopdf (PID 51)
I [22/Nov/2026:00:16:20 +0000] [Job 1] Started filter /usr/lib/cups/filter/gstoraster (PID 52)
D [22/Nov/2026:00:16:20 +0000] [Job 1] PID 51 (/usr/lib/cups/filter/pdftopdf) exited with no errors.
"""


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Stream]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, Stream(theirs, 0.2)


# --- cupsd's log ---


@pytest.mark.parametrize(
    ("said", "well"),
    [
        (b"D [now] [Job 1] PID 52 (/usr/lib/cups/filter/gstoraster) exited with no errors.\n", True),
        (b"D [now] [Job 1] PID 52 (/usr/lib/cups/filter/gstoraster) was terminated normally with signal 15.\n", False),
        (b"D [now] [Job 1] PID 52 (/usr/lib/cups/filter/gstoraster) crashed on signal 9.\n", False),
        (b"D [now] [Job 1] PID 52 (/usr/lib/cups/filter/gstoraster) stopped with status 1.\n", False),
        (b"", False),
    ],
)
def test_a_job_is_good_only_if_every_filter_ended_by_itself(said: bytes, well: bool) -> None:
    assert cupsd._all_ended_well(LOG + said) is well


def test_a_log_without_filters_proves_nothing() -> None:
    assert not cupsd._all_ended_well(b"")


# --- swap ---


@pytest.mark.parametrize(("limit", "forbidden"), [("0\n", True), ("max\n", False), (None, False)])
def test_a_control_group_without_swap_keeps_memory_off_the_disk(
    tmp_path: Path, limit: str | None, forbidden: bool
) -> None:
    unit, own = tmp_path / "cgroup/system.slice/driver.service", tmp_path / "own"
    unit.mkdir(parents=True)
    own.write_text("1:name=systemd:/\n0::/system.slice/driver.service\n")
    if limit:
        (tmp_path / "cgroup/system.slice/memory.swap.max").write_text(limit)
    assert swap._forbidden(tmp_path / "cgroup", own) is forbidden


def test_this_machines_swap_is_what_the_kernel_says() -> None:
    devices = Path("/proc/swaps").read_text().splitlines()[1:]
    assert swap.may_swap(Path("/nowhere"), Path("/proc/self/cgroup")) is bool(devices)


# --- the virtual PCL printer ---


def test_pages_are_form_feeds_that_are_no_data() -> None:
    row = b"\x1b*b3m4W\x0c\x1bE\x0c"
    assert pcl.pages(pcl.RESET + b"\x1b&l0O" + row + b"\x1b*rC\x0c" + row + b"\x1b*b0W\x0c" + pcl.RESET) == 2


# --- what is said ---


def test_a_connection_carries_messages_and_documents(ends: tuple[socket.socket, Stream]) -> None:
    ours, stream = ends
    asked = Document(size=3, media="iso_a4_210x297mm", sides=Sides.ONE_SIDED, impressions=1)
    Stream(ours, 1).send(asked)
    Stream(ours, 1).send_bytes(memoryview(b"PDF"))
    assert stream.receive(ToDriver, Document) == asked
    assert stream.receive_bytes(3) == b"PDF"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", PeerGoneError),
        (b"\0\0", PeerGoneError),
        (b"\xff\xff\xff\xff", ChannelError),
        (b"\0\0\0\x02{}", ChannelError),
        (b'\0\0\0\x0e{"is":"ready"}', ChannelError),
        (b'\0\0\0\x26{"is":"engage","ppd":"../secret.ppd"}', ChannelError),
    ],
)
def test_what_is_not_in_form_ends_the_connection(
    ends: tuple[socket.socket, Stream], raw: bytes, error: type[ChannelError]
) -> None:
    ours, stream = ends
    ours.sendall(raw)
    ours.shutdown(socket.SHUT_WR)
    with pytest.raises(error):
        stream.receive(ToDriver, Engage)


def test_no_wait_is_longer_than_its_deadline(ends: tuple[socket.socket, Stream]) -> None:
    ours, stream = ends
    ours.sendall(b"\0\0")
    with pytest.raises(PeerSilentError):
        stream.receive(FromDriver, Ready)


@pytest.mark.parametrize(
    ("why", "error"), [("driver.too_slow", errors.DriverSlowError), ("driver.of_tomorrow", DriverError)]
)
def test_a_reason_becomes_its_sentence(ends: tuple[socket.socket, Stream], why: str, error: type[DriverError]) -> None:
    ours, stream = ends
    Stream(ours, 1).send(Failed(why=why))
    with pytest.raises(error) as caught:
        stream.receive(FromDriver, Converted)
    assert type(caught.value) is error
    assert "nothing was printed" in str(caught.value)


# --- Landlock ---

CONFINED = """
import json, os, sys
from pathlib import Path
from bus_agent.harden import harden
from cityhall_base.landlock import allow_only
readable, writable, other = map(Path, sys.argv[1:])
def attempt(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
harden(file_bytes=100)
if not allow_only([readable], [Path("/usr")], [writable]):
    sys.exit("no Landlock")
print(json.dumps([attempt((readable / "file").read_bytes), attempt((readable / "new").touch),
    attempt((writable / "new").write_text, "x"), attempt((other / "file").read_bytes),
    attempt(os.truncate, readable / "file", 0), attempt(os.listdir, other)]))
"""


def test_a_process_reads_and_writes_only_where_it_said_it_would(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("readable", "writable", "other")]
    for folder in folders:
        folder.mkdir()
        (folder / "file").write_text("x")
    env = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, *folders], capture_output=True, text=True, check=False, timeout=30, env=env
    )
    if "no Landlock" in done.stderr:
        pytest.skip("this kernel has no Landlock")
    no = "PermissionError"
    assert done.stdout.strip() == f'["done", "{no}", "done", "{no}", "{no}", "{no}"]', done.stderr
