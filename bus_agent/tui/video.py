"""The video link: a configured command, run without a shell. Nobody waits for it, it says nothing, it goes with the screen."""

import logging
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

log = logging.getLogger(__name__)

ADDRESS: Final = "{address}"


class VideoLink:
    """At most one at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: subprocess.Popen[bytes] | None = None

    def open(self, address: str) -> bool:
        """Show this address; the one before is ended. False where it cannot be shown here."""
        self.close()
        if not self._command or not address:
            return False
        arguments = [word.replace(ADDRESS, address) for word in self._command]
        nothing = subprocess.DEVNULL
        try:
            self._running = subprocess.Popen(
                arguments, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
            )
        except OSError as error:
            log.warning("the video command cannot be run: %s", error.strerror)
            return False
        return True

    def close(self) -> None:
        """End it, by its pid."""
        running, self._running = self._running, None
        if running is not None and running.poll() is None:
            with suppress(ProcessLookupError):
                running.kill()
            running.wait()
