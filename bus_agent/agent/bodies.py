"""Ciphertext on the bus: one file a job, as long as it will be from the first byte on, useless without a key.

A file cannot lose its place by a full disk half-way, nor its name by a power cut after its job was written down; and what
`received` counts has been through fdatasync.
"""

import os
from pathlib import Path


class Bodies:
    """The folder `bodies` below the state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "bodies"
        self._dir.mkdir(mode=0o700, exist_ok=True)

    def prepare(self, job: str, size: int) -> None:
        """Room for `size` bytes, on disk when this returns; an existing file is kept.

        Raises OSError where the disk is full, and leaves nothing.
        """
        fd = os.open(self._path(job), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # ftruncate would promise room that is not there, and the disk would be full half-way.
            os.posix_fallocate(fd, 0, size)
            os.fsync(fd)
            self._sync_folder()
        except BaseException:
            self._path(job).unlink()
            raise
        finally:
            os.close(fd)

    def write(self, job: str, offset: int, data: bytes) -> None:
        """On disk when this returns."""
        fd = os.open(self._path(job), os.O_WRONLY | os.O_CLOEXEC)
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(fd, data[done:], offset + done)
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def open(self, job: str) -> int:
        """A descriptor for reading, for the spooler; whoever gets it closes it. Raises FileNotFoundError."""
        return os.open(self._path(job), os.O_RDONLY | os.O_CLOEXEC)

    def delete(self, job: str) -> None:
        """Gone, and the folder knows it, when this returns."""
        self._path(job).unlink(missing_ok=True)
        self._sync_folder()

    def names(self) -> list[str]:
        """Jobs of which there is a file."""
        return [path.name for path in self._dir.iterdir()]

    def keep_only(self, jobs: set[str]) -> None:
        """Delete what belongs to no job: the rest of an interrupted deletion."""
        for path in self._dir.iterdir():
            if path.name not in jobs:
                self.delete(path.name)

    def _sync_folder(self) -> None:
        fd = os.open(self._dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _path(self, job: str) -> Path:
        return self._dir / job
