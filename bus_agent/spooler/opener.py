"""The opener: one process, one key, one print. It verifies the release itself, opens the document whole, sends it, and ends.

It has a socket to the spooler, the ciphertext's descriptor, memory, and for two operations the printer. What it does in
which order is the spooler's word; whether a release is good enough is its own.
"""

import contextlib
import encodings.idna  # noqa: F401 - Python loads it at the first connection, when no file can be opened any more
import gc
import os
import socket
import sys
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent.driver.client import convert
from bus_agent.errors import BodyError, BusError, ChannelError, PrinterError, PrinterRefusesError
from bus_agent.harden import die_with, harden
from bus_agent.ipc.channel import BlockingChannel
from bus_agent.ipc.messages import (
    Created,
    Failed,
    FreshKey,
    Opened,
    Order,
    Prepare,
    Prepared,
    Proceed,
    Sending,
    Sent,
    Step,
    ThroughDriver,
    ToOpener,
    Use,
)
from bus_agent.spooler import verify
from bus_agent.spooler.evidence import attempt_id
from bus_agent.spooler.printer import PrinterPath, path_at
from cityhall_base.clock import SystemClock
from cityhall_base.landlock import forbid_files
from cityhall_base.software import software_digest
from cityhall_wire import strict_json
from cityhall_wire.errors import HeaderError, WireError
from cityhall_wire.headers import ReleaseHeader, SealHeader
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope
from cityhall_wire.messages.printing import ReleaseRequest
from cityhall_wire.messages.relay import Release
from cityhall_wire.seal import OpenerKey, commitment, open_body, sealed_size, wrap_for_opener

_WAIT_S: Final = 60
"""The spooler kills an opener long before; this ends one whose spooler hangs."""

_PIECE: Final = 256 * 1024
"""Of ciphertext, read at a time: few calls, and small enough to be decrypted out of a core's cache."""

M = TypeVar("M", bound=msgspec.Struct)


def main(channel_fd: int, spooler: int) -> None:
    """Runs with a socket pair's end as descriptor `channel_fd`, as a child of process `spooler`."""
    gc.disable()  # it lives for one print, and leaves nothing to be searched for
    harden(keep=(channel_fd,))
    die_with(spooler)
    talk = _Talk(socket.socket(fileno=channel_fd))
    try:
        _print_once(talk)
    except (BusError, WireError) as error:
        status = error.status if isinstance(error, PrinterRefusesError) else 0
        talk.send(Failed(why=error.key, status=status))
        # The logging module would cost every opener 2 MiB.
        sys.exit(f"<4>opener: {error}")


class _Talk:
    def __init__(self, sock: socket.socket) -> None:
        self._channel: BlockingChannel[ToOpener] = BlockingChannel(sock, ToOpener)
        self.send = self._channel.send

    def expect(self, kind: type[M], fd_wanted: bool = False, wait_s: float | None = _WAIT_S) -> tuple[M, int]:
        message, fd = self._channel.receive(wait_s)
        if not isinstance(message, kind) or (fd is None) == fd_wanted:
            raise ChannelError("out of step")
        return message, -1 if fd is None else fd

    def wait_for(self, step: Step) -> None:
        if self.expect(Proceed)[0].step is not step:
            raise ChannelError("out of step")


def _print_once(talk: _Talk) -> None:
    printer = path_at(talk.expect(Prepare)[0].printer)
    _confine(printer)
    talk.send(Prepared())
    # Nothing to steal while it stands by: the key is made when somebody has pressed print.
    order, body = talk.expect(Order, fd_wanted=True, wait_s=None)
    driver = talk.expect(ThroughDriver, fd_wanted=True)[1] if order.driver_sends else -1
    key = OpenerKey()
    talk.send(FreshKey(public=key.public))
    use, _ = talk.expect(Use)
    request = strict_json.decode(use.request, ReleaseRequest)
    header, document = _open(key, order, use, request, body)
    if order.driver_sends:
        document = convert(socket.socket(fileno=driver), header, document)
        header = msgspec.structs.replace(header, document_format=order.driver_sends)
    talk.send(Opened())
    talk.wait_for(Step.CREATE_JOB)
    job = printer.create_job(attempt_id(request.job, request.attempt), header)
    talk.send(Created(printer_job=job))
    talk.wait_for(Step.SEND_DOCUMENT)
    talk.send(Sending())
    printer.send_document(job, header, document)
    talk.send(Sent())


def _confine(printer: PrinterPath) -> None:
    """Nothing but memory, the open descriptors and the printer from here on; the print key's file is out of reach."""
    software_digest()  # reads our own sources, once
    _rehearse()
    printer.look_up()
    forbid_files()
    # The first question takes longest, and wakes a printer that sleeps. If it is off, the spooler finds that out too.
    with contextlib.suppress(PrinterError):
        printer.describe()


def _rehearse() -> None:
    """Use the libraries once, with a key that is thrown away: much is imported and built only when it is first used."""
    key = OpenerKey()
    key.unwrap(wrap_for_opener(bytes(32), key.public, b""), b"")
    commitment(bytes(32), b"")
    for kind in (Use, Envelope, ReleaseRequest, Release, SealHeader, ReleaseHeader):
        with contextlib.suppress(WireError):
            strict_json.decode(b"{}", kind)


def _open(key: OpenerKey, order: Order, use: Use, request: ReleaseRequest, body: int) -> tuple[SealHeader, bytearray]:
    expected = verify.Expected(request, envelope.digest(use.request), order.seal_header, key.public, order.approvals)
    verify.check_in_time(use.deadline, SystemClock().boottime())
    header = verify.check_request(expected)
    if request.software != software_digest():
        raise HeaderError("software")
    release = verify.check_release(use.envelope, Ed25519PublicKey.from_public_bytes(order.relay_key), expected)
    if os.fstat(body).st_size != sealed_size(header.size):
        raise BodyError("not as long as the seal header says")
    content_key = key.unwrap(release.wrapped_key, release.release_header)
    return header, open_body(content_key, order.seal_header, _pieces(body))


def _pieces(fd: int) -> Iterator[memoryview]:
    # Read, not mapped: a file that the agent's side cuts short would end this process by SIGBUS.
    piece, offset = memoryview(bytearray(_PIECE)), 0
    while size := os.preadv(fd, [piece], offset):
        offset += size
        yield piece[:size]
