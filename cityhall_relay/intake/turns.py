"""How many documents are looked into at the same time. Each may take half a gigabyte and a processor (report.IntakeLimits)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

from cityhall_relay.intake.errors import IntakeBusyError

AT_ONCE: Final = 2
"""Two disposable processes hold 1 GiB at worst, 2 where they draw, and use the two processors that a relay has at least."""

PATIENCE_SECONDS: Final = 60.0
"""An ordinary document takes 0.3 s; three that use up their 20 s may stand before this one."""

P = ParamSpec("P")
R = TypeVar("R")


class Turns:
    """Hands out turns in the order in which they were asked for. One for all work that shares the machine."""

    def __init__(self, at_once: int = AT_ONCE, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._patience_seconds = patience_seconds

    def taken_by(self, work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """`work` that waits for its turn first. Raises IntakeBusyError when none came, and then nothing was begun."""

        async def in_turn(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await self._places.acquire()
            except TimeoutError as error:
                raise IntakeBusyError from error
            try:
                return await work(*args, **kwargs)
            finally:
                self._places.release()

        return in_turn
