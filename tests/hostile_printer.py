"""A printer's end of the line that says what no printer should: one behaviour for every connection, plain or under TLS."""

import contextlib
import datetime
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Behaviour = Callable[[socket.socket], None]
_YEAR: Final = datetime.timedelta(days=365)


@contextmanager
def behaving(behave: Behaviour) -> Iterator[int]:
    """The port on loopback where every connection meets `behave`; whoever hangs up ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=_meet, args=(sock, behave), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(5)


def _meet(sock: socket.socket, behave: Behaviour) -> None:
    with sock, contextlib.suppress(OSError):
        behave(sock)


def read_request(sock: socket.socket) -> bytes:
    """A whole request with Content-Length: its body."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _received(sock)
    head, body = raw.split(b"\r\n\r\n", 1)
    size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < size:
        body += _received(sock)
    return body


def _received(sock: socket.socket) -> bytes:
    if piece := sock.recv(65536):
        return piece
    raise ConnectionAbortedError


class Certificate:
    """A self-signed one, as printers make them; valid until `days` from now."""

    def __init__(self, folder: Path, days: int = 365) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "PRN0123456789")])
        until = now + datetime.timedelta(days=days)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        certificate = made.not_valid_before(until - 2 * _YEAR).not_valid_after(until).sign(key, hashes.SHA256())
        self.file = folder / f"{certificate.serial_number}.pem"
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        self.file.write_bytes(private + certificate.public_bytes(encoding))
        self.sha256 = certificate.fingerprint(hashes.SHA256()).hex()

    def protect(
        self, behave: Behaviour, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, old: bool = False
    ) -> Behaviour:
        """The same behaviour behind TLS, `old` with 1.1 only; a handshake that fails is the client's to report."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.maximum_version = highest
        if old:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

        def protected(sock: socket.socket) -> None:
            with context.wrap_socket(sock, server_side=True) as under:
                behave(under)

        return protected
