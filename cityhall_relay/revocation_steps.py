"""What `revoke` does, step by step. Each may be done twice: a power cut between any two of them changes nothing but time."""

from collections.abc import Callable
from typing import Final

from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.bodies import Bodies
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.statement import Statements
from cityhall_relay.store import RelayStore, Suspension
from cityhall_relay.store.rows import Job
from cityhall_relay.vault import Vault
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE, By, Event

BROKER_S: Final = 10
"""How long the statement waits for the broker's word. A live connection ends in milliseconds; a broker that is away says
nothing, and the statement says so."""


class Cutting:
    """Jobs and sessions, keys, the statement."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        sessions: Sessions,
        vault: Vault,
        bodies: Bodies,
        statements: Statements,
        clock: Clock,
    ) -> None:
        self._store, self._jobs, self._sessions = store, jobs, sessions
        self._vault, self._bodies, self._statements, self._clock = vault, bodies, statements, clock
        self.cut: Callable[[str], bool] = lambda bus: False
        """Asks the broker to end the bus's connection; False where there is no broker."""

    def jobs(self, suspension: Suspension) -> bool:
        """One event: the session ends, what is before its release with it; what is at the printer needs a person."""
        why = Reason.REVOKED
        with self._store.event():
            self._sessions.end_of_bus(suspension.bus, why)
            for job in self._live(suspension):
                if job.state in BEFORE_RELEASE:
                    self._jobs.step(job, Event.SESSION_END, By.RELAY, why=why.bare)
                elif job.state in AT_PRINTER:
                    self._jobs.step(job, Event.DOUBT, By.RELAY, why=why.bare)
                self._store.drop_releases(job.job)
        return True

    def keys(self, suspension: Suspension) -> bool:
        """Content key and ciphertext of every job, also of those that wait for a person: she needs neither."""
        for job in {*suspension.states, *(live.job for live in self._live(suspension))}:
            self._bodies.delete(job)
            self._vault.destroy(job)
        self._store.checkpoint()  # the releases, too, leave the log
        return True

    def broker(self, suspension: Suspension) -> bool:
        """The live connection: asked for until the broker has said that it is cut, or for so long."""
        if suspension.gone_at is not None or not self.cut(suspension.bus):
            return True
        return self._clock.utc_ms() >= suspension.at + BROKER_S * 1000

    def statement(self, suspension: Suspension) -> bool:
        """Last: it says what is true when all else is done."""
        with self._store.event():
            if not any(one.suspension == suspension.n for one in self._store.statements(suspension.bus)):
                self._statements.write(suspension)
        return True

    def _live(self, suspension: Suspension) -> list[Job]:
        return [job for job in self._store.live_jobs() if job.bus == suspension.bus]
