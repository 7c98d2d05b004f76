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

from tests.crash.under import ABOUT, GO, NAMES

MESSAGE_BYTES: Final = 4096

INTENT: Final = "spooler/ipc/intent-create-job/say"
REQUESTED: Final = "spooler/ipc/requested/say"
KILLED: Final = "killed:"
HANDED: Final = frozenset(f"agent/api/{button}/heard" for button in ("hand_over", "spoiled", "nothing_came_out"))


class Target(NamedTuple):
    """Which moment is meant: the `nth` time that point `name` is reached, counted where `between` says."""

    name: str
    nth: int = 1
    between: bool = False
    """Only from the spooler's first intent of a cycle until somebody says what came out."""


def killed(part: str) -> str:
    """How the harness writes down that it ended a part, in the same order as the points; no point itself."""
    return f"{KILLED}{part}"


class Moment(NamedTuple):
    """What was reached: all names of the moment, whose process waits there, and whether a print was under way."""

    names: tuple[str, ...]
    role: str
    between: bool


class Trap:
    """Holds the process that comes to `target`, once, and calls `reached`. `moment` says that it was."""

    def __init__(self, target: Target, reached: Callable[["Trap"], object]) -> None:
        self.target, self.reached = target, reached
        self.left = target.nth
        self.moment: Moment | None = None
        self._word, self._go = GO, threading.Event()

    def let_go(self, word: str = GO) -> None:
        """Who is held goes on with this word."""
        self._word = word
        self._go.set()

    def hold(self) -> str:
        """Until it may go on."""
        self.reached(self)
        self._go.wait()
        return self._word

    def catches(self, names: tuple[str, ...], between: bool) -> bool:
        """Whether this is its moment."""
        meant = self.moment is None and self.target.name in names and (between or not self.target.between)
        self.left -= meant
        return meant and self.left == 0


class Switchboard:
    """Listens at `path`. `arm` sets a trap; `cues` are run at a point, in the held process's place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        self._lock = threading.Lock()
        self.cues: dict[str, Callable[[], None]] = {}
        self._traps: list[Trap] = []
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """A new cycle: nothing seen, nothing armed."""
        self.disarm()
        with self._lock:
            self.seen: Counter[str] = Counter()
            self.seen_between: Counter[str] = Counter()
            self.between = False
            self.order: list[tuple[str, ...]] = []  # each moment's names, and what it is about

    def note_killed(self, part: str) -> None:
        """The harness did it."""
        with self._lock:
            self.seen[killed(part)] += 1
            self.order.append((killed(part),))

    def arm(self, target: Target, reached: Callable[[Trap], object]) -> Trap:
        """`reached` is called by a thread of this board's: the people may be waiting for the very process that is held."""
        trap = Trap(target, reached)
        with self._lock:
            self._traps.append(trap)
        return trap

    def disarm(self) -> None:
        """No trap and no cue any more; nobody is held."""
        with self._lock:
            self.cues.clear()
            traps, self._traps = self._traps, []
        for trap in traps:
            trap.let_go()

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
                sock.send(self._answer(tuple(raw.decode().split(NAMES)), hello["role"]).encode())

    def _answer(self, names: tuple[str, ...], role: str) -> str:
        with self._lock:
            trap = self._note(names, role)
            cue = next((self.cues.pop(name) for name in names if name in self.cues), None)
        if cue:
            cue()
        return trap.hold() if trap else GO

    def _note(self, names: tuple[str, ...], role: str) -> Trap | None:
        if INTENT in names:
            self.between = True
        self.order.append(names)
        names = tuple(name for name in names if not name.startswith(ABOUT))
        self.seen.update(names)
        if self.between:
            self.seen_between.update(names)
        between = self.between
        if HANDED & set(names):
            self.between = False
        trap = next((one for one in self._traps if one.catches(names, between)), None)
        if trap:
            trap.moment = Moment(names, role, between)
        return trap
