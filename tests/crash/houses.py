"""Several houses at once, each in a process and namespaces of its own: a cycle mostly waits, for a restart or a retry."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from provisioning.demo.bytecode import compile_ours
from tests.crash import power, world
from tests.crash.cycle import Plan, Record
from tests.crash.runner import Runner

CLOSE_S: Final = 30

_PR_SET_PDEATHSIG: Final = 1
"""linux/prctl.h"""


class Houses:
    """`count` of them; each is built when its first cycle is wanted. `why_no_power` is empty where there are power cuts."""

    def __init__(self, count: int, state: Path, *, keep: bool = False) -> None:
        self.why_no_power = ""
        # Without namespaces of their own two houses could take the same port.
        self._count, self._state, self._keep = (count if os.geteuid() == 0 else 1), state, keep
        self._ends: dict[Connection, multiprocessing.Process] = {}

    def __enter__(self) -> Self:
        compile_ours()  # once, and not by all houses at the same time into the same files
        for _ in range(self._count):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=_live, args=(theirs, self._state, self._keep, os.getpid()))
            process.start()
            theirs.close()
            self._ends[ours] = process
            self.why_no_power = self.why_no_power or ours.recv()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in self._ends.values():
            process.terminate()
        for process in self._ends.values():
            process.join(CLOSE_S)
        for end in self._ends:
            end.close()

    def run(self, following: Callable[[list[Plan]], Plan | None]) -> Iterator[Record]:
        """Cycles as they end. `following` says the next one, from those that are under way; None: there is none any more.

        Raises SystemExit where a house has fallen.
        """
        free, busy = list(self._ends), dict[Connection, Plan]()
        while True:
            while free and (plan := following(list(busy.values()))):
                busy[free[-1]] = plan
                free.pop().send(plan)
            if not busy:
                return
            for end in wait(list(busy)):
                if not isinstance(end, Connection):
                    continue
                try:
                    record: Record = end.recv()
                except EOFError:
                    raise SystemExit(f"A house has fallen, in {busy[end]}") from None
                del busy[end]
                free.append(end)
                yield record


def _live(end: Connection, state: Path, keep: bool, parent: int) -> None:
    # SIGTERM also when the one who gives the plans is gone: nothing may stay behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, lambda *_: sys.exit())
    if os.getppid() != parent:
        return
    no_power = world.enter() or power.why_not()
    end.send(no_power)
    with suppress(EOFError), Runner(state, no_power=bool(no_power), keep=keep).open() as runner:
        while True:
            end.send(runner.cycle(end.recv()))
