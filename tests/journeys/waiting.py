"""Wait for a state with a deadline, and let both screens live meanwhile."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

STEP_S: Final = 45.0
"""For one step: a sync's rhythm, an opener's start and a browser, on a machine that does other things too."""

REST_S: Final = 0.05


async def until(holds: Callable[[], object | Awaitable[object]], what: str, seen: Callable[[], object] = str) -> None:
    """Raises AssertionError with `what`, and with what `seen` gives then."""
    try:
        async with asyncio.timeout(STEP_S):
            while not await _asked(holds):  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(REST_S)
    except TimeoutError:
        raise AssertionError(f"not within {STEP_S:.0f} s: {what}\n{await _asked(seen)}") from None


async def _asked(question: Callable[[], object]) -> object:
    answer = question()
    return await answer if inspect.isawaitable(answer) else answer
