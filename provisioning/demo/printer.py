"""The virtual printer: ippeveprinter, which is not ours, the private message bus it needs to start, and its paper's record."""

import shlex
from pathlib import Path
from string import Template
from typing import Final, NamedTuple
from urllib.parse import quote

from provisioning.demo.stage import Stage
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

# A printer of a Japanese city hall: A4 in the tray, where ippeveprinter's own tells of US Letter. RFC 8011, PWG 5100.13, 5102.4.
_ATTRIBUTES: Final = Template("""\
ATTR text printer-make-and-model "Example Virtual printer"
ATTR mimeMediaType document-format-supported $formats
ATTR mimeMediaType document-format-default "application/pdf"
ATTR keyword media-supported "iso_a4_210x297mm","iso_a5_148x210mm"
ATTR keyword media-default "iso_a4_210x297mm"
ATTR keyword media-ready "$media"
ATTR keyword sides-supported "one-sided","two-sided-long-edge","two-sided-short-edge"
ATTR keyword sides-default "one-sided"
ATTR rangeOfInteger copies-supported 1-1
ATTR integer copies-default 1
ATTR keyword print-color-mode-supported "monochrome"
ATTR keyword print-color-mode-default "monochrome"
ATTR enum print-quality-supported 4
ATTR enum print-quality-default 4
ATTR resolution printer-resolution-supported 300dpi
ATTR resolution printer-resolution-default 300dpi
ATTR resolution pwg-raster-document-resolution-supported 300dpi,600dpi
ATTR keyword pwg-raster-document-type-supported "black_1","sgray_8"
ATTR keyword pwg-raster-document-sheet-back "rotated"
ATTR octetString printer-supply $supplies
ATTR text printer-supply-description "Toner Waste Tank","Black Toner"
""")

_SUPPLIES: Final = (
    '"index=1;class=receptacleThatIsFilled;type=wasteToner;unit=percent;maxcapacity=100;level=75;colorantname=unknown;",'
    '"index=2;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=60;colorantname=black;"'
)

# The time is taken before Python starts: it is when the printer had the whole document. Whoever waits for a hand ends with
# the printer, also when that is killed.
_SCRIPT: Final = Template("""\
#!/bin/sh
exec setpriv --pdeathsig KILL -- $python -m provisioning.demo.paper $records $stage "$$(date +%s%N)" $seconds "$$1"
""")


class PrinterFolder(NamedTuple):
    """The printer's own folder; what lies here is paper and the printer's memory."""

    top: Path

    @property
    def records(self) -> Path:
        """One file for each document that came out."""
        return self.top / "paper"

    @property
    def stage(self) -> Stage:
        """Where it is told to fail."""
        return Stage(self.top / "stage")

    @property
    def message_bus(self) -> Path:
        """The private message bus's socket."""
        return self.top / "message-bus"

    @property
    def message_bus_address(self) -> str:
        """As clients and the configuration name it, escaped as the D-Bus specification wants ("Server Addresses")."""
        return f"unix:path={quote(str(self.message_bus), safe='/-_.')}"

    def prepare(
        self,
        owner: Owner,
        python: str,
        seconds: float,
        media: str = "iso_a4_210x297mm",
        formats: tuple[str, ...] = ("application/pdf", "image/pwg-raster", PCL),
    ) -> None:
        """Write what printer and message bus start from. `seconds`: how long a document takes to come out."""
        for path in (self.top, self.records, self.stage.folder, self.top / "spool", self.top / "tls"):
            folder(path, owner)
        values = {"address": self.message_bus_address, "python": shlex.quote(python), "seconds": seconds}
        values |= {"records": shlex.quote(str(self.records)), "stage": shlex.quote(str(self.stage.folder))}
        write(self.top / "message-bus.conf", _MESSAGE_BUS.substitute(values).encode(), owner)
        said = {"media": media, "formats": ",".join(f'"{one}"' for one in formats), "supplies": _SUPPLIES}
        write(self.top / "printer.conf", _ATTRIBUTES.substitute(said).encode(), owner)
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
            "-a",
            str(self.top / "printer.conf"),
            *places,
            "moba-1",
        )
