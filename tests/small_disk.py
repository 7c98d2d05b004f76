"""A real disk of a few hundred kilobytes, which a test can fill and take the writing from."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEEDS_ROOT = "only root may mount a small disk"


class SmallDisk:
    """A tmpfs at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, leave: int = 0) -> None:
        """Not a byte is free afterwards, or `leave` of them."""
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self._filler, max(0, self._filler.stat().st_size - leave))

    def empty(self) -> None:
        """There is room again."""
        self._filler.unlink()

    def forbid_writing(self, forbidden: bool = True) -> None:
        """As a worn-out card does it: read-only under the program that has files open."""
        _mount("-o", f"remount,{'ro' if forbidden else 'rw'}", str(self.path))


@contextmanager
def small_disk(path: Path, kilobytes: int, uid: int = 0, gid: int = 0) -> Iterator[SmallDisk]:
    """Mounted at `path`, which is made where it is missing."""
    path.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kilobytes}k,mode=700,uid={uid},gid={gid}", "small-disk", str(path))
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)
