"""Files that are there whole after a power cut, or not at all."""

import os
import secrets
from pathlib import Path


def write_durably(path: Path, content: bytes | bytearray) -> None:
    """Write `content` (mode 0600) under a temporary name beside `path`, and rename it when it is on the disk."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def delete_durably(path: Path) -> None:
    """Delete `path`; nothing to do where it is gone already."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk: a rename alone may be lost by a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def private_folder(folder: Path) -> Path:
    """Make `folder` with mode 0700 where it is missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
