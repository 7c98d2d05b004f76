"""Which boot of the kernel this is: CLOCK_BOOTTIME means something within one boot alone."""

from pathlib import Path
from typing import Final

from cityhall_base.errors import ConfigError

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """As the kernel draws it at each boot (random(4)); raises ConfigError where /proc does not show it."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError(f"{BOOT_ID}: {error.strerror}") from None
