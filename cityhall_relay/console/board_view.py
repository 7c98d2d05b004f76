"""What the board shows: calls, what needs attention, the buses. Read from the desks, written nowhere; no name is in it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from cityhall_base import terms
from cityhall_base.city import City, Section, Service
from cityhall_base.clock import business_day, jst
from cityhall_base.printer_state import PrinterWord, Severity, notes
from cityhall_base.reasons import Reason, sentence
from cityhall_base.timetable import MINUTE_MS
from cityhall_base.words import Language
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.strip import Strip, strip
from cityhall_relay.console.visit_words import BoardWord
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Bus, Session
from cityhall_relay.views import bus_view
from cityhall_wire.modes import DutyMode, may_meet

TAKEN_S: Final = 60
"""So long a call that somebody took still says who: the others were about to press as well."""

WAITED_STEP_S: Final = 5
LOW: Final = 10
"""Sheets: two long certificates."""

DAY_MS: Final = 24 * 3600 * 1000
HEARD_TIMES: Final = 3
"""A bus is quiet when it missed so many syncs."""


class Who(NamedTuple):
    """For whom a board is drawn. `who` is empty where it is nobody's own: then all who may see the same share it."""

    rights: frozenset[Right]
    sections: tuple[str, ...]
    language: Language
    who: str = ""

    def answers_for(self, *sections: str) -> bool:
        """Whether one of them is this person's; whoever has none named answers for all."""
        return not self.sections or bool(set(self.sections) & set(sections))


class Shown(NamedTuple):
    """A word and how it looks: good, weak, bad or calm."""

    text: str
    level: str = "good"


class CallRow(NamedTuple):
    """A call, or one that was taken a moment ago (`taken_by`)."""

    session: str
    section: str
    bus: str
    stop: str
    slot: int
    waited_s: int
    left_s: int
    deputy_of: str
    taken_by: str


class VisitRow(NamedTuple):
    """What is at the counter of a bus now. `clerk` is empty while it rings."""

    section: str
    clerk: str
    slot: int


class BusRow(NamedTuple):
    """One bus."""

    bus: str
    name: str
    mode: Shown
    stop: str
    line: Shown
    printer: Shown
    papers: tuple[tuple[str, Shown], ...]  # by name
    visit: VisitRow | None
    strip: Strip | None
    locked: str
    asked_min: int
    on_duty: bool  # somebody sits there, or may
    may_open: bool
    at: str  # the stop's name in city.toml
    unanswered: str  # the section of today's last call, where nobody took it


def name_of(one: Section | Service, language: Language) -> str:
    """In the visitor's language."""
    return one.name if language is Language.JAPANESE else one.name_en


def section_name(city: City, name: str, language: Language) -> str:
    """A row may be older than the present city.toml."""
    one = city.sections.get(name)
    return name_of(one, language) if one else name


