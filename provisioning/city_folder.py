"""Where things are at city hall, and whose they are."""

from pathlib import Path
from typing import NamedTuple

from provisioning.files import Owner


class Addresses(NamedTuple):
    """Where city hall is reached: one host name or IP address, three TCP ports."""

    host: str
    bus_port: int
    clerk_port: int
    broker_port: int


class CityOwners(NamedTuple):
    """Whose files are whose. `authority` runs cityhall-provision; each of the others is one process's user."""

    authority: Owner
    relay: Owner
    broker: Owner
    clerk: Owner

    def for_reading(self, reader: Owner) -> Owner:
        """Owner of what `reader` reads by its group and cannot change."""
        return Owner(self.authority.uid, reader.gid)


class CityFolder(NamedTuple):
    """Where things are in a city's folder."""

    top: Path

    @property
    def ca(self) -> Path:
        """Root and issuing CA: nobody's but the authority's."""
        return self.top / "ca"

    @property
    def relay(self) -> Path:
        """relay.toml, city.toml, and what they name."""
        return self.top / "relay"

    @property
    def relay_toml(self) -> Path:
        """The relay's configuration."""
        return self.relay / "relay.toml"

    @property
    def city_toml(self) -> Path:
        """What the city configures; this is the copy that people edit."""
        return self.relay / "city.toml"

    @property
    def signing_key(self) -> Path:
        """The relay key (Ed25519): signs answers and the published city.toml."""
        return self.relay / "keys" / "relay.pem"

    @property
    def relay_key(self) -> Path:
        """Its public half, which every bus knows."""
        return self.relay / "keys" / "relay.pub.pem"

    @property
    def broker(self) -> Path:
        """mosquitto.conf and what it names."""
        return self.top / "broker"

    @property
    def broker_rights(self) -> Path:
        """Whose rights are what at the broker, in a folder that its plugin may write: it puts a new file beside the old one."""
        return self.broker / "state" / "dynamic-security.json"

    def clerk(self, clerk: str) -> Path:
        """What one clerk's computer needs."""
        return self.top / "clerks" / clerk
