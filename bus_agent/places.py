"""Where agent, spooler and driver listen unless their settings say otherwise."""

from pathlib import Path
from typing import Final

API_SOCKET: Final = Path("/run/mobile-cityhall/agent/api.sock")
SPOOLER_SOCKET: Final = Path("/run/mobile-cityhall/spooler/spooler.sock")
DRIVER_SOCKET: Final = Path("/run/mobile-cityhall/driver/driver.sock")
PPD_FOLDER: Final = Path("/etc/mobile-cityhall/ppd")
