"""TLS to an ipps printer whose one certificate is known (RFC 7472, RFC 9325). Loaded only where the profile says ipps.

A printer signs its certificate itself, so nothing but its bytes says which printer it is. They are compared before the first byte
of HTTP. Its dates count for nothing: it is this very certificate or another one, printers let theirs run out and nobody renews
them, and a box that has just booted may not know the date.
"""

import hmac
import socket
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from bus_agent import lean
from bus_agent.errors import NotThisPrinterError, PrinterSilentError, PrinterTlsError

lean.bring_back("ssl")

import ssl  # noqa: E402 - left out of spooler and opener until a printer needs it

if TYPE_CHECKING:
    from bus_agent.spooler.exchange import Addresses

_TIMEOUT_S: Final = 5


class Pinned:
    """Makes a connection a protected one to the printer whose DER certificate has this SHA-256 (hex)."""

    def __init__(self, certificate_sha256: str) -> None:
        self._sha256 = certificate_sha256
        self._context = _context()
        _rehearse(self._context)

    def __call__(self, sock: socket.socket, host: str) -> socket.socket:
        """Raises NotThisPrinterError, PrinterTlsError or PrinterSilentError; `sock` is closed then."""
        protected = _shake_hands(self._context, sock, host)
        if not hmac.compare_digest(_fingerprint(protected), self._sha256):
            protected.close()
            raise NotThisPrinterError("its certificate is another one")
        return protected


def fingerprint_of(host: str, addresses: "Addresses") -> str:
    """SHA-256 (hex) of the DER certificate that is shown there, believed by nobody yet. Raises PrinterError."""
    family, address = addresses[0]
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(_TIMEOUT_S)
        sock.connect(address)
    except OSError as error:
        raise PrinterSilentError(type(error).__name__) from None
    with _shake_hands(_context(), sock, host) as protected:
        return _fingerprint(protected)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The pin is the check: no authority signs printers' certificates, and their names are whatever the maker wrote.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _rehearse(context: ssl.SSLContext) -> None:
    """The first message of a handshake, sent nowhere: OpenSSL loads what it needs while files can still be read."""
    there = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="printer")
    try:
        there.do_handshake()
    except ssl.SSLWantReadError:
        return


def _shake_hands(context: ssl.SSLContext, sock: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise PrinterSilentError(type(error).__name__) from None
    except ssl.SSLError as error:
        raise PrinterTlsError(error.reason or type(error).__name__) from None


def _fingerprint(sock: ssl.SSLSocket) -> str:
    return sha256(sock.getpeercert(binary_form=True) or b"").hexdigest()
