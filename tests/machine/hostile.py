"""An attacker on the lines, who keeps every message, and an agent that was taken over: it has the link key, and no print key."""

import contextlib
import os

from bus_agent.errors import SpoolerGoneError
from bus_agent.ipc.messages import Answered, Print
from cityhall_wire.modes import DutyMode
from tests.machine.line import Asked
from tests.machine.world import World


class Attacker:
    """Everything here may be tried; what comes of it is for the watchman."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, pick: int) -> bytes:
        """Any answer that city hall ever gave to anybody."""
        tape = [answer for box in self._world.boxes.values() for answer in box.line.answers]
        return tape[-1 - pick % len(tape)] if tape else b""

    def replay(self, bus: str, shown: str, pick: int, path: str = "") -> None:
        """Any request of `bus`, under the certificate of `shown`; with `path` one of those."""
        line = self._world.boxes[bus].line
        tape = [asked for asked in [*line.requests, *self._world.boxes[bus].kept_back] if asked.path.startswith(path)]
        if tape:
            asked = tape[-1 - pick % len(tape)]
            with contextlib.suppress(OSError):
                line.serve(Asked(shown, asked.path, asked.raw, asked.headers))

    def press(self, bus: str, pick: int, more: int) -> None:
        """Order a print that nobody asked for, of any attempt, and answer with any release that ever came."""
        agent, spooler = self._world.agents[bus], self._world.spoolers[bus]
        if agent.process.dead or spooler.process.dead or not (jobs := agent.store.jobs()):
            return
        job = jobs[pick % len(jobs)]
        attempt = max(1, job.attempt + more - 1)
        order = Print(
            job=job.job, attempt=attempt, session=job.session, mode=DutyMode.CITY_HALL, seal_header=job.seal_header
        )
        with contextlib.suppress(SpoolerGoneError, OSError):
            fd = agent.bodies.open(job.job)
            try:
                agent.box.wire.to_spooler(order, fd, agent.box.wire.turn)
            finally:
                os.close(fd)
            for answer in list(agent.box.line.answers)[-3:]:
                agent.box.wire.to_spooler(
                    Answered(job=job.job, attempt=attempt, envelope=answer), None, agent.box.wire.turn
                )
