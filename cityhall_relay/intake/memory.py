"""Whether memory ever ran out: what PDFium gets no memory for it leaves out in silence, be it the seal of a certificate."""

import os
from typing import Final

_FIELD: Final = b"VmPeak:"
_STATUS_BYTES: Final = 8192
_KIB: Final = 1024


class Memory:
    """The process's own status (proc(5)), opened before it locks itself in. Raises OSError."""

    def __init__(self) -> None:
        self._status = os.open("/proc/self/status", os.O_RDONLY)

    def may_have_run_out(self, limit: int, largest: int) -> bool:
        """Whether a request of at most `largest` bytes can have failed, of an address space of `limit` bytes.

        Every failure needs an address space that was fuller than the difference, and larger requests end the process
        (sandbox.py): so this answers no only when all of them were granted.
        """
        return self._peak() + largest > limit

    def _peak(self) -> int:
        lines = os.pread(self._status, _STATUS_BYTES, 0).splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(_FIELD)) * _KIB
