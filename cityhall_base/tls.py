"""The one TLS set-up: TLS 1.3, and both ends show a certificate of the city's CA."""

import ssl
from pathlib import Path

from cityhall_base.errors import KeyFileError


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


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise KeyFileError(f"{cert} with {key}: {error}") from error


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise KeyFileError(f"{ca}: {error}") from error
