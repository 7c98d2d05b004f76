"""The virtual printer: ippeveprinter, which is not ours, the private message bus it needs to start, and its paper's record."""

import shlex
from pathlib import Path
from string import Template
from typing import Final, NamedTuple
from urllib.parse import quote

from provisioning.files import Owner, folder, write

VIRTUAL_PPD: Final = Path(__file__).with_name("virtual.ppd")
"""The driver's file for a printer that takes PCL."""

PCL: Final = "application/vnd.hp-PCL"

# ippeveprinter announces itself through a message bus and does not start without one. A user id that stands in no passwd
# file cannot identify itself to it; the folder, which is the printer's alone, keeps everybody else out.
_MESSAGE_BUS: Final = Template("""\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>$address</listen>
  <auth>ANONYMOUS</auth>
  <allow_anonymous/>
  <policy context="default">
    <allow send_type="*"/>
    <allow receive_type="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
""")

# The time is taken before Python starts: it is when the printer had the whole document.
_SCRIPT: Final = Template("""\
#!/bin/sh
exec $python -m provisioning.demo.paper $records "$$(date +%s%N)" $seconds "$$1"
""")


class PrinterFolder(NamedTuple):
    """The printer's own folder; what lies here is paper and the printer's memory."""

    top: Path

    @property
    def records(self) -> Path:
        """One file for each document that came out."""
        return self.top / "paper"

    @property
    def message_bus(self) -> Path:
        """The private message bus's socket."""
        return self.top / "message-bus"

    @property
    def message_bus_address(self) -> str:
        """As clients and the configuration name it, escaped as the D-Bus specification wants ("Server Addresses")."""
        return f"unix:path={quote(str(self.message_bus), safe='/-_.')}"

    def prepare(self, owner: Owner, python: str, seconds: float) -> None:
        """Write what printer and message bus start from. `seconds`: how long a document takes to come out."""
        for path in (self.top, self.records, self.top / "spool", self.top / "tls"):
            folder(path, owner)
        values = {"address": self.message_bus_address, "python": shlex.quote(python), "seconds": seconds}
        values |= {"records": shlex.quote(str(self.records))}
        write(self.top / "message-bus.conf", _MESSAGE_BUS.substitute(values).encode(), owner)
        write(self.top / "print.sh", _SCRIPT.substitute(values).encode(), owner, 0o700)

    def message_bus_argv(self) -> tuple[str, ...]:
        """The message bus's command line."""
        return ("dbus-daemon", f"--config-file={self.top / 'message-bus.conf'}", "--nofork", "--nopidfile")

    def printer_argv(self, port: int) -> tuple[str, ...]:
        """The printer's command line: loopback only, announced to nobody."""
        places = ("-d", str(self.top / "spool"), "-K", str(self.top / "tls"), "-c", str(self.top / "print.sh"))
        return (
            "ippeveprinter",
            "-p",
            str(port),
            "-n",
            "localhost",
            "-r",
            "off",
            "-f",
            f"application/pdf,{PCL}",
            *places,
            "moba-1",
        )
