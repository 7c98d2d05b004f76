"""The files that the technician's command writes: `bus.toml` for the agent, `spooler.toml` for the spooler, `driver.toml`.

They hold paths and addresses only; what the city decides stands in the published city.toml. Relative paths are meant from
the file's own folder.
"""

import os
import pwd
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from bus_agent.places import API_SOCKET, DRIVER_SOCKET, PPD_FOLDER, SPOOLER_SOCKET
from cityhall_base import settings
from cityhall_base.errors import ConfigError
from cityhall_base.settings import Broker, Table
from cityhall_wire.headers import BusId

HttpsUrl = Annotated[str, Meta(pattern=r"\Ahttps://[A-Za-z0-9.:\[\]-]{1,253}/?\Z")]
SocketMode = Annotated[int, Meta(ge=0, le=0o777)]
User = int | str | None
"""A uid, a user's name, or nothing: the process's own user."""


class RelaySettings(Table, frozen=True, kw_only=True):
    """City hall's listener for buses, and this bus's own TLS key and certificate."""

    url: HttpsUrl
    ca: Path
    cert: Path
    key: Path


class Level(StrEnum):
    """Of a line."""

    HIGH = "high"
    LOW = "low"


class MovementSettings(Table, frozen=True, kw_only=True):
    """How the box learns that the vehicle drives (bus_agent/agent/movement.py): a GPIO's value file."""

    file: Path
    driving: Level = Level.HIGH
    settle_s: Annotated[float, Meta(ge=0, le=60)] = 5  # the line must say the same for so long


class PowerSettings(Table, frozen=True, kw_only=True):
    """How the box learns what it runs on (bus_agent/agent/power.py): the kernel's folder of power supplies."""

    folder: Path


class AgentSettings(Table, frozen=True, kw_only=True):
    """bus.toml."""

    bus: BusId
    city_file: Path  # published city.toml, with city.toml.sig beside it
    state_dir: Path
    link_key: Path  # Ed25519 private key, 0600
    relay_public_key: Path
    print_public_key: Path
    relay: RelaySettings
    broker: Broker | None = None
    movement: MovementSettings | None = None  # without it nobody knows whether the vehicle drives
    power: PowerSettings | None = None  # without it nobody knows whether it runs on its battery
    api_socket: Path = API_SOCKET
    api_socket_mode: SocketMode = 0o600
    api_socket_group: str = ""
    spooler_socket: Path = SPOOLER_SOCKET
    spooler_uid: User = None  # who may be behind spooler_socket


class SpoolerSettings(Table, frozen=True, kw_only=True):
    """spooler.toml. The printer is the one that city.toml names for this vehicle."""

    bus: BusId
    city_file: Path
    relay_public_key: Path
    print_key: Path  # Ed25519 private key, 0600
    socket: Path = SPOOLER_SOCKET
    socket_mode: SocketMode = 0o600
    socket_group: str = ""
    agent_uid: User = None  # who may connect to socket
    driver_socket: Path = DRIVER_SOCKET  # used where city.toml names a driver for the printer
    driver_uid: User = None  # who may be behind driver_socket


class DriverSettings(Table, frozen=True, kw_only=True):
    """driver.toml. Which of the PPDs is used, city.toml says; nobody can name one from elsewhere."""

    socket: Path = DRIVER_SOCKET
    socket_mode: SocketMode = 0o600
    socket_group: str = ""
    spooler_uid: User = None  # who may connect to socket
    ppd_dir: Path = PPD_FOLDER
    programs: tuple[Path, ...] = (Path("/usr"), Path("/opt"))  # what a driver may read and run; makers install to both
    deadline_s: Annotated[int, Meta(ge=1, le=300)] = 60  # for one document; a page takes about a second


def load_agent_settings(path: Path) -> AgentSettings:
    """Read bus.toml, every path absolute; raises ConfigError."""
    return settings.load(path, AgentSettings)


def load_spooler_settings(path: Path) -> SpoolerSettings:
    """Read spooler.toml, every path absolute; raises ConfigError."""
    return settings.load(path, SpoolerSettings)


def load_driver_settings(path: Path) -> DriverSettings:
    """Read driver.toml, every path absolute; raises ConfigError."""
    return settings.load(path, DriverSettings)


def uid_of(user: User) -> int:
    """The uid that `user` stands for; raises ConfigError where the machine knows no such user."""
    if user is None:
        return os.getuid()
    if isinstance(user, int):
        return user
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ConfigError(f"there is no user {user} on this machine") from None
