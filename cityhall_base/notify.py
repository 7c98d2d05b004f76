"""sd_notify(3): tell systemd that the process is ready, alive or stopping. Errors are raised, not swallowed."""

import asyncio
import gc
import os
import socket
from typing import Final

READY: Final = "READY=1"
WATCHDOG: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"


def notify(state: str) -> bool:
    """Send one state to the service manager; False where there is none, or where it has not read what it was told before.

    Raises OSError where it does not listen. A manager that is stuck never holds the program up.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        try:
            sock.send(state.encode(), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
    return True


def ready() -> None:
    """Everything is loaded and serves: say so, and never search the lasting part of memory for garbage again.

    A search of it takes 10 to 30 ms, which fell into the middle of prints.
    """
    gc.collect()
    gc.freeze()
    notify(READY)


def watchdog_interval_s() -> float | None:
    """Half of the interval in which systemd expects a sign of life; None where it expects none."""
    usec = os.environ.get("WATCHDOG_USEC")
    return int(usec) / 2_000_000 if usec else None


async def stay_alive() -> None:
    """Feed the watchdog from the event loop, whatever line and printer do; ends at once where nobody wants it."""
    interval = watchdog_interval_s()
    while interval is not None:
        notify(WATCHDOG)
        await asyncio.sleep(interval)
