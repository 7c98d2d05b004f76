"""TOTP secrets at rest: wrapped (Fernet) under a key that lies beside the database, never in it or in its backups."""

from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cityhall_base.errors import StoreError
from cityhall_base.files import UnfitFileError, read_small
from cityhall_relay import files

FILE: Final = "accounts.key"
"""One Fernet key a line, the newest first: a new line on top is a new key, and the old ones still open what they wrapped."""

FILE_BYTES: Final = 4096
_MEND: Final = "bring it back from its own backup, or move it away and reset every account"


class Locker:
    """Wraps and opens. Makes its key file (mode 0600) at the first need; raises StoreError where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._keys: MultiFernet | None = self._read() if self._path.exists() else None

    def wrap(self, secret: bytes) -> bytes:
        """For the database."""
        if self._keys is None:
            files.write_durably(self._path, Fernet.generate_key() + b"\n")
            self._keys = self._read()
        return self._keys.encrypt(secret)

    def open(self, wrapped: bytes) -> bytes | None:
        """The secret; None where no key of the file opens it."""
        if self._keys is None:
            return None
        try:
            return self._keys.decrypt(wrapped)
        except InvalidToken:
            return None

    def _read(self) -> MultiFernet:
        try:
            raw = read_small(self._path, FILE_BYTES, private=True)
            return MultiFernet([Fernet(line) for line in raw.split()])
        except (UnfitFileError, ValueError) as error:  # ValueError: no key at all, or one that is none
            raise StoreError(f"{self._path}: {error}; {_MEND}") from None
