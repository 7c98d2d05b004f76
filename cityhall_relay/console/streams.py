"""Open event streams: how many an account may have, and that each ends with the sign-in that opened it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cityhall_relay.console.errors import StreamsError
from cityhall_relay.console.sign_ins import SignIns
from cityhall_relay.store.console import SignIn

MOST: Final = 12
"""Of one account: a browser opens six connections to a host, and each stream is one of them; two machines."""

MOST_ALL: Final = 200
"""Of all: fifty counters with board and visit, twice. The listener has room for more (cityhall_relay/web/listener.py)."""

LOOK_S: Final = 5.0
"""At the latest: a sign-in that ends by itself ends its streams so soon. One that somebody ends, at its next event."""

GOODBYE: Final = b"event: signed-out\ndata: \n\n"


class Streams:
    """Counts them."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins
        self._open: Counter[str] = Counter()

    def watched(self, response: StreamingResponse, one: SignIn) -> Response:
        """The same answer, counted. Raises StreamsError."""
        if self._open[one.who] >= MOST or self._open.total() >= MOST_ALL:
            raise StreamsError
        self._open[one.who] += 1
        response.body_iterator = self._until_over(aiter(response.body_iterator), one)
        return _Counted(response, lambda: self._closed(one.who))

    def _closed(self, who: str) -> None:
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]

    async def _until_over(self, inner: AsyncIterator[Any], one: SignIn) -> AsyncIterator[Any]:
        ends, look_at = self._sign_ins.ends, asyncio.get_running_loop().time() + LOOK_S
        following = asyncio.ensure_future(_next(inner))
        try:
            while True:
                left = look_at - asyncio.get_running_loop().time()
                await asyncio.wait({following}, timeout=max(0.0, left))
                if self._sign_ins.ends != ends or asyncio.get_running_loop().time() >= look_at:
                    ends, look_at = self._sign_ins.ends, asyncio.get_running_loop().time() + LOOK_S
                    if not self._sign_ins.still(one):
                        yield GOODBYE
                        return
                if not following.done():
                    continue
                try:
                    piece = following.result()
                except StopAsyncIteration:
                    return
                yield piece
                following = asyncio.ensure_future(_next(inner))
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await following
            if hasattr(inner, "aclose"):
                await inner.aclose()


class _Counted(Response):
    def __init__(self, inner: Response, closed: "Any") -> None:
        self._inner, self._closed = inner, closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._inner(scope, receive, send)
        finally:
            self._closed()


async def _next(inner: AsyncIterator[Any]) -> Any:
    return await anext(inner)
