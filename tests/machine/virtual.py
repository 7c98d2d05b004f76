"""Processes without a machine: an event loop each, one time for all of them, and nothing that sleeps.

A loop runs until it is quiet. Time moves in leaps that rules make; what became due in between runs late, as on a box that had
other things to do.
"""

import asyncio
import contextlib
import contextvars
from asyncio import base_events
from collections.abc import Callable, Coroutine
from typing import Any, Final

MORNING: Final = 1_795_219_200_000
"""2026-11-21 09:00 JST, in UTC milliseconds."""


class Time:
    """Seconds since the beginning of the world."""

    def __init__(self) -> None:
        self.now = 1000.0


class BoxClock:
    """A box's two times. `since` is when it was switched on; `wrong_by_ms` is how far its wall clock is off."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.since, self.wrong_by_ms = 0.0, 0

    def utc_ms(self) -> int:
        """Never less than 1970, whatever was set."""
        return max(0, MORNING + int(self._time.now * 1000) + self.wrong_by_ms)

    def boottime(self) -> float:
        """Begins at 0 with each start of the box."""
        return self._time.now - self.since


class Loop(base_events.BaseEventLoop):
    """`run_quiet` returns when nothing is left to do at this moment."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._world = time
        self._selector = self

    def time(self) -> float:
        """The world's."""
        return self._world.now

    def select(self, timeout: float | None) -> list[Any]:
        """Called once a turn: a wish to wait is the sign that it is quiet."""
        if timeout is None or timeout > 0:
            self.stop()
        return []

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...

    @property
    def due(self) -> bool:
        """Whether running it would do anything."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return bool(self._ready) or bool(timers and timers[0]._when <= self._world.now)  # type: ignore[attr-defined]

    def run_quiet(self) -> None:
        """To the next wait of everybody."""
        self.run_forever()

    def forget_everything(self) -> None:
        """The process is gone: what was ready will not run."""
        for handle in list(self._ready):  # type: ignore[attr-defined]
            handle.cancel()
        self.stop()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """A thread that takes one turn of the loop. As with a real one, its work is done also where nobody waits any more."""
        done: asyncio.Future[Any] = self.create_future()
        self.call_soon(_work, done, func, args, context=contextvars.copy_context())
        return done


def _work(done: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = func(*args)
    except Exception as error:  # a thread's error is its caller's
        if not done.done():
            done.set_exception(error)
    else:
        if not done.done():
            done.set_result(result)


class Process:
    """One program. `dead` ones never run again; a `frozen` one runs later."""

    def __init__(self, name: str, time: Time, on_fault: Callable[[str, BaseException], None]) -> None:
        self.name, self.loop = name, Loop(time)
        self.dead = self.frozen = False
        self._on_fault = on_fault
        self._tasks: list[asyncio.Task[Any]] = []

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """In the background; an exception that nobody expected is a fault of the product."""
        task = self.loop.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    def soon(self, call: Callable[..., object], *args: Any) -> None:
        """In its loop, in order; to a dead one nothing comes."""
        if not self.dead:
            self.loop.call_soon(self._run, call, args)

    def kill(self) -> None:
        """SIGKILL."""
        self.dead = True
        self.loop.forget_everything()

    def bury(self) -> None:
        """Let its memory go, without a word about tasks that never ended."""
        self.dead = True
        for task in asyncio.all_tasks(self.loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with contextlib.suppress(RuntimeError):
                task.get_coro().close()
        self._tasks.clear()
        self.loop.forget_everything()
        self.loop.close()

    def _run(self, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.dead:
            return
        try:
            call(*args)
        except Exception as error:  # said with its process's name
            self._fault(error)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault(error)

    def _fault(self, error: BaseException) -> None:
        if not self.dead:
            self._on_fault(self.name, error)


def run_all(processes: Callable[[], list[Process]]) -> None:
    """Until nobody has anything to do."""
    again = True
    while again:
        again = False
        for process in processes():
            if not process.dead and not process.frozen and process.loop.due:
                process.loop.run_quiet()
                again = True
