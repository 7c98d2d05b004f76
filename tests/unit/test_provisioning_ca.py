"""What the city's CA issues is what OpenSSL, another implementation, accepts for its purpose, and nothing more."""

import stat
import subprocess
from pathlib import Path

import pytest

from cityhall_base.clock import SystemClock
from provisioning import ca
from provisioning.errors import AlreadyThereError, RequestRefusedError
from provisioning.files import me


@pytest.fixture
def authority(tmp_path: Path) -> ca.IssuingCA:
    ca.create_ca(tmp_path / "ca", "長谷市", SystemClock(), me())
    return ca.IssuingCA(tmp_path / "ca", SystemClock())


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def verified(folder: Path, chain: bytes, purpose: str, *more: str) -> str:
    (folder / "leaf.pem").write_bytes(chain)
    root = folder / "ca" / ca.ROOT_PEM
    trust = ("-x509_strict", "-CAfile", root, "-untrusted", folder / "leaf.pem", "-purpose", purpose)
    return openssl("verify", *trust, *more, folder / "leaf.pem")


def test_a_buss_certificate_is_good_for_a_client_only(authority: ca.IssuingCA, tmp_path: Path) -> None:
    chain = authority.client(ca.new_request(ca.new_key(), "moba-1"), "moba-1").chain
    assert verified(tmp_path, chain, "sslclient").endswith("leaf.pem: OK\n")
    assert "unsuitable certificate purpose" in verified(tmp_path, chain, "sslserver")
    assert "subject=CN = moba-1" in openssl("x509", "-in", tmp_path / "leaf.pem", "-noout", "-subject")


def test_a_servers_certificate_names_its_hosts(authority: ca.IssuingCA, tmp_path: Path) -> None:
    chain = authority.server(ca.new_key().public_key(), ("relay.hase.example", "127.0.0.1")).chain
    assert verified(tmp_path, chain, "sslserver", "-verify_ip", "127.0.0.1").endswith("OK\n")
    assert verified(tmp_path, chain, "sslserver", "-verify_hostname", "relay.hase.example").endswith("OK\n")
    assert "hostname mismatch" in verified(tmp_path, chain, "sslserver", "-verify_hostname", "other.example")
    assert "unsuitable certificate purpose" in verified(tmp_path, chain, "sslclient")


def test_a_leaf_can_sign_nothing(authority: ca.IssuingCA, tmp_path: Path) -> None:
    chain = authority.client(ca.new_request(ca.new_key(), "moba-1"), "moba-1").chain
    (tmp_path / "leaf.pem").write_bytes(chain)
    text = openssl("x509", "-in", tmp_path / "leaf.pem", "-noout", "-text")
    assert "CA:FALSE" in text
    assert "Certificate Sign" not in text


def test_private_keys_are_their_owners_alone(authority: ca.IssuingCA, tmp_path: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "ca").glob("*.key")}
    assert modes == {"root.key": 0o600, "issuing.key": 0o600}


def test_the_issuing_ca_works_while_the_root_is_away(authority: ca.IssuingCA, tmp_path: Path) -> None:
    (tmp_path / "ca" / "root.key").unlink()
    issuing = ca.IssuingCA(tmp_path / "ca", SystemClock())
    chain = issuing.client(ca.new_request(ca.new_key(), "moba-1"), "moba-1").chain
    assert verified(tmp_path, chain, "sslclient").endswith("OK\n")


def test_a_ca_is_never_made_over_another(authority: ca.IssuingCA, tmp_path: Path) -> None:
    before = (tmp_path / "ca" / "root.key").read_bytes()
    with pytest.raises(AlreadyThereError):
        ca.create_ca(tmp_path / "ca", "長谷市", SystemClock(), me())
    assert (tmp_path / "ca" / "root.key").read_bytes() == before


def test_a_request_for_another_name_is_refused(authority: ca.IssuingCA) -> None:
    with pytest.raises(RequestRefusedError, match="moba-2"):
        authority.client(ca.new_request(ca.new_key(), "moba-2"), "moba-1")


def test_a_request_changed_on_its_way_is_refused(authority: ca.IssuingCA) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    der = bytearray(x509.load_pem_x509_csr(ca.new_request(ca.new_key(), "moba-1")).public_bytes(Encoding.DER))
    der[-1] ^= 1
    changed = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    with pytest.raises(RequestRefusedError, match="signature"):
        authority.client(changed, "moba-1")


def test_what_is_no_request_is_refused(authority: ca.IssuingCA) -> None:
    with pytest.raises(RequestRefusedError):
        authority.client(b"certificate, please", "moba-1")
