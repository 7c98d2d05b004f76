"""The city's certificate authority: a root that can be kept offline, an issuing CA that works, and what it issues.

Keys are EC P-256 (FIPS 186-5): TLS 1.3 and 1.2, OpenSSL and Mosquitto take it, and so does a TPM 2.0, in which a bus may keep
its key. Certificates follow RFC 5280; a certificate file holds the leaf and the issuing CA, so that trust needs the root only.
"""

import datetime
import ipaddress
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cityhall_base.clock import Clock
from provisioning.errors import RequestRefusedError
from provisioning.files import PUBLIC, Owner, folder, write, write_new_key

ROOT_DAYS: Final = 20 * 365
"""Longer than a bus is in service."""
ISSUING_DAYS: Final = 5 * 365
LEAF_DAYS: Final = 365
"""A winter in the garage must not end a bus's certificate; renewal begins long before."""
BACKDATED: Final = datetime.timedelta(hours=1)
"""A bus whose clock is a little behind city hall's still trusts a certificate that was just made."""

ROOT_PEM: Final = "root.pem"


class Issued(NamedTuple):
    """A certificate file (leaf and issuing CA, PEM) and the root to trust (PEM)."""

    chain: bytes
    root: bytes


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key pair for TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's mode protects it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def new_request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """A certificate request (PKCS #10, PEM) of the client `name`."""
    builder = x509.CertificateSigningRequestBuilder(_name(name))
    return builder.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM)


def create_ca(where: Path, city: str, clock: Clock, owner: Owner) -> None:
    """Make root and issuing CA in `where`; raises AlreadyThereError. `root.key` is needed again only for a new issuing CA."""
    folder(where, owner)
    root, issuing = new_key(), new_key()
    write_new_key(where / "root.key", private_pem(root), owner)
    write_new_key(where / "issuing.key", private_pem(issuing), owner)
    root_name, issuing_name = _name(f"{city} root CA"), _name(f"{city} issuing CA")
    root_cert = _ca_builder(root_name, root, root, 1, ROOT_DAYS, clock).issuer_name(root_name).sign(root, SHA256())
    builder = _ca_builder(issuing_name, issuing, root, 0, ISSUING_DAYS, clock).issuer_name(root_name)
    write(where / ROOT_PEM, _pem(root_cert), owner, PUBLIC)
    write(where / "issuing.pem", _pem(builder.sign(root, SHA256())), owner, PUBLIC)


class IssuingCA:
    """The CA that signs leaves; it never reads the root's key."""

    def __init__(self, where: Path, clock: Clock) -> None:
        key = serialization.load_pem_private_key((where / "issuing.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("an issuing key of ours is an EC key")
        self._key, self._clock = key, clock
        self._cert = x509.load_pem_x509_certificate((where / "issuing.pem").read_bytes())
        self._root = (where / ROOT_PEM).read_bytes()

    def server(self, key: ec.EllipticCurvePublicKey, hosts: tuple[str, ...]) -> Issued:
        """For a listener that is reached as one of `hosts` (DNS names or IP addresses; at least one)."""
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = self._leaf(hosts[0], key, ExtendedKeyUsageOID.SERVER_AUTH).add_extension(names, critical=False)
        return self._sign(builder)

    def client(self, request: bytes, name: str) -> Issued:
        """For the client `name`, which must be what its request says; raises RequestRefusedError.

        Nothing else is taken over from the request: no extension, no further name.
        """
        return self._sign(self._leaf(name, _checked(request, name), ExtendedKeyUsageOID.CLIENT_AUTH))

    def _leaf(self, name: str, key: ec.EllipticCurvePublicKey, usage: x509.ObjectIdentifier) -> x509.CertificateBuilder:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            _dated(LEAF_DAYS, self._clock)
            .subject_name(_name(name))
            .issuer_name(self._cert.subject)
            .public_key(key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(authority, critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> Issued:
        return Issued(_pem(builder.sign(self._key, SHA256())) + _pem(self._cert), self._root)


def _checked(request: bytes, name: str) -> ec.EllipticCurvePublicKey:
    try:
        csr = x509.load_pem_x509_csr(request)
        key = csr.public_key()
    except ValueError as error:
        raise RequestRefusedError(f"it is no certificate request ({error})") from None
    if not csr.is_signature_valid:
        raise RequestRefusedError("its signature does not fit its key")
    if csr.subject != _name(name):
        raise RequestRefusedError(f"it is for {csr.subject.rfc4514_string()}, expected CN={name}")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestRefusedError("its key is not an EC key on P-256")
    return key


def _ca_builder(
    name: x509.Name,
    own: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    below: int,
    days: int,
    clock: Clock,
) -> x509.CertificateBuilder:
    return (
        _dated(days, clock)
        .subject_name(name)
        .public_key(own.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )


def _dated(days: int, clock: Clock) -> x509.CertificateBuilder:
    # random_serial_number gives 160 random bits: no counter that a restored backup would repeat.
    now = datetime.datetime.fromtimestamp(clock.utc_ms() // 1000, datetime.UTC)
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATED).not_valid_after(now + datetime.timedelta(days=days))


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
