"""The machine that was measured on: without it a figure says nothing."""

import os
import platform
import ssl
import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.backends.openssl import backend


def describe() -> dict[str, Any]:
    """`load` is the load average of the last minute before the measurements: on a busy machine they are worth less."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "openssl": backend.openssl_version_text(),  # the ciphers' own
        "openssl_python": ssl.OPENSSL_VERSION,  # TLS and HMAC
        "cups": _cups(),
        "load": round(os.getloadavg()[0], 2),
    }


def sentence(machine: dict[str, Any]) -> str:
    """The same in two lines."""
    first = "{cpu}, {cores} core(s), {memory_gib} GiB; {kernel}; load before: {load}".format(**machine)
    return f"{first}\nPython {machine['python']}; {machine['openssl']}; {machine['cups']}\n"


def _cpu() -> str:
    # Only x86 names its processor here; elsewhere the architecture must do.
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cups() -> str:
    asked = ("dpkg-query", "--show", "--showformat", "CUPS ${Version}", "cups-daemon")
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "CUPS unknown"
    return done.stdout.strip() or "no CUPS"
