"""`./run hostile` in small: the promise is the same, the count is what a suite has time for."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.hostile.__main__ import run
from tests.hostile.samples import IPC, OTHERS, WIRE

SEED = 20261121


@pytest.mark.timeout(120)
@pytest.mark.skipif(
    not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
    reason="no ippeveprinter, dbus-daemon or mosquitto",
)
def test_mutated_messages_end_no_process_and_a_certificate_still_prints() -> None:
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        report = run(300, SEED, Path(name))
    assert (report["certificate"], report["flat"], report["tracebacks"]) == ("handed_over", True, [])


def test_every_type_of_message_has_its_sample() -> None:
    assert len({*WIRE, *IPC, *OTHERS}) >= 36
