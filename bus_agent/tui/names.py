"""What the city calls things, and the drawer's next numbers: looked up by the scenes of the counter."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from bus_agent.shown import JobShown, PaperShown, SectionShown, ServiceShown
from bus_agent.tui.scene import Context, Text, Visit
from cityhall_base.visit_steps import STEPS, running
from cityhall_base.words import Language
from cityhall_wire.errors import SerialError
from cityhall_wire.lifecycle import ENDS, JobState
from cityhall_wire.sheets import span

OUT: Final = frozenset({JobState.PRINTED, JobState.UNCERTAIN})
"""Their sheets have left the drawer, and stand in no book yet."""


def section_of(context: Context, section: str) -> SectionShown:
    """The section; one that the city does not know stands for itself."""
    unknown = SectionShown(section=section, name=section, name_en=section, phone="", video="")
    return next((one for one in context.city.sections if one.section == section), unknown)


def section_name(context: Context, section: str) -> str:
    """As people say it."""
    one = section_of(context, section)
    return one.name if context.language is Language.JAPANESE else one.name_en


def service_of(context: Context, service: str) -> ServiceShown:
    """What the document is; one that the city does not know stands for itself."""
    unknown = ServiceShown(service=service, name=service, name_en=service, fee_yen=0, paper="")
    return next((one for one in context.city.services if one.service == service), unknown)


def service_name(context: Context, service: str) -> str:
    """As people say it."""
    one = service_of(context, service)
    return one.name if context.language is Language.JAPANESE else one.name_en


def stop_name(context: Context, stop: str) -> str:
    """As people say it."""
    return next((one.name for one in context.city.stops if one.stop == stop), stop)


def job_of(context: Context, name: str) -> JobShown:
    """The document; raises LookupError where it is gone."""
    return next(iter(job for job in context.seen.jobs if job.job == name), None) or _gone(name)


def _gone(name: str) -> JobShown:
    raise LookupError(name)


def others(context: Context, job: JobShown) -> int:
    """How many more documents of the session wait for her."""
    return sum(one.state not in ENDS and one.job != job.job for one in context.seen.jobs)


def visit(context: Context, job: JobShown | None = None) -> Visit:
    """The steps of the visit, as the clerk's page shows them."""
    session = context.seen.session
    step = running(
        accepted=(session is not None and session.clerk is not None) or job is not None,
        checked=session is not None and session.checked,
        state=None if job is None else job.state,
        approved=job is not None and job.approved,
    )
    return Visit(steps=tuple(context.say(one) for one in STEPS), now=STEPS.index(step))


def drawer(context: Context, job: JobShown) -> PaperShown | None:
    """The numbered paper of this document, None where its sheets have no numbers."""
    return next((one for one in context.seen.books.papers if one.paper == job.paper), None)


def next_numbers(context: Context, job: JobShown) -> tuple[str, ...]:
    """What its sheets should be, from the first; those of documents that lie beside the printer come before."""
    paper = drawer(context, job)
    if paper is None:
        return ()
    before = 0
    for one in context.seen.jobs:
        if one.job == job.job:
            break
        before += one.sheets if one.state in OUT and one.paper == job.paper else 0
    return tuple(islice(_numbers(paper.rows), before, before + job.sheets))


def _numbers(rows: tuple[str, ...]) -> Iterator[str]:
    for row in rows:
        try:
            part = span(row)
        except SerialError:
            return
        yield from (str(part.at(number, number)) for number in range(part.first, part.last + 1))


def numbers_from(first: str, count: int) -> tuple[str, ...]:
    """So many from this one on; what is no number stands for itself each time (a sheet that cannot be read is `?`)."""
    try:
        part = span(first)
    except SerialError:
        return (first,) * count
    return tuple(str(part.at(number, number)) for number in range(part.first, part.first + count))


EMPTY: Final = Text(text="")
