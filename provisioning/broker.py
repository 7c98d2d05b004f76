"""Mosquitto's configuration (checked against 2.0.11): mutual TLS, the certificate's name is the user, and who may touch what."""

from pathlib import Path
from string import Template
from typing import Final, NamedTuple

RELAY_USER: Final = "relay"
"""Common name of the relay's certificate; no bus may be called so."""


class Listener(NamedTuple):
    """Where the broker listens and what it shows (files are PEM)."""

    host: str
    port: int
    ca: Path
    cert: Path
    key: Path
    acl: Path


_CONF: Final = Template("""\
# Written by cityhall-provision.

# Who is not in a certificate of the city's CA is nobody. The common name is the user and the client id, so that
# no bus can speak as another or push another's connection out.
listener $port $host
cafile $ca
certfile $cert
keyfile $key
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file $acl

# Hints and states only: a broker that forgets everything costs one round of sync.
persistence false
max_queued_messages 100
max_packet_size 20480
connection_messages true
log_dest stderr
log_type error
log_type warning
log_type notice
""")

_ACL: Final = Template("""\
# Written by cityhall-provision. What is not allowed here is forbidden; %u is the name in the client's certificate.
user $relay
topic readwrite cityhall/1/$city/#

pattern read cityhall/1/$city/%u/down/#
pattern write cityhall/1/$city/%u/up/#
pattern write cityhall/1/$city/%u/state
""")


def broker_conf(listener: Listener, run_as: str | None = None) -> bytes:
    """`mosquitto.conf`. Started as root, Mosquitto becomes the user `run_as`, or one of its own choice."""
    text = _CONF.substitute(listener._asdict())
    return (text + (f"user {run_as}\n" if run_as else "")).encode()


def broker_acl(city: str) -> bytes:
    """`acl`: the relay has the city's tree, a bus hears its own `down` and speaks in its own `up` and `state`."""
    return _ACL.substitute(city=city, relay=RELAY_USER).encode()
