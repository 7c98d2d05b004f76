"""A key that counts only when it is held for three seconds.

A terminal tells of no release, so a key that stops repeating was let go.
"""

from typing import Final

from cityhall_base.clock import Clock

HOLD_S: Final = 3.0
FIRST_REPEAT_S: Final = 0.75
"""X, Wayland and the kernel repeat a key after 0.25 to 0.66 s."""

NEXT_REPEAT_S: Final = 0.3
"""... and then ten to forty times a second."""


class Hold:
    """Pressed by key (again and again) or by touch (down, up); `tick` says once that it was held long enough."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None
        self._last: float | None = None  # of the key's repeats; None: a finger is on it
        self._repeats = 0

    @property
    def running(self) -> bool:
        """Somebody holds it."""
        return self._since is not None

    @property
    def done(self) -> float:
        """From 0 to 1."""
        return 0.0 if self._since is None else min(1.0, (self._clock.boottime() - self._since) / HOLD_S)

    def key(self) -> None:
        """The terminal sent the key: its first press, or a repeat of it."""
        now = self._clock.boottime()
        self._drop_if_released(now)
        if self._since is None:
            self._since, self._repeats = now, 0
        else:
            self._repeats += 1
        self._last = now

    def down(self) -> None:
        """A finger or the mouse is on it."""
        self._since, self._last = self._clock.boottime(), None

    def up(self) -> None:
        """It is not any more: nothing happened."""
        self._since = None

    def tick(self) -> bool:
        """True where three seconds are full; it has to be pressed anew then."""
        now = self._clock.boottime()
        self._drop_if_released(now)
        if self._since is None or now - self._since < HOLD_S:
            return False
        self._since = None
        return True

    def _drop_if_released(self, now: float) -> None:
        gap = NEXT_REPEAT_S if self._repeats else FIRST_REPEAT_S
        if self._last is not None and now - self._last > gap:
            self._since = self._last = None
