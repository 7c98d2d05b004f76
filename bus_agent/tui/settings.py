"""screen.toml: what the concierge's screen has to be told. Everything in it has a default."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from bus_agent.places import API_SOCKET
from cityhall_base import settings
from cityhall_base.settings import Table
from cityhall_base.words import Language


class ScreenSettings(Table, frozen=True, kw_only=True):
    """`video_command` gets the section's address in place of "{address}"; without it there is only the code to read."""

    socket: Path = API_SOCKET
    language: Language = Language.JAPANESE
    video_command: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=20)] = ()


def load_screen_settings(path: Path) -> ScreenSettings:
    """Read screen.toml, every path absolute; raises ConfigError."""
    return settings.load(path, ScreenSettings)
