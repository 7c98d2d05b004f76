"""Landlock (kernel 5.13 and newer): a process gives up the whole file system for good, whoever its user is.

Two processes need it: the one that parses a clerk's PDF, and the opener on the bus, which shares its user with the spooler and
must all the same not be able to read the print key. What is open stays usable.
"""

import ctypes
import os
from typing import Final

# The same numbers on every architecture of Linux (asm-generic/unistd.h). The mask is what Landlock's first version knows:
# all thirteen ways to read, write, run, make or remove a file.
_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_EVERYTHING: Final = 0x1FFF


def forbid_files() -> bool:
    """Every later open, read-only ones too, fails with EACCES; False where this kernel has no Landlock.

    The process must have set PR_SET_NO_NEW_PRIVS. What it will import must be imported.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handled = ctypes.c_uint64(_EVERYTHING)
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if ruleset < 0:
        return False
    held = bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return held
