"""Pages that stay true while somebody looks: Server-Sent Events with fragments of HTML, put in their places by htmx's extension.

On connect everything, then what differs, at most twice a second. All streams wake at the same half seconds, so that what several
of them show is worked out once. Nothing here is remembered: a stream that was cut starts with everything again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from starlette.responses import StreamingResponse

from cityhall_relay.changes import Changes
from cityhall_relay.errors import StoppingError

BEAT_S: Final = 0.5
LOOK_S: Final = 5.0
"""Time passes also where nothing happens: how long a call has waited, what is left of an hour."""

SIGN_OF_LIFE_S: Final = 15.0
LIFE_S: Final = 300.0
"""Then the stream ends and the browser opens it again, through the door: rights that changed meanwhile hold from then on."""

Look = Callable[[], Mapping[str, str] | None]
"""Name of an event → its fragment, all of them; None where there is nothing to see any more."""


class Live:
    """Hands out streams. How many an account may have, and that they end with its sign-in, is the door's matter."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def stream(self, look: Look) -> StreamingResponse:
        """Raises StoppingError."""
        if self._changes.stopping:
            raise StoppingError
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(look), media_type="text/event-stream", headers=headers)

    async def _events(self, look: Look) -> AsyncIterator[bytes]:
        loop, said = asyncio.get_running_loop(), dict[str, str]()
        begun = quiet_since = loop.time()
        while not self._changes.stopping and loop.time() < begun + LIFE_S:
            change, fragments = self._changes.next(), look()
            if fragments is None:
                return
            news = {name: text for name, text in fragments.items() if said.get(name) != text}
            said |= news
            if news:
                yield b"".join(event(name, text) for name, text in news.items())
                quiet_since = loop.time()
            elif loop.time() >= quiet_since + SIGN_OF_LIFE_S:
                yield b": still here\n\n"
                quiet_since = loop.time()
            await _next(change)


async def _next(change: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(change.wait(), LOOK_S)
    except TimeoutError:
        return
    await asyncio.sleep(BEAT_S - asyncio.get_running_loop().time() % BEAT_S)


def event(name: str, text: str) -> bytes:
    """One event (HTML standard, section 9.2.6); a line break inside is one again at the other end."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()
