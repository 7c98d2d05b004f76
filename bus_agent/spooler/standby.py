"""An opener that is started before anybody presses print: a program's start takes longer than the whole print.

It has no key, and whoever takes it over while it waits gets what an empty process holds. One is for one print, as ever.
"""

from collections.abc import Callable

from bus_agent.spooler.launch import Opener


class Standby:
    """At most one, while the agent wants one, for the printer at `address`; `on_change` runs when it is ready, or has failed."""

    def __init__(self, address: str, on_change: Callable[[], None]) -> None:
        self._address, self._on_change = address, on_change
        self._waiting: Opener | None = None

    @property
    def ready(self) -> bool:
        """Whether one waits for its order."""
        return self._waiting is not None and self._waiting.standing_by

    def want(self, wanted: bool) -> None:
        """Start one where none is; end the one that is no longer wanted."""
        if not wanted:
            self.end()
        elif self._waiting is None or self._waiting.gone:
            self.end()
            self._waiting = Opener(self._address)
            self._waiting.when_prepared(self._on_change)

    def take(self) -> Opener:
        """The one that waits, or a new one; it is the caller's from now on."""
        opener, self._waiting = self._waiting, None
        if opener is not None and not opener.gone:
            return opener
        if opener is not None:
            opener.end()
        return Opener(self._address)

    def end(self) -> None:
        """Nobody waits any more."""
        if self._waiting is not None:
            self._waiting.end()
            self._waiting = None
