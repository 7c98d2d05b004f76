"""Clerk and concierge: people at a command line, each as a user of their own."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from provisioning.demo.process import Command, as_user
from provisioning.errors import WalkError
from provisioning.files import Owner

Json = dict[str, Any]

ANSWER_S: Final = 90.0
"""A clerk's command waits up to a minute for a relay that restarts."""


class RefusedError(WalkError):
    """A command was refused:"""

    key = "demo.refused"

    def __init__(self, text: str, reason: str = "", code: int = 1) -> None:
        super().__init__(text)
        self.text, self.reason, self.code = text, reason, code


class Person(NamedTuple):
    """Somebody with a command. `env` is all that their process sees; `settings` is the part of it that names where."""

    module: str  # bus_agent or cityhall_relay
    owner: Owner
    env: Mapping[str, str]
    settings: Mapping[str, str]

    def run(self, *words: str | Path) -> Json:
        """Run a command to its end: its JSON answer, the last line. Raises RefusedError."""
        argv = self._argv(words)
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=ANSWER_S, check=False, **as_user(self._command(argv))
        )
        if done.returncode:
            raise refusal(done.stderr, done.returncode)
        lines = done.stdout.strip().splitlines()
        return dict(json.loads(lines[-1])) if lines else {}

    @contextmanager
    def running(self, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
        """A command that goes on, its JSON lines on `stdout`; it has ended when this is left."""
        argv = self._argv(words)
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, **pipes, **as_user(self._command(argv))) as process:
            try:
                yield process
            finally:
                process.kill()

    def line(self, words: str) -> str:
        """What to type in a shell for the same."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.settings.items())
        return f"{settings} {shlex.join(program(self.module))} {words}"

    def exports(self) -> str:
        """What to type once in a shell, so that the program's own name is enough afterwards."""
        settings = "".join(f"{name}={shlex.quote(value)} " for name, value in self.settings.items())
        return f"export {settings}PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"

    def _argv(self, words: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", f"{self.module}.cli", *map(str, words), "--json"]

    def _command(self, argv: list[str]) -> Command:
        return Command(self.module, argv, self.owner, {**self.env, **self.settings}, Path("/dev/null"))


def program(module: str) -> list[str]:
    """How to call a program of ours: by its installed command, else by its module."""
    command = Path(sys.executable).with_name({"bus_agent": "bus-agent", "cityhall_relay": "cityhall-relay"}[module])
    return [str(command)] if command.exists() else [sys.executable, "-m", f"{module}.cli"]


def refusal(said: str, code: int) -> RefusedError:
    """What a command said when it did not do it: the last line, as JSON or as a sentence."""
    last = (said.strip().splitlines() or ["no reason given"])[-1]
    try:
        words = json.loads(last)
        return RefusedError(words["sentence"], words["key"], code)
    except (ValueError, KeyError, TypeError):
        return RefusedError(last, "", code)
