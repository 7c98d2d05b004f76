"""The virtual printer's panel: what a person who stands at it would press, said to it by IPP and HTTP on this machine.

Only what a scripted printer needs; the spooler has its own, careful way to a printer.
"""

import http.client
import struct
from typing import Final, NamedTuple

from provisioning.demo.wait import wait_until
from provisioning.errors import PartError

MARK: Final = b"%PANEL\n"
"""First line of a document that is none: the printer's script says its other lines to ippeveprinter and prints nothing."""

_TIMEOUT_S: Final = 5
_PRINT_JOB: Final = 0x0002  # RFC 8011 section 5.4.15
_GET_JOB_ATTRIBUTES: Final = 0x0009
_INTEGER: Final = 0x21  # RFC 8010 section 3.5.2
_ENUM: Final = 0x23
_KEYWORD: Final = 0x44
_CANCELED: Final = 7  # job-state; what is not lower has ended


class Panel(NamedTuple):
    """Of the printer at this port of loopback."""

    port: int

    def say(self, *lines: str) -> None:
        """Have an idle ippeveprinter hear lines as of its print command; raises PartError where it is at work."""
        document = MARK + "".join(f"{line}\n" for line in lines).encode()
        kind = _attribute(0x49, "document-format", b"application/pdf")
        answer = self._ask(_PRINT_JOB, _attribute(0x42, "job-name", b"panel"), kind, document=document)
        job = _number(answer, _INTEGER, "job-id")
        if job is None:
            raise PartError("the printer is at work, and its panel says nothing before it is done")
        wait_until(lambda: self._ended(job), _TIMEOUT_S, "the printer has heard its panel")

    def set_supplies(self, *, toner: int, waste: int) -> None:
        """Per cent of a full cartridge, and of a full waste box: ippeveprinter's own form, which also sets the reasons."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", f"/supplies?supply0={waste}&supply1={toner}")
            if connection.getresponse().status != http.client.OK:
                raise PartError("the printer takes no levels of its supplies")
        finally:
            connection.close()

    def is_canceled(self, job: int) -> bool:
        """Whether a job that is at work was canceled: the print command is not told, so it must ask."""
        return b"processing-to-stop-point" in self._job(job)

    def _ended(self, job: int) -> bool:
        return (_number(self._job(job), _ENUM, "job-state") or 0) >= _CANCELED

    def _job(self, job: int) -> bytes:
        wanted = [
            _attribute(_KEYWORD, "requested-attributes", b"job-state"),
            _attribute(_KEYWORD, "", b"job-state-reasons"),
        ]
        return self._ask(_GET_JOB_ATTRIBUTES, _attribute(_INTEGER, "job-id", struct.pack(">i", job)), *wanted)

    def _ask(self, operation: int, *attributes: bytes, document: bytes = b"") -> bytes:
        uri = f"ipp://localhost:{self.port}/ipp/print"
        opening = (
            _attribute(0x47, "attributes-charset", b"utf-8"),
            _attribute(0x48, "attributes-natural-language", b"en"),
            _attribute(0x45, "printer-uri", uri.encode()),
        )
        head = struct.pack(">HHIB", 0x0200, operation, 1, 1)
        message = b"".join((head, *opening, *attributes, b"\x03", document))
        connection = http.client.HTTPConnection("localhost", self.port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", "/ipp/print", message, {"Content-Type": "application/ipp"})
            return connection.getresponse().read()
        finally:
            connection.close()


def _attribute(tag: int, name: str, value: bytes) -> bytes:
    """RFC 8010 section 3.1.4; without a name, one more value of the attribute before."""
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


def _number(answer: bytes, tag: int, name: str) -> int | None:
    _, found, rest = answer.partition(struct.pack(">BH", tag, len(name)) + name.encode() + b"\x00\x04")
    return int(struct.unpack(">i", rest[:4])[0]) if found else None
