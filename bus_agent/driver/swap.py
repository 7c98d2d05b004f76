"""Whether the kernel could write this process's memory, and a tmpfs's pages with it, to a swap device."""

import ctypes
from pathlib import Path
from typing import Final

_TOTAL_SWAP: Final = 8
"""Its place among the unsigned longs of `struct sysinfo` (sysinfo(2)). /proc/swaps is hidden by ProcSubset=pid."""


def may_swap(cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> bool:
    """False where the machine has no swap, or where a control group above this process allows none (MemorySwapMax=0)."""
    info = (ctypes.c_ulong * 64)()
    ctypes.CDLL(None).sysinfo(info)
    return bool(info[_TOTAL_SWAP]) and not _forbidden(cgroups, own)


def _forbidden(cgroups: Path, own: Path) -> bool:
    unified = next((line[3:] for line in own.read_text().splitlines() if line.startswith("0::")), "/")
    at = cgroups / unified.lstrip("/")
    while at != cgroups.parent:
        limit = at / "memory.swap.max"
        if limit.is_file() and limit.read_text().strip() == "0":
            return True
        at = at.parent
    return False
