"""Small files that somebody else wrote: settings, keys, certificates, tokens. Read whole, or refused with the reason."""

import errno
import os
import stat
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 64 * 1024
"""Largest key or certificate file: a chain of three certificates takes about 3 kB."""

_OTHERS: Final = 0o077


class UnfitFileError(Exception):
    """What is wrong with a file, in words; whoever asked for it says which of its own errors that is."""


def read_small(path: Path, limit: int, *, private: bool = False) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; with `private`, of one that only its owner may touch.

    Raises UnfitFileError. A FIFO or a device is not waited for, and no size is believed.
    """
    try:
        # Without O_NONBLOCK the opening itself would wait for whoever writes into a FIFO.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise UnfitFileError(f"{path}: {_reason(error)}") from None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise UnfitFileError(f"{path} is no file; put the file itself there")
        if private and mode & _OTHERS:
            raise UnfitFileError(f"{path} can be read by others; run: chmod 600 {path}")
        with os.fdopen(fd, "rb", closefd=False) as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise UnfitFileError(f"{path}: {_reason(error)}") from None
    finally:
        os.close(fd)
    if len(raw) > limit:
        raise UnfitFileError(f"{path} is larger than {limit} bytes")
    return raw


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "is no file; put the file itself there"
    return (isinstance(error, OSError) and error.strerror) or str(error)
