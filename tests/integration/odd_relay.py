"""`cityhall-relay` as only a test wants it: `python -m tests.integration.odd_relay serve --config relay.toml`.

AHEAD names a file with seconds: its clock is so far ahead, because the shortest session_idle_s is a minute and no test waits
for that. FORCED=1 takes away the lock that keeps a second process off a database (cityhall_base.store): what somebody does
who starts one relay on several machines over one disk that knows no locks.
"""

import fcntl
import os
import sys
from pathlib import Path

from cityhall_base.clock import SystemClock
from cityhall_relay import cli, serve


class Ahead(SystemClock):
    """The machine's clock, and what stands in the file."""

    def utc_ms(self) -> int:
        """UTC milliseconds."""
        return super().utc_ms() + 1000 * int(Path(os.environ["AHEAD"]).read_text())


def _no_lock(_fd: int, _operation: int) -> None:
    """flock(2) on a disk that knows none."""


if __name__ == "__main__":
    if "AHEAD" in os.environ:
        serve.SystemClock = Ahead  # type: ignore[attr-defined]
    if os.environ.get("FORCED"):
        fcntl.flock = _no_lock  # type: ignore[assignment]
    sys.exit(cli.main())
