"""Both begin on a machine that has nothing to do: ours must not be slowed by its own approval, nor the peer by our receipts."""

import time
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.1
_QUIET: Final = 0.95
"""Of both processors' time; the kernel and the looking itself take the rest."""

_PATIENCE_S: Final = 5.0


def wait_for_quiet() -> None:
    """Until the processors have had almost nothing to do for a moment, as when somebody presses who has read a check word first.

    A machine that is never quiet is measured as it is.
    """
    until = time.monotonic() + _PATIENCE_S
    idle, whole = _processor_time()
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        now_idle, now_whole = _processor_time()
        if now_idle - idle >= _QUIET * (now_whole - whole):
            return
        idle, whole = now_idle, now_whole


def _processor_time() -> tuple[int, int]:
    """Idle and whole, in ticks since the start (proc_stat(5))."""
    times = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return times[3] + times[4], sum(times)
