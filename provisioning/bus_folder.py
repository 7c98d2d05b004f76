"""Where things are on a bus, and whose they are."""

from pathlib import Path
from typing import NamedTuple

from provisioning.files import Owner


class BusOwners(NamedTuple):
    """`technician` runs cityhall-provision on the bus; agent and spooler share the group `on_board`, `concierge` has a group.

    `driver` runs only where the printer needs one.
    """

    technician: Owner
    agent: Owner
    spooler: Owner
    on_board: int
    concierge: int
    driver: Owner

    def for_reading(self, reader: Owner) -> Owner:
        """Owner of what `reader` reads by its group and cannot change."""
        return Owner(self.technician.uid, reader.gid)


class BusFolder(NamedTuple):
    """Where things are on a bus."""

    top: Path

    @property
    def agent(self) -> Path:
        """bus.toml, the link key and the TLS key."""
        return self.top / "agent"

    @property
    def bus_toml(self) -> Path:
        """The agent's configuration."""
        return self.agent / "bus.toml"

    @property
    def state(self) -> Path:
        """The agent's database and ciphertext."""
        return self.top / "state"

    @property
    def spooler(self) -> Path:
        """spooler.toml and the print key."""
        return self.top / "spooler"

    @property
    def spooler_toml(self) -> Path:
        """The spooler's configuration."""
        return self.spooler / "spooler.toml"

    @property
    def published(self) -> Path:
        """What city hall published to this bus: city.toml, its signature, the relay's public key, the root certificate."""
        return self.top / "published"

    @property
    def print_public_key(self) -> Path:
        """For the agent, which reads what the spooler says and cannot say it."""
        return self.agent / "print.pub.pem"

    @property
    def driver(self) -> Path:
        """driver.toml and the printers' driver files."""
        return self.top / "driver"

    @property
    def driver_toml(self) -> Path:
        """The driver's configuration."""
        return self.driver / "driver.toml"

    @property
    def ppds(self) -> Path:
        """The only folder that a driver file is ever taken from."""
        return self.driver / "ppd"

    @property
    def driver_socket(self) -> Path:
        """Between spooler and driver alone."""
        return self.top / "run" / "driver" / "driver.sock"

    @property
    def spooler_socket(self) -> Path:
        """Between agent and spooler alone."""
        return self.top / "run" / "spooler" / "spooler.sock"

    @property
    def api_socket(self) -> Path:
        """The local API: the concierge's."""
        return self.top / "run" / "api" / "agent.sock"
