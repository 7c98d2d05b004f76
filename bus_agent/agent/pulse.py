"""Something changed: whoever shows or sends the whole state is woken, once for many changes."""

import asyncio


class Pulse:
    """A counter that can be waited on."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        """Wake everybody."""
        self.count += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def after(self, count: int, timeout_s: float) -> bool:
        """Wait until the counter is above `count`; False after `timeout_s`."""
        if self.count > count:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True
