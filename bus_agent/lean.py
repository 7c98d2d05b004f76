"""Modules that spooler and opener do without: smaller processes, and less beside the print key.

The standard library and msgspec import both only where they are there. Spooler and opener speak no TLS.
"""

import sys
from typing import Final

UNUSED: Final = ("ssl", "typing_extensions")


def leave_out() -> None:
    """Before anything else is imported; for the whole process."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
