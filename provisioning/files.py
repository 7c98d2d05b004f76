"""Files that a machine starts from: written whole and fsynced, private keys readable by one user only."""

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from provisioning.errors import AlreadyThereError

PRIVATE: Final = 0o600
SHARED: Final = 0o640
PUBLIC: Final = 0o644


class Owner(NamedTuple):
    """Numeric user and group of one process."""

    uid: int
    gid: int


def me() -> Owner:
    """Whoever runs this program."""
    return Owner(os.geteuid(), os.getegid())


def folder(path: Path, owner: Owner, mode: int = 0o700) -> Path:
    """Make `path` (and what leads to it, open to pass through), or give an existing one this owner and mode."""
    for above in reversed(path.parents):
        if not above.exists():
            above.mkdir(0o711)
    path.mkdir(exist_ok=True)
    os.chown(path, *owner)
    path.chmod(mode)  # not by mkdir: the umask would take the group's bits
    return path


def own_empty_folder(path: Path, mode: int) -> Path:
    """Make `path`, or take an empty one of ours; raises AlreadyThereError before anything of somebody's is touched."""
    if path.exists() and (not path.is_dir() or path.stat().st_uid != os.geteuid() or any(path.iterdir())):
        raise AlreadyThereError(str(path))
    return folder(path, me(), mode)


def write(path: Path, data: bytes, owner: Owner, mode: int = PUBLIC) -> None:
    """Replace `path` as one: after a power cut there is the old file or the new one, never half of it."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fchown(fd, *owner)
        os.fchmod(fd, mode)
        os.fsync(fd)
    aside.rename(path)
    _sync_folder(path.parent)


def write_new_key(path: Path, pem: bytes, owner: Owner) -> None:
    """A private key, mode 0600. Raises AlreadyThereError where there is one: a key in use must never be lost."""
    if path.exists():
        raise AlreadyThereError(str(path))
    write(path, pem, owner, PRIVATE)


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
