"""The clerk's screen: the lines of `cityhall-relay send`, each with the moment at which it could be read."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from provisioning.demo.people import Json, refusal
from provisioning.errors import WalkError


class Seen(NamedTuple):
    """What stood there, and since when (nanoseconds since 1970)."""

    at_ns: int
    view: Json


class Screen:
    """Reads a running command in a thread of its own, so that a moment is the moment."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._seen: list[Seen] = []
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, holds: Callable[[Json], bool], seconds: float, what: str) -> Seen:
        """The first line for which `holds`. Raises RefusedError where the command gave up, WalkError after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._first(holds) or self._ended, seconds)
            found, ended = self._first(holds), self._ended
        if found:
            return found
        if ended and self._process.wait():
            raise refusal(self._process.stderr.read() if self._process.stderr else "", self._process.returncode)
        last = self._seen[-1].view if self._seen else {}
        raise WalkError(f"{what}: not within {seconds:.0f} s. City hall sees it as {last.get('state', 'unknown')}")

    def _first(self, holds: Callable[[Json], bool]) -> Seen | None:
        return next((seen for seen in self._seen if holds(seen.view)), None)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            seen = Seen(time.time_ns(), json.loads(line))
            with self._changed:
                self._seen.append(seen)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
