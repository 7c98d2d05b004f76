"""The peer: a cupsd of our own on a free port with a driverless queue to the House's printer.

But for its places it is configured as Debian has it, spooling and filters too: this is how a city would print without this
project. A cupsd that this machine may have is left alone.
"""

import os
import re
import subprocess
import time
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Final, NamedTuple, Self

import cups

from provisioning.demo.parts import House
from provisioning.demo.probe import LOOPBACK, accepts, free_ports
from provisioning.demo.process import Command, Part
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError, WalkError
from provisioning.files import me
from tests.bench.counter import Document, Printed
from tests.bench.quiet import wait_for_quiet

PEER: Final = "lp, private cupsd"
ANSWER_S: Final = 60.0
_POLL_S: Final = 0.01
"""A client that asks a hundred times a second sees a change of state as soon as cupsd knows it."""

_COMPLETED: Final = 9  # job-state (RFC 8011 section 5.3.7)
_ENDED: Final = range(7, 10)
_ARRIVES: Final = 0.95
"""Of a document; pdftopdf writes the structure around the image anew, and saves 2 kB."""

_CUPSD: Final = Template("""\
Listen 127.0.0.1:$port
LogLevel warn
Browsing Off
WebInterface No
DefaultAuthType None
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
<Policy default>
  <Limit All>
    Order allow,deny
    Allow 127.0.0.1
  </Limit>
</Policy>
""")
_FILES: Final = Template("""\
ServerRoot $top/etc
RequestRoot $top/spool
TempDir $top/spool/tmp
CacheDir $top/cache
StateDir $top/run
AccessLog $top/log/access
ErrorLog $top/log/error
PageLog $top/log/page
""")


class Submitted(NamedTuple):
    """A job that `lp` handed over: the queue's job-id, and when `lp` was exec'ed, in nanoseconds since 1970."""

    job: int
    at_ns: int


class Cups:
    """cupsd and its clients. Raises PartError where it does not start or a client's command fails."""

    def __init__(self, top: Path) -> None:
        self._top, self.port = top, free_ports(1)[0]
        env = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": str(top)}
        self._env = env | {"CUPS_SERVER": f"{LOOPBACK}:{self.port}"}
        argv = ("cupsd", "-f", "-c", str(top / "etc" / "cupsd.conf"), "-s", str(top / "etc" / "cups-files.conf"))
        self._part = Part(Command("cupsd", argv, me(), env, top / "cupsd.log"), lambda: accepts(self.port))

    def __enter__(self) -> Self:
        for name in ("etc/ppd", "spool/tmp", "cache", "run/certs", "log"):
            (self._top / name).mkdir(parents=True)
        for name, text in {"cupsd.conf": _CUPSD, "cups-files.conf": _FILES}.items():
            (self._top / "etc" / name).write_text(text.substitute(top=self._top, port=self.port))
        try:
            self._part.start()
        except BaseException:
            self._part.stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._part.stop()

    def add_queue(self, name: str, printer_port: int) -> None:
        """A driverless queue (`-m everywhere`) to the virtual printer behind this port."""
        uri = f"ipp://{LOOPBACK}:{printer_port}/ipp/print"
        self._run("lpadmin", "-p", name, "-E", "-v", uri, "-m", "everywhere")
        # The command returns before cupsd has asked the printer what it can do.
        wait_until((self._top / "etc" / "ppd" / f"{name}.ppd").exists, ANSWER_S, f"cupsd has made the queue {name}")

    def lp(self, queue: str, document: Path) -> Submitted:
        """`lp -d queue document`, run to its end."""
        with subprocess.Popen(
            ("lp", "-d", queue, str(document)), env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            at_ns = time.time_ns()  # Popen returns when the program is exec'ed
            said, complaint = process.communicate(timeout=ANSWER_S)
        found = re.search(rf"{re.escape(queue)}-(\d+)", said)
        if process.returncode or not found:
            raise PartError(f"lp: {complaint.strip() or said.strip()}")
        return Submitted(int(found[1]), at_ns)

    def until_completed(self, job: int) -> int:
        """When a client saw job-state `completed`, in nanoseconds since 1970. Raises PartError where it ended otherwise."""
        connection = cups.Connection(host=LOOPBACK, port=self.port)
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            state = connection.getJobAttributes(job, ["job-state"])["job-state"]
            if state in _ENDED:
                break
            time.sleep(_POLL_S)
        if state != _COMPLETED:
            raise PartError(f"CUPS job {job} is in job-state {state}")
        return time.time_ns()

    def _run(self, *argv: str) -> None:
        done = subprocess.run(argv, env=self._env, capture_output=True, text=True, timeout=ANSWER_S, check=False)
        if done.returncode:
            raise PartError(f"{argv[0]}: {done.stderr.strip()}")


def print_by_lp(cups: Cups, queue: str, house: House, document: Document) -> Printed:
    """From `lp` to a client that sees it completed; raises WalkError where the image was lost on the way."""
    path, before = house.desk / "peer.pdf", len(house.papers())
    path.write_bytes(document.content)
    wait_for_quiet()
    submitted = cups.lp(queue, path)
    wait_until(lambda: len(house.papers()) > before, ANSWER_S, "paper comes out of the peer's printer")
    seen_ns = cups.until_completed(submitted.job)
    (paper,) = house.papers()[before:]
    if paper.size < _ARRIVES * len(document.content):
        raise WalkError(f"of {len(document.content)} bytes CUPS brought {paper.size} to the printer")
    return Printed(str(submitted.job), submitted.at_ns, paper, seen_ns)
