"""The driver's rooms with a real cupsd: what they convert, what a filter can do in them, and that nothing of them stays."""

import json
import os
import random
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from bus_agent import errors
from bus_agent.cli import SETUP_WRONG
from bus_agent.driver.client import Driver
from provisioning.demo import pcl
from provisioning.demo.process import Command, as_user
from provisioning.demo.scan import Haystack
from provisioning.demo.wait import wait_until
from provisioning.files import Owner, me, write
from provisioning.sample import sample_certificate
from tests.integration.driver_lab import GONE_S, OTHER, VIRTUAL, WAITING, DriverLab, Inside, driver_lab

SMALL = b"%PDF-1.7, of which a filter that a test wrote reads nothing"

COPIES = '#!/bin/sh\ncat "$6"\n'

LOOKS = """#!/bin/sh
find /job /tmp/ | grep -v /log/ | sort
echo "job $1" $(ls /proc | wc -l)
echo left > "$TMPDIR/left"
"""

HOSTILE = """#!/usr/bin/python3 -I
import ctypes, json, os, socket

PORT, SOCKET, ABSTRACT, SECRET = {port}, {path!r}, {abstract!r}, {secret!r}
libc = ctypes.CDLL(None, use_errno=True)

def attempt(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return "refused"
    return "done"

def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)

def connect(family, address):
    with socket.socket(family) as sock:
        sock.settimeout(2)
        sock.connect(address)

def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"a name", address)

def write(path):
    with open(path, "w") as file:
        file.write("a name")

def run_own_program():
    write("/job/tmp/program")
    os.chmod("/job/tmp/program", 0o700)
    os.execv("/job/tmp/program", ["program"])

def mount_in_a_nested_room():
    call("unshare", 0x10020000)
    call("mount", b"x", b"/job/tmp", b"tmpfs", 0, None)

print(json.dumps({{
    "write where its files belong": attempt(write, "/job/tmp/own"),
    "write into /tmp": os.path.realpath("/tmp"),
    **{{f"write into {{folder}}": attempt(write, folder + "/name") for folder in
       ("/", "/var/tmp", "/dev/shm", "/usr", "/etc", "/home", "/root", "/run", os.path.dirname(SECRET))}},
    "read a file of the machine": attempt(open, SECRET),
    "read /etc/shadow": attempt(open, "/etc/shadow"),
    "see processes": attempt(os.listdir, "/proc"),
    "connect to loopback": attempt(connect, socket.AF_INET, ("127.0.0.1", PORT)),
    "send to the vehicle's network": attempt(send, ("192.168.1.1", 53)),
    "connect to a socket in a folder": attempt(connect, socket.AF_UNIX, SOCKET),
    "connect to an abstract socket": attempt(connect, socket.AF_UNIX, ABSTRACT),
    "run a program that it wrote": attempt(run_own_program),
    "mount": attempt(call, "mount", b"x", b"/job/tmp", b"tmpfs", 0, None),
    "mount in a nested room": attempt(mount_in_a_nested_room),
    "become root": attempt(os.setuid, 0),
    "kill what the room began with": attempt(os.kill, 1, 9),
    "is alone": os.getppid() < 10,
    "interfaces that are up": [name for name in ("lo", "eth0") if attempt(send, ("127.0.0.1", PORT)) == "done"],
}}))
"""

BOMB = """#!/usr/bin/python3 -I
import os, time
children = 0
try:
    while True:
        if not os.fork():
            os.closerange(0, 256)
            time.sleep(60)
        children += 1
except OSError:
    print(children)
"""

