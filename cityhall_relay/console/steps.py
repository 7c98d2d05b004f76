"""The seven steps of a visit, each with its time and who did it; the same words stand on the bus (cityhall_base/visit_steps.py)."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from cityhall_base import terms
from cityhall_base.visit_steps import STEPS, VisitStep, running
from cityhall_base.words import Language
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.visit_words import VisitWord
from cityhall_relay.store.rows import Job, Session
from cityhall_relay.store.visits import Checks
from cityhall_wire.lifecycle import AT_PRINTER, BEFORE_RELEASE, JobState

_S = JobState


class Mark(StrEnum):
    """How far a step is."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    BAD = "bad"


class StepShown(NamedTuple):
    """`at` is UTC milliseconds, None before; `note` is one word more, such as the state of the document."""

    step: VisitStep
    mark: Mark
    at: int | None = None
    who: str = ""
    note: str = ""


class _Done(NamedTuple):
    at: int | None
    who: str
    note: str = ""


def steps(
    desks: Desks, session: Session, checks: Checks | None, job: Job | None, language: Language
) -> tuple[StepShown, ...]:
    """In order. What is waited for is worked out as on the bus, while the visit or its document goes on."""
    done = dict(_done(desks, session, checks, job, language))
    failed = job is not None and job.state not in (_S.HANDED_OVER, *BEFORE_RELEASE, *AT_PRINTER, _S.PRINTED)
    now = _now(session, checks, job)

    def shown(step: VisitStep) -> StepShown:
        if step not in done:
            return StepShown(step, Mark.NOW if step is now else Mark.AHEAD)
        mark = Mark.BAD if failed and step is VisitStep.PRINT else Mark.DONE
        return StepShown(step, mark, *done[step])

    return tuple(map(shown, STEPS))


def _now(session: Session, checks: Checks | None, job: Job | None) -> VisitStep | None:
    if not session.live and (job is None or job.ended):
        return None
    if job is not None and job.state is _S.HANDED_OVER:
        return None  # all of its steps are done
    return running(
        accepted=True,
        checked=checks is not None and checks.complete,
        state=job.state if job else None,
        approved=job is not None and job.approved_at is not None,
    )


def _done(
    desks: Desks, session: Session, checks: Checks | None, job: Job | None, language: Language
) -> Iterator[tuple[VisitStep, _Done]]:
    concierge, clerk = VisitWord.BY_CONCIERGE.say(language), VisitWord.BY_CLERK.say(language, session.clerk)
    called = session.accepted_at != session.opened_at
    yield VisitStep.CALL, _Done(session.opened_at, concierge if called else clerk)
    yield VisitStep.ANSWER, _Done(session.accepted_at, clerk)
    if checks is not None and checks.complete:
        yield VisitStep.IDENTITY, _Done(checks.at, VisitWord.BY_CLERK.say(language, checks.by))
    elif job is not None:
        yield VisitStep.IDENTITY, _Done(None, "", VisitWord.NOT_NEEDED.say(language))
    if job is None:
        return
    yield VisitStep.DOCUMENT, _Done(job.created_at, clerk)
    if job.approved_at is not None:
        who = ", ".join(VisitWord.BY_CLERK.say(language, one.clerk) for one in desks.store.approvals(job.job))
        yield VisitStep.ALLOW, _Done(job.approved_at, who)
    times = {step.state: step.at for step in desks.store.steps(job.job)}
    if _S.PRINTED in times or job.state in (_S.HANDED_OVER, _S.SPOILED, _S.UNCERTAIN, _S.NOT_PRINTED):
        at = times.get(_S.PRINTED, times.get(_S.PRINTING, job.changed_at))
        note = "" if job.state in (_S.PRINTED, _S.HANDED_OVER) else terms.state(job.state, language)
        yield VisitStep.PRINT, _Done(at, concierge, note)
    elif job.ended:
        yield VisitStep.PRINT, _Done(job.changed_at, "", terms.state(job.state, language))
    if job.state is _S.HANDED_OVER:
        yield VisitStep.HAND_OVER, _Done(job.changed_at, concierge)
