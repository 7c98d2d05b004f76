"""The border of certificates, at every end of every connection: each wrong one is refused, and the reason is said in words."""

import asyncio
import logging
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from bus_agent.agent.link import Ends, Link
from bus_agent.errors import CertificateError, LinkError, RejectedError
from cityhall_base import tls
from cityhall_base.mqtt import Mqtt
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import OutOfReachError
from cityhall_relay.settings import ClerkSettings
from provisioning.demo.probe import accepts
from provisioning.demo.wait import wait_until
from tests.hostile.samples import BUS, CITY
from tests.integration.hostile_city_hall import HostileCityHall, says
from tests.integration.test_borders_link import ASKED, KEY
from tests.integration.test_relay_over_tls import LiveRelay
from tests.relay_city import TestClock, private_pem, token
from tests.relay_tls import free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
Key = ec.EllipticCurvePrivateKey
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


class Wrong(NamedTuple):
    """A certificate, and what it is said to be. Hours from now; `ca` names its issuer."""

    name: str = "bus-1"
    ca: str = "city"
    begins: int = -1
    ends: int = 1
    usage: x509.ObjectIdentifier = CLIENT


CLIENTS = {
    "run out": Wrong(begins=-2, ends=-1),
    "not valid yet": Wrong(begins=1, ends=2),
    "of another CA": Wrong(ca="other"),
    "for a server": Wrong(usage=SERVER),
}
SERVERS = {
    "run out": (Wrong("localhost", begins=-2, ends=-1, usage=SERVER), "has run out"),
    "not valid yet": (Wrong("localhost", begins=1, ends=2, usage=SERVER), "not valid yet"),
    "of another CA": (Wrong("localhost", ca="other", usage=SERVER), "not of this city's CA"),
    "signed by itself": (Wrong("localhost", ca="itself", usage=SERVER), "not of this city's CA"),
    "of another name": (Wrong("elsewhere", usage=SERVER), "for another name"),
    "a bus's own": (Wrong("bus-2", usage=CLIENT), "not meant for this end"),
}


