"""The kernel's own record of a print on the direct path: no file opened for writing, no memfd left behind (invariant I3)."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhall_wire.messages.printing import Finding
from provisioning.demo.wait import wait_until
from tests.integration.bus_lab import BusLab, HandAgent, certificate, seal_document

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
    ),
    pytest.mark.skipif(not shutil.which("strace"), reason="no strace"),
]

_CALLS = (
    "execve,open,openat,openat2,creat,memfd_create,memfd_secret,shm_open,mknod,mknodat,rename,renameat2,link,linkat"
)
_FOR_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
_NO_DISK = re.compile(r'"/dev/(null|tty)"')
"""/dev/null takes what nobody wants; it keeps nothing."""


@pytest.fixture(scope="module")
def traced() -> Iterator[tuple[BusLab, Path]]:
    with tempfile.TemporaryDirectory(prefix="mobile-cityhall-test-") as name:
        top = Path(name)
        record = top / "strace"
        known = {call for call in _CALLS.split(",") if _known(call)}
        lab = BusLab(
            top, under=("strace", "-D", "-ff", "-s", "400", "-e", f"trace={','.join(sorted(known))}", "-o", str(record))
        )
        try:
            lab.start()
            yield lab, record
        finally:
            lab.stop()


def _known(call: str) -> bool:
    """Whether this strace and machine have the call."""
    return os.system(f"strace -e trace={call} true >/dev/null 2>&1") == 0  # noqa: S605 - a fixed word


def opener_records(record: Path) -> list[str]:
    """What each opener did after it was exec'ed: one text for each."""
    texts = [path.read_text() for path in record.parent.glob(f"{record.name}.*")]
    mine = [text for text in texts if "bus_agent.spooler.opener" in text]
    return [text[text.index("bus_agent.spooler.opener") :] for text in mine]


def test_neither_spooler_nor_opener_opens_a_file_for_writing(traced: tuple[BusLab, Path]) -> None:
    lab, record = traced
    agent = HandAgent(lab)
    agent.stand_by()
    wait_until(lambda: len(opener_records(record)) == 1, 30, "an opener stands by")
    for size in (0, 3_000_000):
        document = certificate(filler=size)
        agent.until_sent(seal_document(document))
        assert agent.evidence().finding is Finding.COMPLETED
    agent.close()
    lab.spooler.stop()
    texts = [path.read_text() for path in record.parent.glob(f"{record.name}.*")]
    calls = [line for text in texts for line in text.splitlines()]
    assert len(opener_records(record)) == 2
    assert any('.py", O_RDONLY' in line for line in calls), "the record shows what is opened"
    assert any(_FOR_WRITING.search(line) for line in calls), "the record shows how: /dev/null"
    wrote = [line for line in calls if _FOR_WRITING.search(line) and not _NO_DISK.search(line)]
    assert wrote == []
    assert not [line for line in calls if re.match(r"(memfd|shm_open|mknod|rename|link)", line)]
