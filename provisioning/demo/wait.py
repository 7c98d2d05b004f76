"""The demo's one way to wait: for a state, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

from provisioning.errors import PartError

STEP_S: Final = 0.01
"""Between two looks; short beside everything that is waited for here."""


def wait_until(state: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `state()` holds; raises PartError naming `what` after `seconds`."""
    until = time.monotonic() + seconds
    while not state():
        if time.monotonic() > until:
            raise PartError(f"{what}: not within {seconds:.0f} s")
        time.sleep(STEP_S)
