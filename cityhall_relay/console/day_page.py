"""`/days/{bus}`: one day of one bus as an auditor reads it, its incidents closed with a reason; `/checklists`: a month of them."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cityhall_base import reasons, terms
from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.words import Language
from cityhall_relay.books import Books
from cityhall_relay.checklists import ON_DUTY
from cityhall_relay.console.book_words import BY_HAND, BookPage, difference_of, name_of, why
from cityhall_relay.console.books_pages import SEE_OTHER
from cityhall_relay.console.dates import Dates, next_day, next_month
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.day import day_view
from cityhall_relay.day_words import CAUSES, FACES, HOW, INCIDENTS, LISTS, DayWord
from cityhall_relay.errors import NotFoundError, RequestError
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.ledger_text import LedgerWord
from cityhall_relay.settings import Right
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Incident
from cityhall_relay.web.exports import month_of
from cityhall_wire.messages.people import How, Which
from cityhall_wire.modes import DutyCause, DutyMode

_LONGEST: Final = 19
"""Digits of an incident's number that are looked at."""


class Mark(NamedTuple):
    """One checklist of one day in the overview."""

    which: Which
    state: str  # complete, missing, not_yet, no_duty
    at: int
    not_well: int


class DayPages:
    """Read with `read`; an incident is closed with `books`."""

    def __init__(
        self,
        frame: Frame,
        store: RelayStore,
        city: City,
        books: Books,
        incidents: Incidents,
        clock: Clock,
    ) -> None:
        self._frame, self._store, self._city, self._books = frame, store, city, books
        self._incidents, self._clock = incidents, clock

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""
        show = door.shows(Right.READ, self._day)
        overview = door.shows(Right.READ, self._overview)
        close = door.takes(Right.BOOKS, self._close)
        return [
            Route("/days/{bus}", show, methods=["GET"]),
            Route("/checklists", overview, methods=["GET"]),
            Route("/incidents/{n}/close", close, methods=["POST"]),
        ]

    async def _day(self, request: Request, visitor: Visitor) -> Response:
        bus, day = str(request.path_params["bus"]), request.query_params.get("day") or self._today()
        seen = day_view(self._store, self._city, self._books, bus, day)
        values: dict[str, Any] = {
            "seen": seen,
            "before": next_day(day, -1),
            "after": next_day(day, 1),
            "faces": FACES,
            "writes": Right.BOOKS in visitor.rights,
            "reasons": {name_of(word): word for word in BY_HAND},
            "controlled": {name: paper.name for name, paper in self._city.papers.items()},
        }
        return self._page(visitor, "books/day.html", **values)

    async def _close(self, request: Request, visitor: Visitor, form: Form) -> Response:
        reason = form.get("why", "")
        if reason not in map(name_of, BY_HAND):
            raise RequestError("a reason of the list")
        text = str(request.path_params["n"])
        if not (text.isascii() and text.isdigit() and len(text) < _LONGEST):
            raise NotFoundError
        with self._store.event():
            closed = self._store.incident(int(text))
            if closed.open:
                closed = self._incidents.close(closed.n, visitor.who, reason)
        return RedirectResponse(f"/days/{closed.bus}?{urlencode({'day': closed.day})}#incidents", SEE_OTHER)

    async def _overview(self, request: Request, visitor: Visitor) -> Response:
        month = month_of(request.query_params.get("month", ""), self._today)
        values = {
            "month": month,
            "before": next_month(month, -1),
            "after": next_month(month, 1),
            "days": {day: {bus: self._marks(bus, day) for bus in self._city.vehicles} for day in self._days(month)},
            "lists": [which for which in Which if self._city.checklists.of(which)],
        }
        return self._page(visitor, "books/checklists.html", **values)

    def _page(self, visitor: Visitor, template: str, **values: Any) -> Response:
        language, dates = visitor.language, Dates(visitor.language)
        words: dict[str, Any] = {
            "B": BookPage,
            "D": DayWord,
            "L": LedgerWord,
            "list_name": lambda which: LISTS[Which(which)],
            "cause": lambda name: CAUSES[DutyCause(name)].say(language) if name in set(DutyCause) else name,
            "mode": lambda name: terms.mode(name, language) if name in set(DutyMode) else name,
            "state": lambda name: terms.state(name, language),
            "how": lambda name: HOW[How(name)].say(language) if name in set(How) else name,
            "reason": lambda name: reasons.sentence(name, language),
            "incident": lambda one: _incident(one, language),
            "detail": lambda one: incident_detail(one, language),
            "difference": lambda text: difference_of(text, language) or text,
            "closed_why": lambda name: why(name, language),
            "service_name": self._service(language),
            "section_name": self._section(language),
            "stop_name": lambda name: self._city.stops[name].name if name in self._city.stops else name,
        }
        return self._frame.page(visitor, language, template, **values, **words, **dates.values())

    def _service(self, language: Language) -> Callable[[str], str]:
        known = self._city.services
        return lambda name: _named(known[name], language) if name in known else name

    def _section(self, language: Language) -> Callable[[str], str]:
        known = self._city.sections
        return lambda name: _named(known[name], language) if name in known else name

    def _marks(self, bus: str, day: str) -> list[Mark]:
        came = {one.which: one for one in self._store.checklists(bus, day)}
        missing = {
            one.detail.split(" ")[0]
            for one in self._store.incidents(bus)
            if one.what == What.CHECKLIST and one.day == day
        }
        on_duty = any(one.mode in ON_DUTY for one in self._store.modes_seen(bus, day))
        still = "missing" if day < self._today() else "not_yet"
        marks = []
        for which in Which:
            if not self._city.checklists.of(which):
                continue
            one = came.get(which)
            if one is not None:
                marks.append(Mark(which, "complete", one.at, sum(not item.ok for item in one.said)))
            else:
                state = "missing" if which in missing else still if on_duty else "no_duty"
                marks.append(Mark(which, state, 0, 0))
        return marks

    def _days(self, month: str) -> list[str]:
        """Of the month as far as it has come, newest first."""
        first = date.fromisoformat(f"{month}-01")
        days = (first + timedelta(days=n) for n in range(31))
        return [one.isoformat() for one in days if one.isoformat()[:7] == month and one.isoformat() <= self._today()][
            ::-1
        ]

    def _today(self) -> str:
        return business_day(self._clock.utc_ms())


def _incident(one: Incident, language: Language) -> str:
    return INCIDENTS[one.what].say(language) if one.what in INCIDENTS else one.what


def incident_detail(one: Incident, language: Language) -> str:
    """What is kept in ids and numbers alone, in words."""
    first, _, rest = one.detail.partition(" ")
    match one.what:
        case What.CHECKLIST if first in set(Which):
            return LISTS[Which(first)].say(language)
        case What.CASH if rest == "yen":
            return f"{first}{LedgerWord.YEN.say(language)}"
        case What.SHEETS:
            return difference_of(one.detail, language) or one.detail
        case _:
            return reasons.sentence(one.detail, language)


def _named(one: Any, language: Language) -> str:
    return str(one.name if language is Language.JAPANESE else one.name_en)
