"""Which scene is the stage of the moment: the first line of the table whose condition holds, by the snapshot alone."""

from collections.abc import Callable, Iterable
from typing import Final

from bus_agent.shown import JobShown, Snapshot
from bus_agent.tui.scene import Open
from cityhall_wire.lifecycle import AT_PRINTER, JobState
from cityhall_wire.messages.people import Which
from cityhall_wire.modes import RULES, DutyMode, may_meet

OPEN_TO_ANYBODY: Final = frozenset({DutyMode.ROUTE_BUS, DutyMode.ON_THE_WAY})
"""Nobody has to be signed in for them."""

QUIET_SCENES: Final = frozenset(
    {"day.mode", "sign_in", "sign_in.pin", "sign_in.code", "visit.outcome", "visit.spoiled", "visit.number"}
)
"""All that can be opened while the vehicle is a route bus."""

Found = Open | None


def now(seen: Snapshot) -> Open:
    """The scene, and what it is about."""
    return next(found for condition in TABLE if (found := condition(seen)))


def quiet(seen: Snapshot) -> bool:
    """The vehicle is a route bus, and nobody at the counter has to know more. A bus that is locked in the hours of duty (盗難)
    tells its crew what to do; out of them it tells passengers nothing."""
    return seen.mode is DutyMode.ROUTE_BUS and not (seen.locked and seen.duty.within_hours)


def _route_bus(seen: Snapshot) -> Found:
    if not quiet(seen):
        return None
    return Open("route_bus") if seen.printer_empty else Open("switch_off", _first(_uncertain(seen)))


def _locked(seen: Snapshot) -> Found:
    return Open("locked") if seen.locked else None


def _nobody(seen: Snapshot) -> Found:
    wanted = seen.signed_in.wanted and not seen.signed_in.who
    return Open("sign_in") if wanted and seen.mode not in OPEN_TO_ANYBODY else None


def _uncertain(seen: Snapshot) -> Iterable[JobShown]:
    return (job for job in seen.jobs if job.state == JobState.UNCERTAIN)


def _doubt(seen: Snapshot) -> Found:
    job = _first(_uncertain(seen))
    return Open("visit.outcome", job) if job else None


def _in_state(scene: str, *states: str) -> Callable[[Snapshot], Found]:
    def found(seen: Snapshot) -> Found:
        job = _first(job for job in seen.jobs if job.state in states)
        return Open(scene, job) if job else None

    return found


def _fee(seen: Snapshot) -> Found:
    if seen.session is None and seen.visit is None:
        return None  # an older one is no part of a visit: F11 has it
    here = seen.session.session if seen.session else None
    open_fees = [fee for fee in seen.books.open_fees if here in (fee.session, None)]
    return Open("visit.fee", open_fees[0].job) if open_fees else None


def _session(seen: Snapshot) -> Found:
    if seen.session is None:
        return None
    return Open("visit.talk") if seen.session.clerk else Open("visit.ringing")


def _ringing(seen: Snapshot) -> Found:
    return Open("visit.ringing") if seen.call else None


def _ended(seen: Snapshot) -> Found:
    if seen.visit is None:
        return None
    if seen.visit.unanswered:
        return Open("visit.unanswered")
    return Open("visit.feedback") if seen.visit.feedback else None


def _way(seen: Snapshot) -> Found:
    return Open("way") if seen.mode is DutyMode.ON_THE_WAY else None


def _opening(seen: Snapshot) -> Found:
    if not RULES[seen.mode].prints or not RULES[seen.mode].timed:
        return None
    left = (one for one in seen.checklists if one.which is Which.OPENING and not one.complete)
    return Open("opening") if any(left) else None


def _free(seen: Snapshot) -> Found:
    return Open("counter") if may_meet(seen.mode) else None


def _rest(_: Snapshot) -> Found:
    return Open("resting")


TABLE: Final[tuple[Callable[[Snapshot], Found], ...]] = (
    _route_bus,
    _locked,
    _nobody,
    _doubt,
    _in_state("visit.outcome", JobState.PRINTED),
    _in_state("visit.printing", *AT_PRINTER),
    _fee,
    _in_state("visit.card", JobState.ON_BUS),
    _in_state("visit.coming", JobState.OFFERED, JobState.SEALED),
    _session,
    _ringing,
    _ended,
    _way,
    _opening,
    _free,
    _rest,
)
"""What lies in the tray comes before what can wait; the last line always holds."""


def _first(jobs: Iterable[JobShown]) -> str:
    return next((job.job for job in jobs), "")
