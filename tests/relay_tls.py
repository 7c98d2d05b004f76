"""TLS and HTTP for the relay's tests: a CA, the relay's and the buses' certificates, and clients that show them."""

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cityhall_base import tls
from tests.relay_city import BUSES, private_pem, token


def write_tls(top: Path) -> None:
    """`tls/` with ca.crt, relay.crt, and for each bus (and a stranger) a client certificate of that CA."""
    folder = top / "tls"
    folder.mkdir()
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("test CA", ca_key, "test CA", ca_key, ca=True)
    (folder / "ca.crt").write_bytes(ca.public_bytes(Encoding.PEM))
    for name in ("relay", *BUSES, "stranger"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, "test CA", ca_key, ca=False)
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / f"{name}.key").write_bytes(private_pem(key))
        (folder / f"{name}.key").chmod(0o600)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def bus_client(top: Path, port: int, name: str | None) -> httpx.Client:
    """A client that shows the certificate `name`, or none."""
    folder = top / "tls"
    cert, key = (folder / f"{name}.crt", folder / f"{name}.key") if name else (None, None)
    context = tls.client_context(folder / "ca.crt", cert, key)
    return httpx.Client(base_url=f"https://localhost:{port}", verify=context, timeout=10, trust_env=False)


def clerk_client(top: Path, port: int, clerk: str) -> httpx.Client:
    """A client that shows the clerk's token."""
    headers = {"Authorization": f"Bearer {token(clerk)}"}
    context = tls.client_context(top / "tls" / "ca.crt")
    url = f"https://localhost:{port}"
    return httpx.Client(base_url=url, verify=context, headers=headers, timeout=30, trust_env=False)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
