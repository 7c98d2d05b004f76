"""Tells the spooler whether a press of 印刷 is to be expected, so that an opener stands by when it comes."""

import logging

from bus_agent.agent.duty import Duty
from bus_agent.agent.pulse import Pulse
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.store import BusStore
from bus_agent.errors import SpoolerGoneError
from bus_agent.ipc.messages import StandBy

LOOK_S = 1.0
"""How late a lapsed lease or an opener that is missing may be noticed."""

log = logging.getLogger(__name__)


class Readiness:
    """Looks at every change and every second. `changed` beats at each."""

    def __init__(self, store: BusStore, duty: Duty, line: SpoolerLine, changed: Pulse) -> None:
        self._store, self._duty, self._line, self._changed = store, duty, line, changed
        self._said = False

    async def run(self) -> None:
        """For ever."""
        while True:
            seen = self._changed.count
            self.look()
            await self._changed.after(seen, LOOK_S)

    def look(self) -> None:
        """Once, now."""
        spooler = self._duty.spooler
        if spooler is None:
            self._said = False
            return
        wanted = any(self._duty.expects(job) for job in self._store.jobs())
        if wanted == self._said and wanted == spooler.standby:
            return
        try:
            self._line.send(StandBy(wanted=wanted))
            self._said = wanted
        except SpoolerGoneError as error:
            log.info("%s", error)
