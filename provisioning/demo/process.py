"""One child process of the demo: its own user, its own process group, a log file, and an end that nothing survives."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.files import Owner, me

READY_S: Final = 30.0
"""A cold Python with cryptography and sqlite needs about 1 s; a busy machine gets time."""
STOP_S: Final = 10.0
_PIPE: Final = 64 * 1024
_TAIL: Final = 1500
"""Characters of a log in an error's sentence."""

# PR_SET_PDEATHSIG and PR_SET_NO_NEW_PRIVS set by util-linux, so that no Python of ours runs between fork and exec. The
# signal comes when the *thread* that started the part ends.
_WRAP: Final = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--")


class Command(NamedTuple):
    """What to run, as whom, where it says what happens."""

    name: str
    argv: Sequence[str]
    owner: Owner
    env: Mapping[str, str]
    log: Path
    groups: tuple[int, ...] = ()
    one_machine: bool = False
    """Whether `kill` is a power cut, which takes all that it started with it."""


class Part:
    """A long-running process. `ready()` is asked until it holds; it never raises for "not yet"."""

    def __init__(self, command: Command, ready: Callable[[], bool]) -> None:
        self.command, self.name = command, command.name
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    @property
    def pid(self) -> int:
        """Process id; raises PartError where it does not run."""
        if self._process is None or not self.running:
            raise PartError(f"{self.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it is ready; raises PartError with the end of its log."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start it without waiting."""
        if self.running:
            raise PartError(f"{self.name} runs already")
        self.command.log.touch()
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self._process = subprocess.Popen([*_WRAP, *self.command.argv], **pipes, **as_user(self.command))
        self._groups.add(self._process.pid)
        # Through a pipe: spooler and opener may not write to any file, and no part can change what it said before.
        self._scribe = threading.Thread(target=_copy, args=(self._process.stdout, self.command.log), daemon=True)
        self._scribe.start()

    def wait_ready(self, seconds: float = READY_S) -> None:
        """Wait until it is ready; raises PartError."""
        try:
            wait_until(lambda: not self.running or self._ready(), seconds, f"{self.name} is ready")
            ended = not self.running
        except PartError as error:
            raise PartError(f"{error.args[0]}. {self._tail()}") from None
        if ended:
            raise PartError(f"{self.name} ended. {self._tail()}")

    def kill(self) -> None:
        """SIGKILL, as a crash: what the process started is left to end by its own means, unless it is `one_machine`."""
        if self._process is not None:
            self._process.kill()
            if self.command.one_machine:
                self._kill_groups()
            self._process.wait()

    def terminate(self) -> None:
        """Ask it to end; `stop` waits."""
        if self._process is not None and self.running:
            self._process.terminate()

    def stop(self) -> None:
        """SIGTERM, then after STOP_S SIGKILL, also to all that it ever started in its process group."""
        if self._process is None:
            return
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        self._kill_groups()
        self._process.wait()
        self._scribe.join(STOP_S)

    def restart(self) -> None:
        """Stop it where it runs, and start it again."""
        self.stop()
        self.start()

    def _kill_groups(self) -> None:
        for group in self._groups:
            # Gone is what we want; a group's id stays reserved while a member of it lives.
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()

    def _tail(self) -> str:
        if not self.running:
            self._scribe.join(STOP_S)
        text = self.command.log.read_text(errors="replace")[-_TAIL:].strip()
        return f"Its log {self.command.log} ends with:\n{text}" if text else f"Its log {self.command.log} is empty."


def _copy(stream: IO[bytes], log: Path) -> None:
    with stream, log.open("ab", buffering=0) as file:
        while said := stream.read1(_PIPE):  # type: ignore[attr-defined]
            file.write(said)


def as_user(command: Command) -> dict[str, Any]:
    """Popen's arguments for a process of its own user, session and environment."""
    arguments: dict[str, Any] = {"env": command.env, "cwd": "/", "start_new_session": True, "umask": 0o077}
    if command.owner != me():
        arguments |= {"user": command.owner.uid, "group": command.owner.gid, "extra_groups": list(command.groups)}
    return arguments
