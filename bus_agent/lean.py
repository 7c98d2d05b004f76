"""Modules that spooler, opener and agent do without: smaller processes, and less beside the print key.

The standard library and msgspec import each only where it is there. Spooler and opener speak no TLS but to an ipps printer, for
which `bring_back` is; the spooler hashes a few hundred bytes at a time, for which Python's own SHA-256 serves and a second
OpenSSL (3.4 MiB) need not be mapped. The opener hashes whole documents and keeps it.
"""

import sys
from collections.abc import Iterable
from typing import Final

UNUSED: Final = ("ssl", "typing_extensions")
UNUSED_BY_SPOOLER: Final = (*UNUSED, "_hashlib")
UNUSED_BY_AGENT: Final = ("rich", "pygments")
"""httpx has a command line of its own where these are installed, as they are beside the concierge's screen (3.3 MiB)."""


def leave_out(names: Iterable[str] = UNUSED) -> None:
    """Before anything else is imported; for the whole process."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def bring_back(name: str) -> None:
    """Before `name` is imported after all; who has looked for it in vain goes on without."""
    if sys.modules.get(name, sys) is None:
        del sys.modules[name]
