"""Ciphertext on its way to a bus: one file for each live job. Useless without its content key, and deleted with the job."""

from collections.abc import Container
from pathlib import Path

from cityhall_relay import files


class Bodies:
    """The folder `bodies` of the relay's state."""

    def __init__(self, folder: Path) -> None:
        self._folder = files.private_folder(folder)

    def write(self, job: str, body: bytes | bytearray) -> None:
        """Keep the ciphertext of `job`; it is on the disk when this returns. Raises OSError."""
        files.write_durably(self._folder / job, body)

    def read(self, job: str, first: int, count: int) -> bytes:
        """At most `count` bytes from offset `first`. Raises OSError."""
        with (self._folder / job).open("rb") as file:
            file.seek(first)
            return file.read(count)

    def delete(self, job: str) -> None:
        """The ciphertext is gone when this returns. Raises OSError."""
        files.delete_durably(self._folder / job)

    def sweep(self, live: Container[str]) -> list[str]:
        """Delete what belongs to no live job (left by a power cut in the middle of an intake); returns the names."""
        orphans = [path.name for path in self._folder.iterdir() if path.name not in live]
        for name in orphans:
            self.delete(name)
        return orphans
