"""bus.toml, spooler.toml and driver.toml: paths and addresses. What the city decides stands in the published city.toml.

The schemas are the bus's own (`bus_agent/settings.py`); a test loads what is written here with them.
"""

from pathlib import Path
from typing import Final

from provisioning.bus_folder import BusFolder
from provisioning.city_folder import Addresses
from provisioning.toml import Octal, Value

_SOCKET_MODE: Final = Octal(0o660)
"""Owner and the folder's group; the folder keeps everybody else out."""


def agent_table(where: BusFolder, bus: str, at: Addresses, spooler_uid: int) -> dict[str, Value]:
    """bus.toml."""
    tls: dict[str, Value] = {
        "ca": where.published / "ca.crt",
        "cert": where.agent / "tls.crt",
        "key": where.agent / "tls.key",
    }
    return {
        "bus": bus,
        **_published(where.published),
        "state_dir": where.state,
        "link_key": where.agent / "link.pem",
        "print_public_key": where.print_public_key,
        "api_socket": where.api_socket,
        "api_socket_mode": _SOCKET_MODE,
        "spooler_socket": where.spooler_socket,
        "spooler_uid": spooler_uid,
        "relay": {"url": f"https://{at.host}:{at.bus_port}", **tls},
        "broker": {"host": at.host, "port": at.broker_port, **tls},
    }


def spooler_table(where: BusFolder, bus: str, agent_uid: int, driver_uid: int | None) -> dict[str, Value]:
    """spooler.toml; `driver_uid` where the printer needs a driver."""
    driver: dict[str, Value] = {}
    if driver_uid is not None:
        driver = {"driver_socket": where.driver_socket, "driver_uid": driver_uid}
    return {
        "bus": bus,
        **_published(where.published),
        "print_key": where.spooler / "print.pem",
        "socket": where.spooler_socket,
        "socket_mode": _SOCKET_MODE,
        "agent_uid": agent_uid,
        **driver,
    }


def driver_table(where: BusFolder, spooler_uid: int) -> dict[str, Value]:
    """driver.toml."""
    return {
        "socket": where.driver_socket,
        "socket_mode": _SOCKET_MODE,
        "spooler_uid": spooler_uid,
        "ppd_dir": where.ppds,
    }


def _published(home: Path) -> dict[str, Value]:
    return {"city_file": home / "city.toml", "relay_public_key": home / "relay.pub.pem"}
