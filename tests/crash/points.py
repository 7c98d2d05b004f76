"""The harness's ear: every process under points reports here, and the one moment that a cycle is about is held here.

A process waits for its answer at each point, so the order in which the points are written down is the order of the world.
"""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.crash.under import GO, NAMES

MESSAGE_BYTES: Final = 4096

INTENT: Final = "spooler/ipc/intent-create-job/say"
REQUESTED: Final = "spooler/ipc/requested/say"
HANDED: Final = frozenset(f"agent/api/{button}/heard" for button in ("hand_over", "spoiled", "nothing_came_out"))


class Target(NamedTuple):
    """Which moment is meant: the `nth` time that point `name` is reached, counted where `between` says."""

    name: str
    nth: int = 1
    between: bool = False
    """Only from the spooler's first intent of a cycle until somebody says what came out."""


def killed(part: str) -> str:
    """How the harness writes down that it ended a part, in the same order as the points; no point itself."""
    return f"killed:{part}"


class Moment(NamedTuple):
    """What was reached: all names of the moment, and whose process waits there."""

    names: tuple[str, ...]
    role: str
    pid: int
    between: bool


class Switchboard:
    """Listens at `path`. `arm` sets the trap; `cue` runs something small at a point, in the held process's place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        self._lock = threading.Lock()
        self.cues: dict[str, Callable[[], None]] = {}
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """A new cycle: nothing seen, nothing armed."""
        with self._lock:
            self.seen: Counter[str] = Counter()
            self.seen_between: Counter[str] = Counter()
            self.between = False
            self.order: list[tuple[str, ...]] = []
            self._target: Target | None = None
            self._left = 0
            self._reached: Callable[[Moment], object] = lambda moment: None
            self.moment: Moment | None = None
            self._word, self._go = GO, threading.Event()
            self.cues.clear()

    def note_killed(self, part: str) -> None:
        """The harness did it."""
        with self._lock:
            self.seen[killed(part)] += 1
            self.order.append((killed(part),))

    def arm(self, target: Target, reached: Callable[[Moment], object]) -> None:
        """Hold the process that comes to it, once, and call `reached`; the people may be waiting for that very process."""
        with self._lock:
            self._target, self._left, self._reached = target, target.nth, reached

    def let_go(self, word: str = GO) -> None:
        """Whoever is held goes on with this word."""
        self._word = word
        self._go.set()

    def disarm(self) -> None:
        """No trap any more; nobody is held."""
        with self._lock:
            self._target = None
        self.let_go()

    def close(self) -> None:
        """Everybody goes on without a harness."""
        self.disarm()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            hello = json.loads(sock.recv(MESSAGE_BYTES))
            while raw := sock.recv(MESSAGE_BYTES):
                sock.send(self._answer(tuple(raw.decode().split(NAMES)), hello["role"], hello["pid"]).encode())

    def _answer(self, names: tuple[str, ...], role: str, pid: int) -> str:
        with self._lock:
            moment = self._note(names, role, pid)
            cue = next((self.cues.pop(name) for name in names if name in self.cues), None)
            go = self._go
        if cue:
            cue()
        if moment is None:
            return GO
        self._reached(moment)
        go.wait()
        return self._word

    def _note(self, names: tuple[str, ...], role: str, pid: int) -> Moment | None:
        if INTENT in names:
            self.between = True
        self.seen.update(names)
        self.order.append(names)
        if self.between:
            self.seen_between.update(names)
        if HANDED & set(names):
            self.between = False
        target = self._target
        if target is None or target.name not in names or (target.between and not self.between):
            return None
        self._left -= 1
        if self._left:
            return None
        self._target, self.moment = None, Moment(names, role, pid, self.between)
        return self.moment
