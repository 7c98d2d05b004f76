"""What needs attention: a list of sentences, each with the address where it is mended. Empty is a good state."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from cityhall_base.city import City
from cityhall_relay.console.board_view import BoardView, BusRow, Who
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.visit_words import AttentionWord
from cityhall_relay.day_words import INCIDENTS
from cityhall_relay.incidents import What
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Incident, Job
from cityhall_wire.lifecycle import BEFORE_RELEASE, JobState

_BOOKS: Final = frozenset({What.SHEETS, What.CASH})
"""Mended in the books; every other incident on its day's page."""

_LOCKS: Final = frozenset({What.LOCKED, What.CLONE, What.LOST})
"""Said already where the bus is locked by them."""


class Need(NamedTuple):
    """`sentence` says what is wrong, `detail` the rest; `href` leads to where it is mended."""

    sentence: str
    detail: str
    href: str
    level: str  # bad: paper or people wait; weak: look here


def needs(desks: Desks, who: Who, view: BoardView, buses: list[BusRow]) -> list[Need]:
    """What people wait for first."""
    found = [
        *_jobs(desks, who, view),
        *(need for row in buses for need in _of_bus(who, row)),
        *_incidents(desks, who, {row.bus for row in buses if row.locked}),
    ]
    return sorted(found, key=lambda one: one.level != "bad")


def _jobs(desks: Desks, who: Who, view: BoardView) -> Iterator[Need]:
    if not view.counter:
        return
    for job in desks.store.live_jobs():
        session = desks.store.session(job.session)
        if session is None or not who.answers_for(session.section):
            continue
        bus, own = desks.city.vehicles[job.bus].name, bool(who.who) and session.clerk == who.who
        about = f"{job.check_word} · {session.clerk}"
        if job.state is JobState.UNCERTAIN:
            href = f"/visits/{job.session}?job={job.job}" if own else f"#bus-{job.bus}"
            yield Need(AttentionWord.UNCERTAIN.say(who.language, bus), about, href, "bad")
        elif not own and _waits_for_second(desks, job, who.who):
            yield Need(AttentionWord.SECOND.say(who.language, bus), about, f"/jobs/{job.job}", "bad")


def _waits_for_second(desks: Desks, job: Job, who: str) -> bool:
    if job.state not in BEFORE_RELEASE or job.approved_at is not None:
        return False
    allowed = {one.clerk for one in desks.store.approvals(job.job)}
    return bool(allowed) and who not in allowed


def _of_bus(who: Who, row: BusRow) -> Iterator[Need]:
    here, language = f"#bus-{row.bus}", who.language
    if row.locked:
        yield Need(AttentionWord.LOCKED.say(language, row.name), row.locked, here, "bad")
    if row.asked_min:
        yield Need(AttentionWord.EXTENSION.say(language, row.name), "", here, "weak")
    if row.printer.level == "bad" and row.on_duty:
        yield Need(AttentionWord.PRINTER.say(language, row.name), row.printer.text, here, "weak")
    if Right.COUNTER in who.rights and row.unanswered and who.answers_for(row.unanswered):
        yield Need(AttentionWord.UNANSWERED.say(language, row.name), "", here, "bad")


def _incidents(desks: Desks, who: Who, locked: set[str]) -> Iterator[Need]:
    for what in What:
        for one in desks.store.open_incidents(what):
            if not (what in _LOCKS and one.bus in locked):
                yield _incident(desks.city, who, what, one)


def _incident(city: City, who: Who, what: What, one: Incident) -> Need:
    vehicle = city.vehicles.get(one.bus)
    sentence = AttentionWord.INCIDENT.say(who.language, vehicle.name if vehicle else one.bus)
    pages = f"/books?bus={one.bus}" if what in _BOOKS else f"/days/{one.bus}?day={one.day}"
    href = pages if Right.READ in who.rights else f"#bus-{one.bus}"
    return Need(sentence, INCIDENTS[str(what)].say(who.language), href, "weak")