HOG = """#!/usr/bin/python3 -I
held = []
try:
    while True:
        held.append(bytearray(64 << 20))
except MemoryError:
    print(len(held) * 64)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[DriverLab]:
    with driver_lab(folder) as lab:
        yield lab


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def converting(lab: DriverLab, pool: ThreadPoolExecutor, document: bytes = SMALL) -> tuple["Future[bytes]", Inside]:
    """A conversion that stands still in the middle."""
    engaged = lab.engage(lab.filter("waiting", WAITING))
    future = pool.submit(engaged.convert, document)
    return future, engaged.inside("cupsd", "/waiting")


def all_gone(inside: Inside) -> None:
    wait_until(lambda: inside.gone, GONE_S, "nothing of the room is left")


# --- what comes out ---


def test_a_certificate_becomes_pcl_of_as_many_pages(lab: DriverLab) -> None:
    out = lab.convert(sample_certificate(30, pages=2), pages=2)
    assert (out[:2], out[-2:], pcl.pages(out)) == (pcl.RESET, pcl.RESET, 2)


def test_two_jobs_one_after_the_other_share_nothing(lab: DriverLab) -> None:
    ppd = lab.filter("looks", LOOKS)
    first, second = lab.convert(SMALL, ppd=ppd), lab.convert(SMALL, ppd=ppd)
    assert first == second
    assert b"job 1" in first
    assert b"left" not in second


def test_another_number_of_pages_than_announced_is_not_given_out(lab: DriverLab) -> None:
    with pytest.raises(errors.DriverPagesError):
        lab.convert(SMALL, pages=2, ppd=lab.filter("one-page", "#!/bin/sh\necho PAGE: 1 1 >&2\necho one page\n"))


def test_a_document_that_no_filter_can_read_is_no_document(lab: DriverLab) -> None:
    with pytest.raises(errors.DriverFilterError):
        lab.convert(b"%PDF-1.7 and then nothing of the kind")


def test_more_output_than_an_opener_may_hold_is_refused(lab: DriverLab) -> None:
    with pytest.raises(errors.DriverTooLargeError):
        lab.convert(SMALL, ppd=lab.filter("endless", "#!/bin/sh\ncat /dev/zero\n"))


# --- what a filter can do ---


def test_a_hostile_filter_reaches_nothing_but_its_own_folder(lab: DriverLab) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as open_to_all,
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        Path(open_to_all).chmod(0o777)
        secret, at = Path(open_to_all, "secret"), Path(open_to_all, "socket")
        secret.write_text("for everybody on this machine")
        named.bind(str(at))
        at.chmod(0o777)
        named.listen()
        abstract.bind(f"\0{open_to_all}")
        abstract.listen()
        words = {"port": tcp.getsockname()[1], "path": str(at), "abstract": f"\0{open_to_all}", "secret": str(secret)}
        found = json.loads(lab.convert(SMALL, ppd=lab.filter("hostile", HOSTILE.format(**words))))
        assert sorted(path.name for path in Path(open_to_all).iterdir()) == ["secret", "socket"]
    allowed = {"write where its files belong": "done", "write into /tmp": "/job/tmp", "is alone": True}
    assert {what: found.pop(what) for what in allowed} == allowed
    assert found.pop("interfaces that are up") == []
    # The kernel takes a signal to a namespace's first process from inside, and drops it.
    assert found.pop("kill what the room began with") == "done"
    assert set(found.values()) == {"refused"}, found


def test_a_fork_bomb_ends_at_the_rooms_limit(lab: DriverLab) -> None:
    assert int(lab.convert(SMALL, ppd=lab.filter("bomb", BOMB)).split()[0]) < 48


def test_a_memory_hog_ends_at_its_own_limit(lab: DriverLab) -> None:
    assert int(lab.convert(SMALL, ppd=lab.filter("hog", HOG))) <= 1024


# cupsd calls the job completed after KILL, TERM and PIPE.
@pytest.mark.parametrize("how", ["exit 1", "kill -SEGV $$", "kill -KILL $$", "kill -TERM $$", "kill -PIPE $$"])
def test_a_filter_that_dies_half_way_gives_no_document(lab: DriverLab, how: str) -> None:
    program = f'#!/bin/sh\nhead -c 1000 "$6"\necho PAGE: 1 1 >&2\n{how}\n'
    with pytest.raises(errors.DriverFilterError):
        lab.convert(SMALL, ppd=lab.filter("dies", program))


def test_a_filter_that_makes_nothing_gives_no_document(lab: DriverLab) -> None:
    with pytest.raises(errors.DriverFilterError):
        lab.convert(SMALL, ppd=lab.filter("silent", "#!/bin/sh\nexit 0\n"))


def test_a_conversion_that_hangs_is_ended_by_its_deadline(pool: ThreadPoolExecutor) -> None:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        Path(name).chmod(0o711)
        with driver_lab(Path(name), deadline_s=1) as lab:
            future, inside = converting(lab, pool)
            with pytest.raises(errors.DriverSlowError):
                future.result(GONE_S)
            all_gone(inside)


# --- what stays ---


def temporary() -> list[Path]:
    """What the room's user left in the machine's temporary folders."""
    tops = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm")]  # noqa: S108 - looked at, not written to
    there = [path for top in tops if top.is_dir() for path in top.iterdir()]
    return [path for path in there if path.lstat().st_uid == OTHER.uid]


def test_what_a_filter_keeps_is_in_the_room_alone_and_gone_with_it(lab: DriverLab, pool: ThreadPoolExecutor) -> None:
    document = random.Random(31).randbytes(50_000)
    haystack = Haystack(document, b"", seed=7)
    future, inside = converting(lab, pool, document)
    room = Path(f"/proc/{inside.pid('cupsd')}/root/job")
    wait_until((room / "tmp/copy").exists, GONE_S, "the filter has its copy")
    outside = [lab.top, *(Path(name) for name in ("/var/spool/cups", "/var/cache/cups", "/var/log/cups", "/run/cups"))]
    # The search finds it where it must be for these seconds: in the spool and in the filter's copy.
    inner = [path for name in ("spool", "tmp") for path in (room / name).iterdir()]
    assert {path.parent.name for path in inner if haystack.search_file(path)} == {"spool", "tmp"}
    assert haystack.search([path for path in [*outside, *temporary()] if path.exists()]) == []
    os.kill(inside.pid("/waiting"), signal.SIGUSR1)
    assert future.result(GONE_S) == document
    all_gone(inside)
    assert haystack.search([path for path in [*outside, *temporary()] if path.exists()]) == []


@pytest.mark.parametrize("killed", ["driver", "cell.*main", "cupsd", "/waiting"])
def test_a_kill_in_the_middle_gives_no_document_and_leaves_nothing(
    lab: DriverLab, pool: ThreadPoolExecutor, killed: str
) -> None:
    future, inside = converting(lab, pool)
    if killed == "driver":
        lab.part.kill()
    else:
        name = "bus_agent.driver import cell" if killed.startswith("cell") else killed
        os.kill(inside.pid(name), signal.SIGKILL)
    with pytest.raises(errors.DriverError):
        future.result(GONE_S)
    all_gone(inside)
    if killed == "driver":
        lab.part.start()
    assert lab.convert(SMALL, ppd=lab.filter("copies", COPIES)) == SMALL


def test_a_caller_that_goes_away_takes_the_room_with_it(lab: DriverLab) -> None:
    engaged = lab.engage()
    inside = engaged.inside("cupsd")
    engaged.sock.close()
    all_gone(inside)


# --- who may, and what with ---


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_only_the_spoolers_user_is_let_in(lab: DriverLab) -> None:
    program = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(lab.socket)!r}); print(s.recv(1))"
    command = Command("stranger", ("/usr/bin/python3", "-c", program), Owner(60811, 60811), {}, Path(os.devnull))
    done = subprocess.run(command.argv, capture_output=True, text=True, check=True, timeout=10, **as_user(command))
    assert done.stdout == "b''\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_spooler_engages_nobody_elses_driver(lab: DriverLab) -> None:
    with pytest.raises(errors.DriverGoneError, match="expected 60999"):
        Driver(lab.socket, 60999, VIRTUAL).engage()


def test_a_ppd_that_is_not_there_or_not_the_technicians_is_not_used(lab: DriverLab) -> None:
    write(lab.ppds / "open.ppd", b"anybody's", me(), 0o666)
    write(lab.ppds / "broken.ppd", b"no PPD", me())
    (lab.ppds / "link.ppd").symlink_to(lab.ppds / VIRTUAL)
    for name in ("missing.ppd", "open.ppd", "broken.ppd", "link.ppd"):
        with pytest.raises(errors.DriverFileError):
            lab.engage(name)


def test_what_is_no_request_ends_the_connection_and_nothing_else(lab: DriverLab) -> None:
    for raw in (b"\xff" * 4, b"\0\0\0\x02{}", b'\0\0\0\x24{"is":"engage","ppd":"../etc/passwd"}', b"\0"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(lab.socket))
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            assert b"failed" in sock.recv(4096)
    assert lab.convert(SMALL, ppd=lab.filter("copies", COPIES)) == SMALL


def test_where_no_room_can_be_made_the_driver_says_so_and_does_not_start(lab: DriverLab) -> None:
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"'
    user = ("unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", forbid, "sh")
    command = lab.part.command._replace(argv=(*user, *lab.part.command.argv))
    done = subprocess.run(command.argv, capture_output=True, text=True, check=False, timeout=30, **as_user(command))
    assert done.returncode == SETUP_WRONG
    assert "cannot be locked in" in done.stderr
    assert "max_user_namespaces" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_driver_refuses_to_be_root(lab: DriverLab) -> None:
    command = lab.part.command._replace(owner=me())
    done = subprocess.run(command.argv, capture_output=True, text=True, check=False, timeout=30, **as_user(command))
    assert (done.returncode, "a user of its own" in done.stderr) == (SETUP_WRONG, True)
