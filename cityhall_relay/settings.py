"""`relay.toml`: what one relay needs to know about itself. Relative paths are seen from the folder of the file.

city_file = "city.toml"
state_dir = "state"                       # made at the first start, mode 0700
signing_key = "keys/relay.pem"            # Ed25519, private, mode 0600
approved_software = []                    # 64 hex digits each; the relay's own release is always approved

[bus_listener]                            # TLS 1.3; a client shows a certificate of `ca`, its common name is the bus
host = "127.0.0.1"
port = 8443
cert = "tls/relay.crt"
key = "tls/relay.key"
ca = "tls/ca.crt"

[clerk_listener]
host = "127.0.0.1"
port = 8444
cert = "tls/relay.crt"
key = "tls/relay.key"

[broker]                                  # may be left out: then there are no hints and no presence
host = "localhost"                        # as in the broker's certificate
port = 8883
ca = "tls/ca.crt"
cert = "tls/relay-mqtt.crt"
key = "tls/relay-mqtt.key"

[buses.bus-1]                             # every enrolled vehicle; the name as in city.toml
link_key = "buses/bus-1.link.pub.pem"     # Ed25519, public
print_key = "buses/bus-1.print.pub.pem"

[clerks.clerk-1]                          # an opaque id, never a name
token_sha256 = "…64 hex digits…"
sections = ["citizen"]                    # whose calls are for this clerk; without it, all
may = ["books", "duty", "revoke"]         # beside the counter's work; without it, nothing
counter = true                            # false: not even the counter's work

[console]                                 # may be left out; the pages for people, beside the API on the clerk listener
origin = "https://hall.example:8444"      # what stands in the browser; any other host is refused. Without it, any is taken
idle_min = 120                            # signed out after so long without a press: a clerk waits for calls
hours = 10                                # signed out whatever is pressed

[console.oidc]                            # may be left out; needs `origin`. Who may do what stays with the console's accounts
issuer = "https://id.hall.example"        # https, or http on this machine
client_id = "cityhall-console"            # its redirect address is <origin>/oidc/callback
client_secret_file = "keys/oidc.secret"   # mode 0600, one line
claim = "sub"                             # the claim of the ID token that holds the account's opaque id
ca = "tls/id-ca.crt"                      # where it is not one of the machine's own
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from cityhall_base import settings
from cityhall_base.settings import Broker, Host, Table
from cityhall_wire.headers import BusId, Name, OpaqueId

Port = Annotated[int, Meta(ge=0, le=65535)]
"""0 lets the kernel choose; only tests use it."""
Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class BusListener(Table, frozen=True, kw_only=True):
    """Where buses call; both ends show a certificate."""

    host: Host
    port: Port
    cert: Path
    key: Path
    ca: Path


class ClerkListener(Table, frozen=True, kw_only=True):
    """Where clerks call; the relay shows a certificate, the clerk a token."""

    host: Host
    port: Port
    cert: Path
    key: Path


class BusKeys(Table, frozen=True, kw_only=True):
    """The public keys of one enrolled vehicle."""

    link_key: Path
    print_key: Path


class Right(StrEnum):
    """What not everybody may do. Whoever writes into the books reads them too."""

    COUNTER = "counter"  # answer calls, send documents, allow their print; a clerk of relay.toml has it without a word
    READ = "read"  # read ledger, fees, checklists and audit
    PEOPLE = "people"  # who may do what: accounts of the console
    BOOKS = "books"  # write into the books of sheets and fees, and read them
    DUTY = "duty"  # let a bus stay on duty for longer, name a substitute concierge
    REVOKE = "revoke"  # take a bus out of service, and with a second person back into it


class Clerk(Table, frozen=True, kw_only=True):
    """One clerk, known by an opaque id."""

    token_sha256: Hex32  # of the token's UTF-8 bytes, without a line end
    sections: tuple[Name, ...] = ()  # whose calls are for this clerk; empty: of every section
    may: tuple[Right, ...] = ()
    counter: bool = True


class Oidc(Table, frozen=True, kw_only=True):
    """Whom the console believes who somebody is (OpenID Connect Core 1.0, code flow with PKCE)."""

    issuer: Annotated[
        str, Meta(pattern=r"\A(https://[^\s/?#@]{1,253}|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?)(/[^\s?#]*)?\Z")
    ]
    client_id: Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,255}\Z")]
    client_secret_file: Path
    claim: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:/-]{1,255}\Z")] = "sub"
    ca: Path | None = None


class ConsoleSettings(Table, frozen=True, kw_only=True):
    """The pages for people."""

    origin: Annotated[str, Meta(pattern=r"\Ahttps://[A-Za-z0-9.:\[\]-]{1,253}\Z")] = ""
    idle_min: Annotated[int, Meta(ge=1, le=600)] = 120
    hours: Annotated[int, Meta(ge=1, le=24)] = 10
    oidc: Oidc | None = None


class RelaySettings(Table, frozen=True, kw_only=True):
    """The whole file."""

    city_file: Path
    state_dir: Path
    signing_key: Path
    bus_listener: BusListener
    clerk_listener: ClerkListener
    broker: Broker | None = None
    buses: Mapping[BusId, BusKeys]
    clerks: Mapping[OpaqueId, Clerk]
    console: ConsoleSettings = ConsoleSettings()
    approved_software: tuple[Hex32, ...] = ()


class ClerkSettings(Table, frozen=True, kw_only=True):
    """`clerk.toml`: what the clerk's commands need.

    url = "https://localhost:8444"
    ca = "ca.crt"
    token_file = "clerk-1.token"      # mode 0600; the token and nothing else, a closing line end is ignored
    """

    url: Annotated[str, Meta(pattern=r"\Ahttps://[^\s/]{1,253}/?\Z")]
    ca: Path
    token_file: Path


def load_relay(path: Path) -> RelaySettings:
    """Read `relay.toml`, its paths made absolute; raises ConfigError."""
    return settings.load(path, RelaySettings)


def load_clerk(path: Path) -> ClerkSettings:
    """Read `clerk.toml`, its paths made absolute; raises ConfigError."""
    return settings.load(path, ClerkSettings)
