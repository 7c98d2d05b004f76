"""One bus enters service in three steps: it makes its keys, city hall admits it, it installs what city hall gave.

Only `BusRequest` goes to city hall and only `Admission` comes back; no private key is in either.
"""

from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cityhall_base.city import parse_city
from cityhall_base.clock import Clock
from provisioning import ca, toml
from provisioning.broker import RELAY_USER, with_bus
from provisioning.bus_config import agent_table, driver_table, spooler_table
from provisioning.bus_folder import BusFolder, BusOwners
from provisioning.city import GENERATED, configuration, publish, read_relay_toml, record
from provisioning.city_folder import Addresses, CityFolder
from provisioning.errors import AlreadyThereError, RequestRefusedError
from provisioning.files import PRIVATE, SHARED, Owner, folder, write, write_new_key
from provisioning.signing import private_pem, public_pem


class BusRequest(NamedTuple):
    """What a bus sends to city hall: its name, a certificate request and two public keys (all PEM)."""

    bus: str
    csr: bytes
    link_key: bytes
    print_key: bytes


class Admission(NamedTuple):
    """What city hall gives back: certificates and the relay's public key (PEM), the signed city.toml, and where to call."""

    bus: str
    city: str
    chain: bytes
    root: bytes
    relay_key: bytes
    city_toml: bytes
    city_signature: bytes
    at: Addresses


def make_bus_keys(where: BusFolder, bus: str, owners: BusOwners) -> BusRequest:
    """On the bus: make link, print and TLS key, each readable by its process alone; raises AlreadyThereError."""
    folder(where.top, owners.technician, 0o711)
    folder(where.agent, owners.for_reading(owners.agent), 0o750)
    folder(where.spooler, owners.for_reading(owners.spooler), 0o750)
    link_key, print_key, tls_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), ca.new_key()
    write_new_key(where.agent / "link.pem", private_pem(link_key), owners.agent)
    write_new_key(where.spooler / "print.pem", private_pem(print_key), owners.spooler)
    write_new_key(where.agent / "tls.key", ca.private_pem(tls_key), owners.agent)
    request = BusRequest(
        bus, ca.new_request(tls_key, bus), public_pem(link_key.public_key()), public_pem(print_key.public_key())
    )
    write(where.print_public_key, request.print_key, owners.technician)
    return request


def admit(where: CityFolder, request: BusRequest, clock: Clock) -> Admission:
    """At city hall: sign the bus's certificate and record its public keys.

    Raises ConfigError, RequestRefusedError, or AlreadyThereError where the bus was admitted with other keys.
    """
    city = configuration(where).city
    if request.bus not in city.vehicles or request.bus == RELAY_USER:
        raise RequestRefusedError(f"vehicles in city.toml: {', '.join(city.vehicles)}; not {request.bus}")
    issued = ca.IssuingCA(where.ca, clock).client(request.csr, request.bus)
    _record_keys(where, request)
    _give_rights(where, city.city, request.bus)
    published, relay = publish(where), read_relay_toml(where)
    ports = (relay["bus_listener"]["port"], relay["clerk_listener"]["port"], relay["broker"]["port"])
    at = Addresses(relay["bus_listener"]["host"], *ports)
    return Admission(request.bus, city.city, *issued, where.relay_key.read_bytes(), *published, at)


def _give_rights(where: CityFolder, city: str, bus: str) -> None:
    path = where.broker_rights
    above = path.parent.stat()
    write(path, with_bus(path.read_bytes(), city, bus), Owner(above.st_uid, above.st_gid), PRIVATE)


def _record_keys(where: CityFolder, request: BusRequest) -> None:
    home = where.relay / "buses"
    keys = {"link": request.link_key, "print": request.print_key}
    for role, pem in keys.items():
        _check_public(pem)
        path = _key_file(home, request.bus, role)
        if path.exists() and path.read_bytes() != pem:
            raise AlreadyThereError(f"{request.bus} was admitted with another {role} key")
    above = home.stat()
    for role, pem in keys.items():
        write(_key_file(home, request.bus, role), pem, Owner(above.st_uid, above.st_gid))
    record(
        where,
        "buses",
        request.bus,
        {f"{role}_key": f"buses/{_key_file(home, request.bus, role).name}" for role in keys},
    )


def _key_file(home: Path, bus: str, role: str) -> Path:
    return home / f"{bus}.{role}.pub.pem"


def _check_public(pem: bytes) -> None:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise RequestRefusedError("a signing key is no public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise RequestRefusedError("a signing key is not Ed25519")


def install_bus_config(where: BusFolder, admission: Admission, owners: BusOwners) -> None:
    """On the bus: write what city hall gave, bus.toml and spooler.toml, and make the folders that they name."""
    _install_published(where, admission, owners)
    write(where.agent / "tls.crt", admission.chain, owners.technician)
    folder(where.state, owners.agent)
    run = folder(where.top / "run", owners.technician, 0o711)
    # Set-group-id: a socket made here is its maker's and the group's, without the maker being in that group.
    folder(run / "spooler", Owner(owners.spooler.uid, owners.on_board), 0o2710)
    folder(run / "api", Owner(owners.agent.uid, owners.concierge), 0o2710)
    agent = agent_table(where, admission.bus, admission.at, owners.spooler.uid)
    write(where.bus_toml, toml.dumps(agent, GENERATED), owners.for_reading(owners.agent), SHARED)
    driver = owners.driver.uid if _needs_driver(admission) else None
    spooler = spooler_table(where, admission.bus, owners.agent.uid, driver)
    write(where.spooler_toml, toml.dumps(spooler, GENERATED), owners.for_reading(owners.spooler), SHARED)


def install_driver(where: BusFolder, ppd: Path, owners: BusOwners) -> None:
    """On a bus whose printer needs it: driver.toml, and `ppd` under its own name. What it names is run, so read it first."""
    folder(where.driver, owners.for_reading(owners.driver), 0o750)
    folder(where.ppds, owners.for_reading(owners.driver), 0o750)
    # Set-group-id, as with the others: the socket is the driver's and the spooler's, and nobody else's.
    folder(where.driver_socket.parent, Owner(owners.driver.uid, owners.spooler.gid), 0o2710)
    write(where.ppds / ppd.name, ppd.read_bytes(), owners.technician)
    table = toml.dumps(driver_table(where, owners.spooler.uid), GENERATED)
    write(where.driver_toml, table, owners.for_reading(owners.driver), SHARED)


def _needs_driver(admission: Admission) -> bool:
    city = parse_city(admission.city_toml, "city.toml").city
    return city.printers[city.vehicles[admission.bus].printer].driver is not None


def _install_published(where: BusFolder, admission: Admission, owners: BusOwners) -> None:
    home = folder(where.published, owners.technician, 0o755)
    for name, data in (
        ("city.toml", admission.city_toml),
        ("city.toml.sig", admission.city_signature),
        ("relay.pub.pem", admission.relay_key),
        ("ca.crt", admission.root),
    ):
        write(home / name, data, owners.technician)
