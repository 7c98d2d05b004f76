"""The line to the printer: whatever comes back, it ends in an answer or in a sentence, soon, and in few bytes."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from bus_agent.errors import (
    NotThisPrinterError,
    PrinterAccessError,
    PrinterAnswerError,
    PrinterError,
    PrinterRefusesError,
    PrinterSilentError,
    PrinterTlsError,
)
from bus_agent.spooler import exchange, printer
from bus_agent.spooler.exchange import Patience
from bus_agent.spooler.printer import path_at
from tests.fake_printer import FakePrinter
from tests.hostile_printer import Behaviour, Certificate, behaving, read_request
from tests.seals import seal_header

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printer, "_ASK", Patience(0.3, 0.6))
    monkeypatch.setattr(printer, "_SEND", Patience(0.3, 0.6))


def answering(*pieces: bytes | Callable[[bytes], bytes]) -> Behaviour:
    """Reads the request, then says these pieces; a callable makes one of the fake printer's honest answer."""

    def behave(sock: socket.socket) -> None:
        honest = FakePrinter().answer(read_request(sock))
        for piece in pieces:
            sock.sendall(piece if isinstance(piece, bytes) else piece(honest))

    return behave


def endless(head: bytes, again: bytes, after: float = 0.0) -> Behaviour:
    def behave(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(head)
        stop = threading.Event()
        while not stop.wait(after):
            sock.sendall(again)

    return behave


def listening(sock: socket.socket) -> None:
    read_request(sock)
    sock.recv(1)  # until the other end hangs up


def sized(honest: bytes, more: int = 0) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % (len(honest) + more) + honest


def chunked(honest: bytes) -> bytes:
    return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(honest) + honest + b"\r\n0\r\n\r\n"


GOOD: dict[str, Behaviour] = {
    "as it should be": answering(OK, sized),
    "in chunks": answering(OK, chunked),
    "until it hangs up": answering(OK + b"\r\n", lambda honest: honest),
    "after 100 Continue": answering(b"HTTP/1.1 100 Continue\r\n\r\n", OK, sized),
    "with bytes behind it": answering(OK, lambda honest: sized(honest + b"\0" * 500)),
    "by HTTP/1.0": answering(b"HTTP/1.0 200 OK\r\n\r\n", lambda honest: honest),
    "as IPP 1.1": answering(OK, lambda honest: sized(b"\1\1" + honest[2:])),
}


@pytest.mark.parametrize("behave", GOOD.values(), ids=GOOD.keys())
def test_what_printers_do_is_understood(behave: Behaviour) -> None:
    with behaving(behave) as port:
        assert path_at(f"ipp://127.0.0.1:{port}/ipp/print").describe().state == "idle"


def status(code: int) -> Behaviour:
    return answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nLocation: http://127.0.0.1/\r\n\r\n" % code)


BAD: dict[str, tuple[Behaviour, type[PrinterError]]] = {
    "hangs up": (answering(), PrinterSilentError),
    "says nothing": (listening, PrinterSilentError),
    "no HTTP": (answering(b"@PJL INFO\r\n\r\n"), PrinterAnswerError),
    "a line without end": (endless(b"HTTP/1.1 200 ", b"x" * 60000), PrinterAnswerError),
    "headers without end": (endless(OK, b"X-More: 1\r\n" * 9000), PrinterAnswerError),
    "huge headers": (
        answering(OK, b"".join(b"X-%d: %s\r\n" % (n, b"x" * 900) for n in range(99)), sized),
        PrinterAnswerError,
    ),
    "100 without end": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 900), PrinterAnswerError),
    "a body without end": (endless(OK + b"\r\n", b"\0" * 60000), PrinterAnswerError),
    "chunks without end": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 9000),
        PrinterAnswerError,
    ),
    "trailers without end": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n" * 9000),
        PrinterAnswerError,
    ),
    "a negative chunk": (answering(OK, b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"), PrinterAnswerError),
    "a chunk of words": (answering(OK, b"Transfer-Encoding: chunked\r\n\r\nten\r\nhello\r\n"), PrinterAnswerError),
    "shorter than announced": (answering(OK, lambda honest: sized(honest, 9)), PrinterAnswerError),
    "longer than announced": (answering(OK, lambda honest: sized(honest, -9)), PrinterAnswerError),
    "a length of words": (
        answering(OK + b"Content-Length: many\r\n\r\n", lambda honest: honest[:-9]),
        PrinterAnswerError,
    ),
    "a negative length": (
        answering(OK + b"Content-Length: -1\r\n\r\n", lambda honest: honest[:-9]),
        PrinterAnswerError,
    ),
    "larger than allowed": (answering(OK, lambda _: sized(bytes(exchange.ANSWER_BYTES + 1))), PrinterAnswerError),
    "another request's": (
        answering(OK, lambda honest: sized(honest[:4] + b"\0\0\0\0" + honest[8:])),
        PrinterAnswerError,
    ),
    "no content": (status(204), PrinterAnswerError),
    "moved": (status(301), PrinterAnswerError),
    "a password wanted": (status(401), PrinterAccessError),
    "forbidden": (status(403), PrinterAccessError),
    "TLS wanted": (status(426), PrinterAccessError),
    "out of order": (status(500), PrinterAnswerError),
    "refused": (answering(OK, lambda honest: sized(honest[:2] + b"\5\7" + honest[4:])), PrinterRefusesError),
    "a drip of headers": (endless(b"HTTP/1.1 200 OK\r\n", b"X", 0.02), PrinterSilentError),
    "a drip of body": (endless(OK + b"Content-Length: 9000\r\n\r\n", b"x", 0.02), PrinterSilentError),
}


@pytest.mark.parametrize(("behave", "error"), BAD.values(), ids=BAD.keys())
def test_what_printers_should_not_do_is_a_sentence(behave: Behaviour, error: type[PrinterError]) -> None:
    with behaving(behave) as port, pytest.raises(PrinterError) as raised:
        path_at(f"ipp://127.0.0.1:{port}/ipp/print").describe()
    assert type(raised.value) is error


def test_a_printer_that_stops_reading_the_document_is_not_waited_for_without_end() -> None:
    document, gone = bytearray(20_000_000), threading.Event()
    header = seal_header(bytes(document), bytes(32))

    def warm_up(sock: socket.socket) -> None:
        sock.recv(1000)
        gone.wait(10)

    with behaving(warm_up) as port:
        with pytest.raises(PrinterSilentError):
            path_at(f"ipp://127.0.0.1:{port}/ipp/print").send_document(1, header, document)
        gone.set()


def test_a_name_with_two_addresses_is_tried_at_both() -> None:
    # ipp-usb without IPv6 answers at 127.0.0.1, while localhost is ::1 first.
    with behaving(answering(OK, sized)) as port:
        path = path_at(f"ipp://localhost:{port}/ipp/print")
        path.look_up()
        assert path.describe().state == "idle"


def test_nobody_there_is_a_silent_printer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(PrinterSilentError):
        path_at(f"ipp://127.0.0.1:{port}/ipp/print").describe()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="printer-") as name:
        yield Path(name)


