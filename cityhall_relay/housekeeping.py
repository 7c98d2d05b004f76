"""What the clock does when nobody does it: idle sessions, documents that wait too long, silent buses, the end of a day's key."""

from collections.abc import Callable

from cityhall_base.city import City
from cityhall_base.clock import Clock
from cityhall_base.reasons import Reason
from cityhall_relay.bodies import Bodies
from cityhall_relay.changes import Changes
from cityhall_relay.jobs import Jobs, Undertaker
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job
from cityhall_relay.vault import Vault
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE, By, Event


class Housekeeping:
    """`start` once, `tick` about every second. Both are idempotent. `also` are what other desks look at by the clock."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        sessions: Sessions,
        vault: Vault,
        bodies: Bodies,
        undertaker: Undertaker,
        city: City,
        clock: Clock,
        changes: Changes,
    ) -> None:
        self._store, self._jobs, self._sessions, self._vault = store, jobs, sessions, vault
        self._bodies, self._undertaker, self._limits = bodies, undertaker, city.limits
        self._clock, self._changes = clock, changes
        self.also: list[Callable[[], None]] = []

    def start(self) -> None:
        """Mend what a power cut left in the middle: orphans go, ended jobs are destroyed, jobs without a key end."""
        self._vault.sweep()
        live = {job.job for job in self._store.live_jobs()}
        self._bodies.sweep(live)
        self._vault.drop_orphans(live)
        self._end_keyless()
        self.tick()

    def tick(self) -> None:
        """Everything that is due. Raises what the disk raises (cityhall_base.store.TROUBLE)."""
        self._undertaker.bury_all()  # first: it makes room where a full disk stops everything else
        if self._vault.sweep():
            self._end_keyless()
        self._sessions.end_idle()
        for job in self._store.live_jobs():
            if job.state in BEFORE_RELEASE and self._waited_too_long(job):
                self._step(job, Event.EXPIRE, Reason.NOT_PRESSED if job.approved_at else Reason.UNAPPROVED)
            elif job.state in AT_PRINTER and self._silent(job):
                self._step(job, Event.DOUBT, Reason.BUS_SILENT)
        for look in self.also:
            look()

    def _end_keyless(self) -> None:
        for job in self._store.live_jobs():
            if self._vault.holds(job.job):
                continue
            if job.state in BEFORE_RELEASE:
                self._step(job, Event.EXPIRE, Reason.KEY_GONE)
            elif job.state in AT_PRINTER:
                self._step(job, Event.DOUBT, Reason.BUS_SILENT)

    def _step(self, job: Job, event: Event, why: Reason) -> None:
        with self._store.event():
            if self._store.job(job.job) != job:
                return  # it has moved on since it was looked at; the next look judges it as it is then
            self._jobs.step(job, event, By.RELAY, why=why.bare)
            self._changes.concerns(job.bus)

    def _waited_too_long(self, job: Job) -> bool:
        if job.approved_at is None:
            return self._clock.utc_ms() >= job.created_at + self._limits.unapproved_s * 1000
        return self._clock.utc_ms() >= job.approved_at + self._limits.approved_s * 1000

    def _silent(self, job: Job) -> bool:
        # A bus that still syncs sees its printer and will say what became of the sheet; a dead one cannot.
        heard = max(job.changed_at, self._store.bus(job.bus).synced_at or 0)
        patience_s = self._limits.release_s + self._limits.printer_silence_s
        return self._clock.utc_ms() >= heard + patience_s * 1000
