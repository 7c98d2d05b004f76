"""The one TLS set-up: TLS 1.3, and both ends show a certificate of the city's CA. And in words, why a handshake failed."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cityhall_base.errors import KeyFileError
from cityhall_base.files import KEY_BYTES, UnfitFileError, read_small

T = TypeVar("T")

_WORDS: Final = (
    # What OpenSSL says in an exception's text (x509_txt.c, ssl_err.c; TLS alerts of RFC 8446 section 6.2) → what a person reads.
    ("not yet valid", "the certificate is not valid yet: is the clock of this machine right?"),
    ("certificate has expired", "the certificate has run out, or the clock of this machine is wrong"),
    ("Hostname mismatch", "the certificate is for another name"),
    ("IP address mismatch", "the certificate is for another address"),
    ("unsuitable certificate purpose", "the certificate is not meant for this end of a connection"),
    ("certificate revoked", "the certificate was revoked"),
    ("self-signed certificate", "the certificate is not of this city's CA"),
    ("unable to get local issuer certificate", "the certificate is not of this city's CA"),
    ("certificate signature failure", "the certificate is not of this city's CA"),
    ("alert certificate expired", "the other end finds our certificate run out: renew it, or look at the clocks"),
    ("alert bad certificate", "the other end does not accept our certificate: is it valid yet by its clock?"),
    ("alert certificate revoked", "our certificate was revoked"),
    ("alert unknown ca", "the other end does not know the CA of our certificate"),
    ("alert unsupported certificate", "the other end finds our certificate not meant for this"),
    ("alert certificate required", "the other end wants a certificate, and none was shown"),
    ("did not return a certificate", "no certificate was shown"),
    ("alert protocol version", "the other end speaks another version of TLS"),
    ("wrong version number", "what is there does not speak TLS"),
    ("unsupported protocol", "the other end speaks another version of TLS"),
)


def server_context(cert: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """For a listener; with `client_ca`, a client without a certificate of that CA is refused. Raises KeyFileError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, cert, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """For a client that trusts the city's CA alone. Raises KeyFileError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust(context, ca)
    if cert is not None and key is not None:
        _load(context, cert, key)
    return context


def peer_name(certificate: dict[str, object] | None) -> str | None:
    """The common name in what `SSLObject.getpeercert()` returned; None without a certificate."""
    subject = (certificate or {}).get("subject", ())
    if not isinstance(subject, tuple):
        return None
    names = [value for part in subject for key, value in part if key == "commonName"]
    return str(names[0]) if len(names) == 1 else None


def why_refused(error: BaseException | None) -> str:
    """What TLS had against a certificate, looked for along the causes of `error`; empty where it is not about one."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return next((words for text, words in _WORDS if text.lower() in str(error).lower()), "")
        error = error.__cause__ or error.__context__
    return ""


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    chain = _parsed(cert, x509.load_pem_x509_certificates)
    private = _parsed(key, lambda raw: load_pem_private_key(raw, None), private=True)
    if chain[0].public_key() != private.public_key():
        raise KeyFileError(f"{key} is not the key of {cert}; put the two together that were made together")
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise KeyFileError(f"{cert} with {key}: {error}") from error


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _parsed(ca, x509.load_pem_x509_certificates)
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise KeyFileError(f"{ca}: {error}") from error


def _parsed(path: Path, parse: Callable[[bytes], T], *, private: bool = False) -> T:
    # OpenSSL reads the files once more by their names, but says nothing that a person could act on.
    try:
        return parse(read_small(path, KEY_BYTES, private=private))
    except UnfitFileError as error:
        raise KeyFileError(str(error)) from None
    except TypeError:
        raise KeyFileError(f"{path} is locked with a password; keys of services are kept without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} holds no {'private key' if private else 'certificate'} in PEM") from None
