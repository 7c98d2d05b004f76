"""A power cut that loses what was not synced: a side's state lies on a loop-mounted ext4 image, and the side goes on from a
copy of the image as it was at that instant. Dirty pages are not in it; its journal is replayed when it is mounted.

The processes are stopped first, so that nothing is promised between the copy and their end.
"""

import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_IMAGE_BYTES: Final = 64 * 1024 * 1024
_OPTIONS: Final = "loop,commit=300"
"""The kernel's own commit every 5 s would save what nobody asked to be saved."""


def why_not() -> str:
    """Why there is no power cut on this machine; empty where there is."""
    if os.geteuid() != 0:
        return "not started as root"
    try:
        _run("losetup", "--find")
        _run("mkfs.ext4", "-V")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no loop mounts: {error}"
    return ""


class Supply:
    """The disk of one side, mounted at its state folder."""

    def __init__(self, folder: Path, state: Path) -> None:
        self._folder, self._state, self._number = folder, state, 0
        folder.mkdir()
        with self._image.open("wb") as file:
            file.truncate(_IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        state.chmod(0o700)

    def cut(self, processes: Iterable[int]) -> None:
        """Now, for these process ids: they are dead when this returns, and only what was on the disk is there."""
        doomed = list(processes)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in doomed:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number is signal.SIGSTOP:
                before = self._image
                self._number += 1
                _run("cp", "--sparse=always", str(before), str(self._image))
        self._copied = before

    def restore(self) -> None:
        """Mount what was on the disk; the side's processes are gone and waited for."""
        _run("umount", "--lazy", str(self._state))
        self._copied.unlink()
        self._mount()

    def remove(self) -> None:
        """Unmount."""
        _run("umount", "--lazy", str(self._state))

    @property
    def _image(self) -> Path:
        return self._folder / f"{self._number}.img"

    def _mount(self) -> None:
        _run("mount", "-o", _OPTIONS, str(self._image), str(self._state))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
