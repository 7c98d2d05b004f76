"""Mosquitto's configuration (checked against 2.0.11): mutual TLS, the certificate's name is the user, and who may touch what."""

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

from cityhall_wire.messages.topics import heard_by, said_by

RELAY_USER: Final = "relay"
"""Common name of the relay's certificate; no bus may be called so."""


class Listener(NamedTuple):
    """Where the broker listens and what it shows (files are PEM)."""

    host: str
    port: int
    ca: Path
    cert: Path
    key: Path
    rights: Path


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

# Who may hear and say what. A list in a file would bind whoever comes; the plugin also ends a connection that is there, at the
# relay's word alone (cityhall_relay/broker_gate.py). It writes its file itself.
plugin mosquitto_dynamic_security.so
plugin_opt_config_file $rights

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

_CONTROL: Final = "$CONTROL/dynamic-security/v1"


def broker_conf(listener: Listener, run_as: str | None = None) -> bytes:
    """`mosquitto.conf`. Started as root, Mosquitto becomes the user `run_as`, or one of its own choice."""
    text = _CONF.substitute(listener._asdict())
    return (text + (f"user {run_as}\n" if run_as else "")).encode()


def broker_rights(city: str) -> bytes:
    """What the plugin begins with, and then writes itself: the relay has the city's tree and gives every bus its rights.

    A client has no password here: the certificate is its name. What is not allowed is forbidden.
    """
    tree, answer = f"cityhall/1/{city}/#", f"{_CONTROL}/response"
    forbidden = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe"), False)
    rights = {"defaultACLAccess": forbidden | {"unsubscribe": True}, "clients": [], "groups": [], "roles": []}
    return _add(rights, RELAY_USER, RELAY_USER, (answer, tree), (_CONTROL, tree))


def with_bus(rights: bytes, city: str, bus: str) -> bytes:
    """The same, with one more bus, for a broker that is not started yet: one that runs hears of it from the relay."""
    table = json.loads(rights)
    if any(client["username"] == bus for client in table["clients"]):
        return rights
    return _add(table, bus, f"bus-{bus}", heard_by(city, bus), said_by(city, bus))


def _add(rights: dict[str, Any], user: str, role: str, hears: Sequence[str], says: Sequence[str]) -> bytes:
    kinds = (("subscribePattern", hears), ("publishClientReceive", hears), ("publishClientSend", says))
    acls = [
        {"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topics in kinds for topic in topics
    ]
    rights["roles"].append({"rolename": role, "acls": acls})
    rights["clients"].append({"username": user, "roles": [{"rolename": role, "priority": 0}]})
    return json.dumps(rights, indent=1).encode()