class BoardView:
    """Everything as it is at this moment."""

    def __init__(self, desks: Desks, who: Who) -> None:
        self._desks, self._who = desks, who
        self._now = desks.clock.utc_ms()
        self.live = {one.bus: one for one in desks.store.live_sessions()}

    @property
    def counter(self) -> bool:
        """Whether calls are for this person at all."""
        return Right.COUNTER in self._who.rights

    @property
    def may_grant(self) -> bool:
        """Whether extensions are."""
        return Right.DUTY in self._who.rights

    @property
    def mine(self) -> str:
        """This person's own live session."""
        return next((one.session for one in self.live.values() if self._who.who and one.clerk == self._who.who), "")

    @property
    def sections(self) -> dict[str, str]:
        """This person's, with their names."""
        known = self._desks.city.sections.items()
        return {name: name_of(one, self._who.language) for name, one in known if self._who.answers_for(name)}

    @property
    def stops(self) -> dict[str, str]:
        """All of the city."""
        return {name: one.name for name, one in self._desks.city.stops.items()}

    def calls(self) -> list[CallRow]:
        """What rings for this person, the longest first, then what was just taken."""
        if not self.counter:
            return []
        rings = self._desks.sessions.rings
        ringing = [one for one in self._desks.sessions.calls() if self._who.answers_for(*rings(one))]
        taken = [one for one in self.live.values() if self._just_taken(one) and self._who.answers_for(*rings(one))]
        return [self._call(one) for one in (*ringing, *taken)]

    def buses(self) -> list[BusRow]:
        """In the order of city.toml."""
        return [self._bus(name) for name in self._desks.city.vehicles]

    def _just_taken(self, one: Session) -> bool:
        at = one.accepted_at
        return at is not None and at != one.opened_at and self._now < at + TAKEN_S * 1000

    def _call(self, one: Session) -> CallRow:
        city, waited = self._desks.city, max(0, self._now - one.opened_at) // 1000
        own = self._who.answers_for(one.section)
        return CallRow(
            session=one.session,
            section=self.section(one.section),
            bus=city.vehicles[one.bus].name,
            stop=self.stops.get(one.stop, ""),
            slot=one.slot,
            waited_s=waited - waited % WAITED_STEP_S,
            left_s=max(0, city.limits.call_s - waited),
            deputy_of="" if own else self.section(one.section),
            taken_by=one.clerk,
        )

    def _bus(self, name: str) -> BusRow:
        city, bus, session = self._desks.city, self._desks.store.bus(name), self.live.get(name)
        asked, sessions = self._desks.duty.pending(name), today(self._desks, name)
        mode = DutyMode(bus.mode) if bus.mode else None
        return BusRow(
            bus=name,
            name=city.vehicles[name].name,
            mode=Shown(terms.mode(mode, self._who.language), "good") if mode else Shown("", "calm"),
            stop=self.stops.get(bus.stop, ""),
            line=self._line(bus),
            printer=printer(self._desks, bus, self._who.language),
            papers=tuple(self._papers(name)),
            visit=VisitRow(self.section(session.section), session.clerk, session.slot) if session else None,
            strip=self._strip(name, session, sessions),
            locked=sentence(bus.locked, self._who.language) if bus.locked else "",
            asked_min=asked.minutes if asked else 0,
            on_duty=mode is not None and may_meet(mode),
            may_open=self.counter and session is None and mode is not None and may_meet(mode) and not bus.locked,
            at=bus.stop,
            unanswered=unanswered(sessions),
        )

    def _line(self, bus: Bus) -> Shown:
        language, heard = self._who.language, bus.synced_at
        if heard is None:
            return Shown(BoardWord.LINE_NEVER.say(language), "calm")
        late = self._now > heard + HEARD_TIMES * self._desks.city.limits.sync_s * 1000
        if late or self._desks.online(bus.bus) is False:
            return Shown(BoardWord.LINE_QUIET.say(language, jst(heard).strftime("%H:%M")), "calm")
        return Shown(BoardWord.LINE_UP.say(language))

    def _papers(self, bus: str) -> Iterator[tuple[str, Shown]]:
        for name, paper in self._desks.city.papers.items():
            if paper.controlled:
                left = self._desks.books.book(bus).paper(name).left
                text = BoardWord.LEFT.say(self._who.language, str(left))
                yield paper.name, Shown(text, "bad" if left <= 0 else "weak" if left < LOW else "good")

    def _strip(self, bus: str, session: Session | None, sessions: list[Session]) -> Strip | None:
        slots = self._desks.slots.of(bus, business_day(self._now))
        if not slots:
            return None
        midnight = self._now - minute_of(self._now) * MINUTE_MS
        hours = self._desks.duty.hours(bus)
        span = (
            (minute_of(hours.start), (hours.end - midnight) // MINUTE_MS) if hours else (slots[0].start, slots[-1].end)
        )
        at = session.slot if session and session.clerk else 0
        done = {one.slot for one in sessions if not one.live and one.accepted_at is not None}
        return strip(slots, span, minute_of(self._now), done, at)

    def section(self, name: str) -> str:
        """Its name for people."""
        return section_name(self._desks.city, name, self._who.language)


def unanswered(sessions: list[Session]) -> str:
    """The section of the last one, where it was a call that nobody took; else nothing."""
    last = next(reversed(sessions), None)
    return last.section if last is not None and last.why_ended == Reason.UNANSWERED.bare else ""


def today(desks: Desks, bus: str) -> list[Session]:
    """The sessions of this JST day, oldest first."""
    now = desks.clock.utc_ms()
    begun = jst(now).replace(hour=0, minute=0, second=0, microsecond=0)
    since = int(begun.timestamp() * 1000)
    return desks.store.sessions_between(bus, since, since + DAY_MS)


def minute_of(utc_ms: int) -> int:
    """Of the day in Japan Standard Time."""
    at = jst(utc_ms)
    return at.hour * 60 + at.minute


def printer(desks: Desks, bus: Bus, language: Language) -> Shown:
    """What the bus said last, in words."""
    if not bus.printer_state:
        return Shown(BoardWord.PRINTER_UNSEEN.say(language), "calm")
    said = bus_view(desks.city, bus, None, None).printer
    lies = desks.city.printers[desks.city.vehicles[bus.bus].printer].lies
    found = notes(said.state, said.reasons, lies)
    if found:
        return Shown(found[0].word.say(language), "bad" if found[0].severity is Severity.NOW else "weak")
    if bus.printer_state == "processing":
        return Shown(PrinterWord.PRINTING.say(language))
    return Shown(BoardWord.PRINTER_WELL.say(language))
