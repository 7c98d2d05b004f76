"""`bus-agent tui`. The terminal is the screen's, so its log goes to the machine's journal."""

import logging
import logging.handlers
from argparse import Namespace
from pathlib import Path
from typing import Final

import msgspec

from bus_agent.tui.app import ConciergeScreen
from bus_agent.tui.settings import ScreenSettings, load_screen_settings
from cityhall_base.words import Language

_JOURNAL: Final = Path("/dev/log")


def run(arguments: Namespace) -> int:
    """Until it is ended by a signal; 1 after a fault of its own, for systemd. Raises ConfigError."""
    screen = ConciergeScreen(settings(arguments))
    _log_elsewhere()
    screen.run()
    return screen.return_code or 0


def settings(arguments: Namespace) -> ScreenSettings:
    """screen.toml, and what the command line says instead."""
    said = load_screen_settings(arguments.config) if arguments.config else ScreenSettings()
    instead = {"socket": arguments.socket, "language": Language(arguments.lang) if arguments.lang else None}
    return msgspec.structs.replace(said, **{name: value for name, value in instead.items() if value is not None})


def _log_elsewhere() -> None:
    journal = logging.handlers.SysLogHandler(str(_JOURNAL)) if _JOURNAL.exists() else logging.NullHandler()
    journal.setFormatter(logging.Formatter("bus-agent tui: %(name)s: %(message)s"))
    logging.basicConfig(level="INFO", handlers=[journal], force=True)
