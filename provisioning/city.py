"""City hall's side: CA, relay, broker and clerks of one city, in one folder, each part's secrets readable by it alone."""

import hashlib
import secrets
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_base.city import CityFile, load_city, parse_city, sign_city
from cityhall_base.clock import Clock
from cityhall_base.keys import load_signing_key
from provisioning import broker, ca, toml
from provisioning.city_folder import Addresses, CityFolder, CityOwners
from provisioning.errors import AlreadyThereError
from provisioning.files import SHARED, Owner, folder, write, write_new_key
from provisioning.signing import private_pem, public_pem

GENERATED: Final = (
    "Written by cityhall-provision; use it to change this file. Relative paths are seen from this folder."
)


class Published(NamedTuple):
    """city.toml as buses get it, with its 64-byte signature."""

    raw: bytes
    signature: bytes


def init_city(
    where: CityFolder,
    city_toml: bytes,
    at: Addresses,
    owners: CityOwners,
    clock: Clock,
    broker_runs_as: str | None = None,
) -> None:
    """Make a city without buses and clerks. Raises ConfigError before anything is written, and AlreadyThereError."""
    city = parse_city(city_toml, "city.toml").city
    if where.relay_toml.exists():
        raise AlreadyThereError(str(where.top))
    folder(where.top, owners.authority, 0o711)
    ca.create_ca(where.ca, city.name, clock, owners.authority)
    issuing = ca.IssuingCA(where.ca, clock)
    _init_relay(where, city_toml, at, owners, issuing)
    _init_broker(where, city.city, at, owners, issuing, broker_runs_as)


def add_clerk(where: CityFolder, clerk: str, owners: CityOwners, may: Sequence[str] = ()) -> None:
    """Give `clerk` (an opaque id) a token and clerk.toml; raises AlreadyThereError. The relay keeps the token's digest only.

    `may` are rights beside the counter's work, as relay.toml names them.
    """
    desk, token = folder(where.clerk(clerk), owners.clerk), secrets.token_urlsafe(32)
    write_new_key(desk / f"{clerk}.token", token.encode(), owners.clerk)
    write(desk / "ca.crt", (where.ca / ca.ROOT_PEM).read_bytes(), owners.clerk)
    listener = read_relay_toml(where)["clerk_listener"]
    table: dict[str, toml.Value] = {
        "url": f"https://{listener['host']}:{listener['port']}",
        "ca": "ca.crt",
        "token_file": f"{clerk}.token",
    }
    write(desk / "clerk.toml", toml.dumps(table, GENERATED), owners.clerk)
    digest = hashlib.sha256(token.encode()).hexdigest()
    record(where, "clerks", clerk, {"token_sha256": digest, "may": list(may)})


def publish(where: CityFolder) -> Published:
    """Sign city.toml for the buses; raises ConfigError where it is wrong, so that no bus ever gets a wrong one."""
    load_city(where.city_toml)
    raw = where.city_toml.read_bytes()
    return Published(raw, sign_city(raw, load_signing_key(where.signing_key)))


def configuration(where: CityFolder) -> CityFile:
    """city.toml, read and checked; raises ConfigError."""
    return load_city(where.city_toml)


def read_relay_toml(where: CityFolder) -> dict[str, Any]:
    """relay.toml as plain tables."""
    return tomllib.loads(where.relay_toml.read_text())


def record(where: CityFolder, table: str, name: str, values: dict[str, toml.Value]) -> None:
    """Set `[table.name]` in relay.toml; owner and mode stay. The relay reads it at its next start."""
    settings = read_relay_toml(where)
    settings[table][name] = values
    _write_relay_toml(where, settings)


def _write_relay_toml(where: CityFolder, settings: dict[str, toml.Value]) -> None:
    above = where.relay.stat()
    write(where.relay_toml, toml.dumps(settings, GENERATED), Owner(above.st_uid, above.st_gid), SHARED)


def _init_relay(where: CityFolder, city_toml: bytes, at: Addresses, owners: CityOwners, issuing: ca.IssuingCA) -> None:
    for path in (where.relay, where.relay / "keys", where.relay / "tls", where.relay / "buses"):
        folder(path, owners.for_reading(owners.relay), 0o750)
    folder(where.relay / "state", owners.relay)
    key = Ed25519PrivateKey.generate()
    write_new_key(where.signing_key, private_pem(key), owners.relay)
    write(where.relay_key, public_pem(key.public_key()), owners.authority)
    write(where.city_toml, city_toml, owners.authority)
    tls_key, mqtt_key = ca.new_key(), ca.new_key()
    _write_tls(
        where.relay / "tls", "relay", tls_key, issuing.server(tls_key.public_key(), _hosts(at.host)), owners.relay
    )
    client = issuing.client(ca.new_request(mqtt_key, broker.RELAY_USER), broker.RELAY_USER)
    _write_tls(where.relay / "tls", "relay-mqtt", mqtt_key, client, owners.relay)
    _write_relay_toml(where, _relay_table(at))


def _relay_table(at: Addresses) -> dict[str, toml.Value]:
    server: dict[str, toml.Value] = {"cert": "tls/relay.crt", "key": "tls/relay.key"}
    client: dict[str, toml.Value] = {"ca": "tls/ca.crt", "cert": "tls/relay-mqtt.crt", "key": "tls/relay-mqtt.key"}
    return {
        "city_file": "city.toml",
        "state_dir": "state",
        "signing_key": "keys/relay.pem",
        "approved_software": [],
        "bus_listener": {"host": at.host, "port": at.bus_port, **server, "ca": "tls/ca.crt"},
        "clerk_listener": {"host": at.host, "port": at.clerk_port, **server},
        "broker": {"host": at.host, "port": at.broker_port, **client},
        "buses": {},
        "clerks": {},
    }


def _init_broker(
    where: CityFolder, city: str, at: Addresses, owners: CityOwners, issuing: ca.IssuingCA, runs_as: str | None
) -> None:
    home = folder(where.broker, owners.for_reading(owners.broker), 0o750)
    folder(where.broker_rights.parent, owners.broker)
    key = ca.new_key()
    _write_tls(home, "broker", key, issuing.server(key.public_key(), _hosts(at.host)), owners.broker)
    listener = broker.Listener(
        at.host, at.broker_port, home / "ca.crt", home / "broker.crt", home / "broker.key", where.broker_rights
    )
    write(listener.rights, broker.broker_rights(city), owners.broker)
    write(home / "mosquitto.conf", broker.broker_conf(listener, runs_as), owners.broker)


def _hosts(host: str) -> tuple[str, ...]:
    """Names a server certificate carries; a loopback address is also called localhost."""
    return (host, "localhost") if host.startswith("127.") else (host,)


def _write_tls(home: Path, name: str, key: EllipticCurvePrivateKey, issued: ca.Issued, owner: Owner) -> None:
    write_new_key(home / f"{name}.key", ca.private_pem(key), owner)
    write(home / f"{name}.crt", issued.chain, owner)
    write(home / "ca.crt", issued.root, owner)
