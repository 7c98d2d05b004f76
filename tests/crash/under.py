"""Runs a part of ours with the points in it: `python -m tests.crash.under SOCKET ROLE MODULE ARGUMENTS…`.

No failpoint stands in the product: the real program is imported here, and its border functions are wrapped in this process
alone. At each point the process tells the harness the point's name and waits for its word. Kept light: an opener imports it.
"""

import json
import os
import runpy
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

GO: Final = "go"
REPLY_BYTES: Final = 256
NAMES: Final = "\n"
"""Between the names that one moment has."""

ABOUT: Final = "about:"
"""Before the id of the job or session that a moment is about; said beside its names where it is known."""

Tell = Callable[..., str]


class Teller:
    """The process's line to the harness. One point at a time: who is held at one holds all threads' points."""

    def __init__(self, path: str, role: str) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.connect(path)
        self.fd: Final = self._sock.fileno()
        self._sock.send(json.dumps({"role": role, "pid": os.getpid()}).encode())

    def __call__(self, *names: str) -> str:
        """The harness's word on these names of one moment; `go` where there is no harness any more.

        Among them may be `about(…)`.
        """
        with self._lock:
            if self._sock is None:
                return GO
            try:
                self._sock.send(NAMES.join(names).encode())
                word = self._sock.recv(REPLY_BYTES).decode()
            except OSError:
                word = ""
            if not word:
                self._sock.close()
                self._sock = None
            return word or GO


def about(what: str) -> tuple[str, ...]:
    """What to say beside the names of a moment that is about this job or session; nothing where it is about none."""
    return (f"{ABOUT}{what}",) if what else ()


def wrap(owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a function of a class or module by `around(the real one)`; AttributeError where it is not there any more."""
    setattr(owner, name, around(getattr(owner, name)))


def main() -> None:
    """Start the real program under its points."""
    path, role, module, *arguments = sys.argv[1:]
    if role == "spooler":
        from bus_agent import lean

        lean.leave_out(lean.UNUSED_BY_SPOOLER)  # as its own command does, before anything else is imported
    from tests.crash import hooks

    sys.argv = [module, *arguments]
    hooks.INTO[role](Teller(path, role), path)
    if role != "printer":  # whose program its hook has called
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