class Cas:
    """The city's CA, and one that is called the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("city", "other")}
        for name, key in self._keys.items():
            certificate = self._make(Wrong("test CA"), key, key, ca=True)
            (folder / f"{name}-ca.crt").write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, wrong: Wrong) -> tuple[Path, Path]:
        """Certificate and key file."""
        key = ec.generate_private_key(ec.SECP256R1())
        stem = self.folder / f"leaf-{len(list(self.folder.iterdir()))}"
        certificate = self._make(wrong, key, self._keys.get(wrong.ca, key), ca=False)
        stem.with_suffix(".crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        stem.with_suffix(".key").write_bytes(private_pem(key))
        stem.with_suffix(".key").chmod(0o600)
        return stem.with_suffix(".crt"), stem.with_suffix(".key")

    @property
    def root(self) -> Path:
        return self.folder / "city-ca.crt"

    def _make(
        self, wrong: Wrong, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, *, ca: bool
    ) -> x509.Certificate:
        issuer = wrong.name if signer is key else "test CA"
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(wrong.name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + wrong.begins * HOUR)
            .not_valid_after(NOW + wrong.ends * HOUR)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if not ca:
            names = x509.SubjectAlternativeName([x509.DNSName(wrong.name)])
            builder = builder.add_extension(names, critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([wrong.usage]), critical=False)
        return builder.sign(signer, SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


@pytest.fixture(scope="module")
def cas() -> Iterator[Cas]:
    with tempfile.TemporaryDirectory(prefix="borders-") as name:
        yield Cas(Path(name))


@pytest.fixture(scope="module")
def relay(cas: Cas) -> Iterator[LiveRelay]:
    """The real relay, with a certificate and a CA of these."""
    with tempfile.TemporaryDirectory(prefix="borders-") as name, pytest.MonkeyPatch.context() as patch:

        def write(top: Path) -> None:
            (top / "tls").mkdir()
            cert, key = cas.issue(Wrong("localhost", usage=SERVER))
            shutil.copy(cert, top / "tls" / "relay.crt")
            shutil.copy(key, top / "tls" / "relay.key")
            shutil.copy(cas.root, top / "tls" / "ca.crt")

        patch.setattr("tests.integration.test_relay_over_tls.write_tls", write)
        live = LiveRelay(Path(name))
        yield live
        live.stop()


def ask(cas: Cas, port: int, shown: Wrong) -> None:
    async def scene() -> None:
        context = tls.client_context(cas.root, *cas.issue(shown))
        line = Link(f"https://localhost:{port}", context, Ends(CITY, BUS, KEY.public_key()), TestClock())
        try:
            await line.ask("/1/sync", ASKED)
        finally:
            await line.close()

    asyncio.run(scene())


REFUSED = {
    "run out": "has run out",
    "not valid yet": "not valid yet",
    "of another CA": "not of this city's CA",
    "for a server": "not meant for this end",
}


def said_by_the_relay(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if "a client was refused" in record.message]


@pytest.mark.parametrize("name", CLIENTS)
def test_the_relay_refuses_a_wrong_certificate_says_once_why_and_serves_the_next(
    cas: Cas, relay: LiveRelay, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        # No more than that: asyncio ends a refused handshake without the alert that would tell the client why.
        with pytest.raises(LinkError, match="cannot be reached"):
            ask(cas, relay.running.bus_port, CLIENTS[name])
    with pytest.raises(RejectedError, match="status 403"):
        ask(cas, relay.running.bus_port, Wrong("stranger"))
    said = said_by_the_relay(caplog)
    assert len(said) == 1
    assert REFUSED[name] in said[0]


@pytest.mark.parametrize(("shown", "words"), SERVERS.values(), ids=SERVERS.keys())
def test_a_bus_believes_no_city_hall_with_a_wrong_certificate(cas: Cas, shown: Wrong, words: str) -> None:
    context = tls.server_context(*cas.issue(shown), None)
    with closing(HostileCityHall(cas.folder, context=context)) as city_hall:
        city_hall.answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(CertificateError, match=words) as caught:
            ask(cas, city_hall.port, Wrong())
        assert "this box's clock says 2026-11-21 00:00 UTC" in str(caught.value)
        assert city_hall.calls == 0


@pytest.mark.parametrize(("shown", "words"), SERVERS.values(), ids=SERVERS.keys())
def test_a_clerks_command_believes_none_either(cas: Cas, shown: Wrong, words: str) -> None:
    (cas.folder / "token").write_text("token")
    (cas.folder / "token").chmod(0o600)
    context = tls.server_context(*cas.issue(shown), None)
    with closing(HostileCityHall(cas.folder, context=context)) as city_hall:
        url, token_file = f"https://localhost:{city_hall.port}", cas.folder / "token"
        clerk = CityHall(ClerkSettings(url=url, ca=cas.root, token_file=token_file))
        with closing(clerk), pytest.raises(OutOfReachError, match=words):
            clerk.jobs()
        assert city_hall.calls == 0


def test_an_older_tls_is_spoken_by_nobody(cas: Cas, relay: LiveRelay) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(cas.root)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for port in (relay.running.bus_port, relay.running.clerk_port):
        with httpx.Client(verify=old, trust_env=False) as client, pytest.raises(httpx.ConnectError):
            client.get(f"https://localhost:{port}/1/jobs")


def test_a_buss_certificate_opens_no_door_of_the_clerks_and_a_token_none_of_the_buses(
    cas: Cas, relay: LiveRelay
) -> None:
    bus = tls.client_context(cas.root, *cas.issue(Wrong()))
    with httpx.Client(verify=bus, trust_env=False) as client:
        assert client.get(f"https://localhost:{relay.running.clerk_port}/1/jobs").status_code == 401
    nobody, bearer = tls.client_context(cas.root), {"Authorization": f"Bearer {token('clerk-1')}"}
    with httpx.Client(verify=nobody, trust_env=False, headers=bearer) as client, pytest.raises(httpx.TransportError):
        client.get(f"https://localhost:{relay.running.bus_port}/1/body/j")


# --- the broker ---


@pytest.fixture(scope="module")
def broker(cas: Cas) -> Iterator[int]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    port, (cert, key) = free_port(), cas.issue(Wrong("localhost", usage=SERVER))
    conf = cas.folder / "mosquitto.conf"
    files = f"cafile {cas.root}\ncertfile {cert}\nkeyfile {key}\n"
    rules = "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nuser root\n"
    conf.write_text(f"listener {port} 127.0.0.1\n{files}{rules}")
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen([MOSQUITTO, "-c", str(conf)], stderr=subprocess.DEVNULL))
        stack.callback(process.terminate)
        wait_until(lambda: accepts(port), 20, "the broker is there")
        yield port


CONNECT = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03bus"
CONNACK = b"\x20\x02\x00\x00"


def let_in(cas: Cas, port: int, shown: Wrong) -> bool:
    """Whether the broker accepts an MQTT 3.1.1 CONNECT of this client."""
    context = tls.client_context(cas.root, *cas.issue(shown))
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    with suppress(OSError), raw, context.wrap_socket(raw, server_hostname="localhost") as sock:
        sock.sendall(CONNECT)
        return sock.recv(4) == CONNACK
    return False


@pytest.mark.parametrize("shown", CLIENTS.values(), ids=CLIENTS.keys())
def test_the_broker_lets_in_no_wrong_certificate(cas: Cas, broker: int, shown: Wrong) -> None:
    assert not let_in(cas, broker, shown)


def test_the_broker_lets_in_the_right_one(cas: Cas, broker: int) -> None:
    assert let_in(cas, broker, Wrong())


@pytest.mark.parametrize("shown", [wrong for wrong, _ in SERVERS.values()], ids=SERVERS.keys())
def test_a_bus_believes_no_broker_with_a_wrong_certificate(cas: Cas, shown: Wrong) -> None:
    context = tls.server_context(*cas.issue(shown), None)
    with closing(HostileCityHall(cas.folder, context=context)) as impostor:
        asyncio.run(looks_for_its_broker(cas, impostor))
        assert impostor.calls == 0


async def looks_for_its_broker(cas: Cas, impostor: HostileCityHall) -> None:
    mqtt = Mqtt("bus-1", tls.client_context(cas.root, *cas.issue(Wrong())))
    mqtt.start("localhost", impostor.port, ())
    await asyncio.to_thread(wait_until, lambda: impostor.handshakes > 0, 20, "it has tried")
    assert not mqtt.connected
    await mqtt.stop()
