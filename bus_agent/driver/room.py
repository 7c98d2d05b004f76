"""A room for one job: namespaces of its own, a root made of one tmpfs, Landlock, limits. With its first process all of it ends.

What the layers are for: the PID namespace ends everything at once and for certain; the mount namespace holds the only
mount of the tmpfs; the new root has no /run, /proc, /var or /home, so that no socket of the machine can be reached by its
path (Landlock does not mind those); the network namespace has no interface that is up; Landlock lets nothing be
written but below JOB, nothing run that lies there, and nothing be mounted. Man pages: user_namespaces(7), pivot_root(2).
"""

import ctypes
import os
import resource
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus_agent.driver.stream import OUTPUT_BYTES
from bus_agent.errors import DriverRoomError
from cityhall_base import landlock
from cityhall_wire.limits import DOCUMENT_BYTES

JOB: Final = Path("/job")
"""Inside, everything that is written."""

SOURCE: Final = "mobile-cityhall-job-"
"""What a room's tmpfs is called in /proc/*/mountinfo, before eight hex digits of its own."""

TMPFS_BYTES: Final = OUTPUT_BYTES + 2 * DOCUMENT_BYTES + 64 * 1024 * 1024
"""The spooled PDF, a filter's copy of it, what comes out, and room for temporary files."""

PROCESSES: Final = 48
MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""Address space of one process; Ghostscript at 600 dpi maps about 300 MB. Their sum is the unit's to bound (MemoryMax=)."""

_TMPFS_AT: Final = Path("/proc")
"""Covered in this mount namespace alone until the tmpfs is the root: every machine has it, and nothing of it is wanted inside."""

_READ_ONLY: Final = ("/etc/fonts", "/etc/ghostscript", "/etc/ld.so.cache", "/etc/papersize", "/var/cache/fontconfig")
_READ_ONLY_TREES: Final = ("/var/lib/ghostscript", "/etc/alternatives")
# Links into /usr, as on every Debian since 12 and every Ubuntu since 24.04.
_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DEVICES: Final = ("null", "zero", "full", "urandom", "random")

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
_MNT_DETACH: Final = 2
_AT_RECURSIVE: Final = 0x8000
_MOUNT_SETATTR: Final = 442  # on every architecture
_ATTR_RDONLY_NOSUID: Final = 0x1 | 0x2
_PIVOT_ROOT: Final = {"x86_64": 155}  # asm-generic/unistd.h for all others that systemd boxes are made of
_PIVOT_ROOT_GENERIC: Final = 41

_libc = ctypes.CDLL(None, use_errno=True)


def leave_the_machine() -> None:
    """New user, PID, network and IPC namespaces: the PID namespace for the next child. Raises DriverRoomError."""
    uid, gid = os.geteuid(), os.getegid()
    _succeed(_libc.unshare(_NEWUSER | _NEWPID | _NEWNET | _NEWIPC), "unshare")
    try:
        # The same numbers inside: nobody in there is root, and what a program run from there may do is nothing.
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    except OSError as error:
        raise DriverRoomError(f"{error.filename}: {error.strerror}") from None


def furnish(programs: Sequence[Path]) -> None:
    """As first process of the new PID namespace: nothing is left of the file system but programs and one tmpfs.

    Raises DriverRoomError.
    """
    try:
        _succeed(_libc.unshare(_NEWNS), "unshare")
        _mount(None, "/", None, _REC | _PRIVATE)
        _mount_tmpfs(_TMPFS_AT)
        _fill(_TMPFS_AT, programs)
        os.chdir(_TMPFS_AT)
        number = _PIVOT_ROOT.get(os.uname().machine, _PIVOT_ROOT_GENERIC)
        _succeed(_libc.syscall(number, b".", b"."), "pivot_root")
        _succeed(_libc.umount2(b".", _MNT_DETACH), "umount")
        os.chdir("/")
    except OSError as error:
        raise DriverRoomError(f"{error.filename}: {error.strerror}") from None


def lock(programs: Sequence[Path]) -> None:
    """After `furnish`, for good, with PR_SET_NO_NEW_PRIVS set: Landlock, no capability, limits. Raises DriverRoomError."""
    here = [Path("/etc"), *(Path(name) for name in (*_READ_ONLY, *_READ_ONLY_TREES) if Path(name).exists())]
    there = [path for path in programs if path.exists()]
    if not landlock.allow_only(here, there, [JOB, *(Path("/dev", name) for name in _DEVICES)]):
        raise DriverRoomError("Landlock")
    drop_capabilities()
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_NPROC, PROCESSES),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def drop_capabilities() -> None:
    """All that the user namespace gave (capset(2), version 3). Raises DriverRoomError."""
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    _succeed(_libc.capset(header, none), "capset")


def _mount_tmpfs(where: Path) -> None:
    options, flags = f"size={TMPFS_BYTES},nr_inodes=20000,mode=755", _NOSUID | _NODEV | _NOEXEC
    # `noswap` (Linux 6.4) is for the real root only; else swap is what the unit and `swap.py` keep away.
    _mount(SOURCE + secrets.token_hex(4), where, "tmpfs", flags, options)


def _fill(root: Path, programs: Sequence[Path]) -> None:
    for name in _LINKS:
        above = Path("/", name)
        if above.is_symlink():
            (root / name).symlink_to(os.readlink(above))
    for path in (*programs, *map(Path, _READ_ONLY), *map(Path, _READ_ONLY_TREES)):
        if path.exists():
            _show(path, root)
    for name in _DEVICES:
        _show(Path("/dev", name), root, writable=True)
    (root / "etc/passwd").write_text(f"driver:x:{os.geteuid()}:{os.getegid()}::/job:/bin/false\n")
    (root / "etc/group").write_text(f"driver:x:{os.getegid()}:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (root / JOB.name).mkdir(0o700)
    if not (root / "tmp").exists():  # unless a technician keeps programs there, which is then what it shows
        (root / "tmp").symlink_to(JOB / "tmp")


def _show(path: Path, root: Path, *, writable: bool = False) -> None:
    target = root / path.relative_to("/")
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(path, target, None, _BIND | _REC)
    if not writable:
        attributes = (ctypes.c_uint64 * 4)(_ATTR_RDONLY_NOSUID, 0, 0, 0)
        at_cwd, size = -100, ctypes.sizeof(attributes)
        changed = _libc.syscall(_MOUNT_SETATTR, at_cwd, os.fsencode(target), _AT_RECURSIVE, attributes, size)
        _succeed(changed, f"mount_setattr {path}")


def _mount(source: Path | str | None, target: Path | str, kind: str | None, flags: int, options: str = "") -> None:
    words = (None if word is None else os.fsencode(word) for word in (source, target, kind))
    _succeed(_libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None), f"mount {target}")


def _succeed(result: int, what: str) -> None:
    if result != 0:
        raise DriverRoomError(f"{what}: {os.strerror(ctypes.get_errno())}")
