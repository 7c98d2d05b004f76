"""The steps of one visit, as both screens show them: the same step, in the same words, at the same moment."""

from typing import Final

from cityhall_base.words import Word
from cityhall_wire.lifecycle import AT_PRINTER, ENDS, JobState


class VisitStep(Word):
    """In their order."""

    CALL = ("visit_step.call", "call")
    ANSWER = ("visit_step.answer", "answer")
    IDENTITY = ("visit_step.identity", "identity")
    DOCUMENT = ("visit_step.document", "document")
    ALLOW = ("visit_step.allow", "allow")
    PRINT = ("visit_step.print", "print")
    HAND_OVER = ("visit_step.hand_over", "hand over")


STEPS: Final = tuple(VisitStep)


def running(*, accepted: bool, checked: bool, state: str | None, approved: bool) -> VisitStep:
    """The step that is waited for. `state` is that of the running document, None where there is none or it has ended.

    `accepted`: a clerk is connected. 対応 is done with that, so what is waited for next is 本人確認; a document that is there
    already is past it, whatever the clerk has ticked.
    """
    if not accepted:
        return VisitStep.CALL
    if state is None or state in ENDS:
        return VisitStep.DOCUMENT if checked else VisitStep.IDENTITY
    if state in (JobState.PRINTED, JobState.UNCERTAIN):
        return VisitStep.HAND_OVER
    if state in AT_PRINTER or approved:
        return VisitStep.PRINT
    return VisitStep.ALLOW
