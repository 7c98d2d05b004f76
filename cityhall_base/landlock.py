"""Landlock (kernel 5.13 and newer): a process gives up the file system, or all but a few folders of it, for good.

Three processes need it: the one that parses a clerk's PDF, the opener on the bus, which shares its user with the spooler and
must all the same not be able to read the print key, and the room in which a printer's driver runs. What is open stays usable.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final

# The same numbers on every architecture of Linux (asm-generic/unistd.h). The mask is what Landlock's first version knows:
# all thirteen ways to read, write, run, make or remove a file.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_EVERYTHING: Final = 0x1FFF
_GET_VERSION: Final = 1
_PATH_BENEATH: Final = 1

# linux/landlock.h: LANDLOCK_ACCESS_FS_*. REFER is handled from version 2 on, TRUNCATE from 3 on, IOCTL_DEV from 5 on.
_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
_SINCE: Final = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_READ: Final = _READ_FILE | _READ_DIR


class _PathBeneath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`."""

    _pack_ = 1
    _fields_: ClassVar = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def forbid_files() -> bool:
    """Every later open, read-only ones too, fails with EACCES; False where this kernel has no Landlock.

    The process must have set PR_SET_NO_NEW_PRIVS. What it will import must be imported.
    """
    return _restrict(_EVERYTHING, {})


def allow_only(readable: Iterable[Path], programs: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Every later open fails with EACCES but for what lies below (or is) one of these; False without Landlock.

    `programs` may be read and run, `writable` read and changed but not run. Mounting is forbidden as well. The process
    must have set PR_SET_NO_NEW_PRIVS. Raises OSError for a path that is not there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _GET_VERSION)
    handled = _EVERYTHING | sum(right for since, right in _SINCE.items() if since <= version)
    rules = dict.fromkeys(readable, _READ)
    rules |= dict.fromkeys(programs, _READ | _EXECUTE)
    rules |= dict.fromkeys(writable, handled & ~_EXECUTE)
    return _restrict(handled, rules)


def _restrict(handled: int, rules: dict[Path, int]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    mask = ctypes.c_uint64(handled)
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(mask), ctypes.sizeof(mask), 0)
    if ruleset < 0:
        return False
    try:
        return all(_allow(libc, ruleset, path, rights & handled) for path, rights in rules.items()) and bool(
            libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
        )
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> bool:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & _OF_FILES, fd)
        return bool(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0) == 0)
    finally:
        os.close(fd)
