"""`sync` → `plan`: take what the bus says about itself, and tell it what should be. All of it is one event."""

from collections.abc import Callable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_base.reasons import Reason
from cityhall_relay import planner
from cityhall_relay.answers import Answers
from cityhall_relay.identity import Identity, Taken
from cityhall_relay.inventory import Inventory
from cityhall_relay.jobs import Jobs
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus, Side
from cityhall_wire.headers import decode_seal_header
from cityhall_wire.lifecycle import By, Event, JobState
from cityhall_wire.limits import Limits
from cityhall_wire.messages.link import Holding, Sync
from cityhall_wire.messages.relay import Lease, Offer, Order, Plan

Lock = Callable[[Bus, Sync], Reason | None]
"""Why this bus, as it now says it is, gets neither lease nor session."""


Addition = Callable[[Bus, Sync], Mapping[str, object]]
"""Further fields of the plan, from the desk of another matter."""


class SyncDesk:
    """Answers syncs that are in order (cityhall_wire.messages.sequence) and properly signed."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        sessions: Sessions,
        inventory: Inventory,
        identity: Identity,
        answers: Answers,
        key: Ed25519PrivateKey,
        limits: Limits,
    ) -> None:
        self._store, self._jobs, self._sessions, self._inventory = store, jobs, sessions, inventory
        self._identity, self._answers, self._key, self._limits = identity, answers, key, limits
        self.locks: list[Lock] = []
        self.additions: list[Addition] = []
        self.duty_until: Callable[[str], int | None] = lambda bus: None
        self.heard: list[Callable[[Bus, Sync], None]] = []  # told of each sync, inside its event
        self.on_locked: Callable[[Bus, str], None] = lambda bus, locked: None

    def answer(self, bus: Bus, sync: Sync, re: bytes, now: int) -> bytes:
        """The signed plan; inside the running event. `bus` already carries this message's (boot, seq)."""
        wanted = sync.inventory is None and sync.inventory_digest != bus.inventory_digest
        taken = self._identity.follow(bus, sync, re)
        bus = self._locked(_told(taken.bus, sync, now), sync, now)
        taken = Taken(bus, taken.token)
        self._store.save_bus(bus)
        self._store.record("sync", bus=bus.bus, boot=sync.boot, seq=sync.seq, mode=sync.mode, lease=not bus.locked)
        for hears in self.heard:
            hears(bus, sync)
        if wanted:
            # Nobody knows what is missing on the bus: the plan asks for the inventory, and orders nothing.
            return self._answers.sign(self._plan(taken, sync, re, inventory_wanted=True, offers=(), orders=()))
        holdings = holdings_of(bus)
        self._inventory.apply(bus.bus, holdings)
        offers, orders = self._offers(bus.bus, holdings), self._orders(bus.bus, holdings)
        plan = self._plan(taken, sync, re, inventory_wanted=False, offers=offers, orders=orders)
        plan = planner.fit(plan, self._key)
        self._mark_offered(plan)
        return self._answers.sign(plan)

    def _plan(
        self,
        taken: Taken,
        sync: Sync,
        re: bytes,
        *,
        inventory_wanted: bool,
        offers: tuple[Offer, ...],
        orders: tuple[Order, ...],
    ) -> Plan:
        # A locked bus gets neither lease nor session: what it holds stays shut.
        bus, locked = taken.bus, taken.bus.locked
        session = None if locked else self._sessions.on_bus(bus.bus)
        return self._answers.message(
            Plan,
            bus.bus,
            re,
            token=taken.token,
            inventory_wanted=inventory_wanted,
            lease=None if locked else Lease(nonce=sync.nonce, seconds=self._limits.lease_s),
            session=self._sessions.view(session) if session else None,
            offers=offers,
            orders=orders,
            duty_until=self.duty_until(bus.bus),
            **{name: value for add in self.additions for name, value in add(bus, sync).items()},
            locked=locked or None,
        )

    def _locked(self, bus: Bus, sync: Sync, now: int) -> Bus:
        locked = next((reason.bare for locks in self.locks if (reason := locks(bus, sync))), "")
        self.on_locked(bus, locked)
        lease_until = bus.lease_until if locked else now + self._limits.lease_s * 1000
        return msgspec.structs.replace(bus, locked=locked, lease_until=lease_until)

    def _offers(self, bus: str, holdings: tuple[Holding, ...]) -> tuple[Offer, ...]:
        mine = [job for job in self._store.live_jobs() if job.bus == bus]
        return planner.offers(mine, holdings, self._limits.offers_per_bus)

    def _orders(self, bus: str, holdings: tuple[Holding, ...]) -> tuple[Order, ...]:
        found = [self._store.job(holding.job) for holding in holdings]
        known = {job.job: job for job in found if job is not None and job.bus == bus}
        receipted = {name for name, job in known.items() if job.destroyed_at and self._store.receipt(name, Side.BUS)}
        return planner.orders(known, receipted, holdings)

    def _mark_offered(self, plan: Plan) -> None:
        for offer in plan.offers:
            job = self._store.job(decode_seal_header(offer.seal_header).job)
            if job is not None and job.state is JobState.SEALED:
                self._jobs.step(job, Event.OFFER, By.RELAY)


def holdings_of(bus: Bus) -> tuple[Holding, ...]:
    """What the bus said last that it holds."""
    return msgspec.json.decode(bus.holdings, type=tuple[Holding, ...])


def _told(bus: Bus, sync: Sync, now: int) -> Bus:
    """The bus's row after what this sync says."""
    bus = msgspec.structs.replace(
        bus,
        synced_at=now,
        mode=str(sync.mode),
        spooler=sync.spooler,
        printer_state=sync.printer.state,
        printer_reasons=msgspec.json.encode(sync.printer.reasons).decode(),
        software=sync.software,
        config=sync.config,
    )
    if sync.inventory is None:
        return bus
    holdings = msgspec.json.encode(sync.inventory).decode()
    return msgspec.structs.replace(bus, inventory_digest=sync.inventory_digest, holdings=holdings)
