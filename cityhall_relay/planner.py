"""What a bus should have, computed from what it has. Level-triggered: the plan depends on the two states alone, not on how
often or in what order anything came before. No I/O.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_relay.store.rows import Job
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE, ENDS, JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.link import Holding
from cityhall_wire.messages.relay import Offer, Order, Plan

_A_PERSON_IS_ASKED: Final = AT_PRINTER | {JobState.PRINTED, JobState.UNCERTAIN}


def offers(jobs: Sequence[Job], holdings: Iterable[Holding], most: int) -> tuple[Offer, ...]:
    """The bus's jobs (oldest first) before their release that it does not hold, at most `most`."""
    held = {holding.job for holding in holdings}
    missing = [job for job in jobs if job.state in BEFORE_RELEASE and job.job not in held]
    return tuple(
        Offer(
            session=job.session,
            seal_header=job.seal_header,
            body_size=job.body_size,
            approved=job.approved_at is not None,
        )
        for job in missing[:most]
    )


def orders(known: Mapping[str, Job], receipted: set[str], holdings: Iterable[Holding]) -> tuple[Order, ...]:
    """Where city hall sees each job that the bus holds; live ones first, so that a shortened plan leaves out the old.

    `receipted` names the ended jobs whose deletion both sides have signed: the bus may drop them from its inventory.
    """
    every = [_order(known.get(holding.job), holding, receipted) for holding in holdings]
    found = [order for order in every if order is not None]
    return tuple(sorted(found, key=lambda order: order.state in ENDS))


def fit(plan: Plan, key: Ed25519PrivateKey) -> Plan:
    """The plan, shortened until its envelope is small enough; the next sync brings the rest."""
    while len(envelope.sign(plan, key)) > envelope.ENVELOPE_BYTES:
        if plan.offers:
            plan = msgspec.structs.replace(plan, offers=plan.offers[:-1])
        else:
            plan = msgspec.structs.replace(plan, orders=plan.orders[:-1])
    return plan


def _order(job: Job | None, holding: Holding, receipted: set[str]) -> Order | None:
    if job is None:
        return _order_for_unknown(holding)
    approved = job.approved_at is not None
    forget = job.job in receipted
    return Order(job=job.job, state=job.state, attempt=job.attempt, approved=approved, forget=forget)


def _order_for_unknown(holding: Holding) -> Order | None:
    # A relay that was restored from a backup may not know a job. No key for it exists any more, so it is dead on the
    # bus too, unless a sheet may have come out: then a person must be asked there, and nothing is ordered.
    if holding.state in _A_PERSON_IS_ASKED:
        return None
    return Order(job=holding.job, state=JobState.CANCELED, attempt=holding.attempt, approved=False, forget=True)