@pytest.mark.parametrize("days", [365, -1], ids=["valid", "run out"])
@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_printer_with_the_known_certificate_is_spoken_to(folder: Path, days: int, highest: ssl.TLSVersion) -> None:
    certificate = Certificate(folder, days)
    with behaving(certificate.protect(answering(OK, sized), highest)) as port:
        assert path_at(f"ipps://127.0.0.1:{port}/ipp/print#{certificate.sha256}").describe().state == "idle"


def test_another_printer_gets_not_one_byte(folder: Path) -> None:
    ours, other, got = Certificate(folder), Certificate(folder), []

    def listen(sock: socket.socket) -> None:
        got.append(sock.recv(1))

    with behaving(other.protect(listen)) as port, pytest.raises(NotThisPrinterError, match="not the printer"):
        path_at(f"ipps://127.0.0.1:{port}/ipp/print#{ours.sha256}").describe()
    assert got == [b""]


NO_TLS: dict[str, tuple[Callable[[Certificate], Behaviour], type[PrinterError]]] = {
    "it speaks plain IPP": (lambda _: answering(OK, sized), PrinterSilentError),
    "it answers in plain text": (lambda _: lambda sock: sock.sendall(b"HTTP/1.1 400 no\r\n\r\n"), PrinterTlsError),
    "it knows TLS 1.1 only": (lambda one: one.protect(answering(OK, sized), old=True), PrinterTlsError),
    "it hangs up": (lambda _: lambda sock: None, PrinterSilentError),
}


@pytest.mark.parametrize(("make", "error"), NO_TLS.values(), ids=NO_TLS.keys())
def test_without_protection_nothing_is_said(
    folder: Path, make: Callable[[Certificate], Behaviour], error: type[PrinterError]
) -> None:
    certificate = Certificate(folder)
    with behaving(make(certificate)) as port, pytest.raises(PrinterError) as raised:
        path_at(f"ipps://127.0.0.1:{port}/ipp/print#{certificate.sha256}").describe()
    assert type(raised.value) is error
