"""What spooler, opener and driver take from themselves before they do anything: files, cores, debuggers, new privileges.

The unit's sandbox says the same again; this holds wherever the process is started.
"""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Iterable
from typing import Final

from cityhall_base.errors import SetupError

# linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38


class HardenError(SetupError):
    """The kernel refuses a protection without which nothing may be opened here:"""

    key = "setup.harden"


def harden(keep: Iterable[int] = (), file_bytes: int = 0) -> None:
    """No core dump, no byte into any file, no ptrace, no new privileges, no inherited descriptor but 0 to 2 and `keep`.

    A log must therefore be a pipe or journald's socket: RLIMIT_FSIZE 0 forbids regular files. `file_bytes` raises that for
    the one who converts, whose files lie in a room that ends with it. Raises HardenError.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _close_others({0, 1, 2, *keep})


def die_with(parent: int) -> None:
    """SIGKILL for this process when its parent dies; raises HardenError where that has happened already."""
    die_with_parent()
    if os.getppid() != parent:
        raise HardenError("the program that started this one is gone")


def die_with_parent() -> None:
    """The same for the first process of a PID namespace, whose parent has no number there; raises HardenError."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise HardenError(f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _close_others(keep: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            # The descriptor that listed the folder is gone by now.
            with contextlib.suppress(OSError):
                os.close(int(name))
