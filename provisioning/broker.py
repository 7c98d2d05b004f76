"""Mosquitto's configuration (checked against 2.0.11): mutual TLS, the certificate's name is the user, and who may touch what."""

import json
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
    tree = f"cityhall/1/{city}/#"
    acls = [
        ("publishClientSend", _CONTROL),
        ("publishClientReceive", f"{_CONTROL}/response"),
        ("subscribePattern", f"{_CONTROL}/response"),
        *((kind, tree) for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")),
    ]
    forbidden = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe"), False)
    role = {"rolename": RELAY_USER, "acls": [{"acltype": k, "topic": t, "priority": 0, "allow": True} for k, t in acls]}
    client = {"username": RELAY_USER, "roles": [{"rolename": RELAY_USER, "priority": 0}]}
    rights = {"defaultACLAccess": forbidden | {"unsubscribe": True}, "clients": [client], "groups": [], "roles": [role]}
    return json.dumps(rights, indent=1).encode()
