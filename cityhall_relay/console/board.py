"""The board: `/`, its event stream, and what is done from it. Drawn once for all who may see the same, and once for each change."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_base.words import Language
from cityhall_relay.console.acts import Acts, back
from cityhall_relay.console.attention import needs
from cityhall_relay.console.board_view import BoardView, BusRow, Who
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.live import LOOK_S, Live
from cityhall_relay.console.visit_words import AttentionWord, BoardWord
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.day_words import DayWord
from cityhall_relay.errors import CallGoneError, NotAllowedError, NotFoundError, RequestError
from cityhall_relay.settings import Right
from cityhall_wire.lifecycle import JobState

_TOKEN: Final = secrets.token_hex(16)
"""Stands in a shared fragment for the visitor's own CSRF token."""

_WORDS: Final[dict[str, Any]] = {"B": BoardWord, "A": AttentionWord, "D": DayWord}
_DIGITS: Final = 3
MOST_ARTICLES: Final = 500
"""Drawn ones that are kept, of 6 kB each: ten buses for fifty kinds of visitors. With more, all are drawn anew."""

_PARTS: Final = ("mine", "attention", "calls", "buses")


class _Stamp(NamedTuple):
    """What a drawn board is true for: no change since, and not long ago."""

    change: asyncio.Event
    moment: int


class _Seen(NamedTuple):
    """All that a bus's article is drawn from."""

    row: BusRow
    language: Language
    sections: tuple[str, ...]
    may_grant: bool
    has_visit: bool


class Boards:
    """Fragments by event name."""

    def __init__(self, desks: Desks, frame: Frame) -> None:
        self._desks, self._frame = desks, frame
        self._stamp: _Stamp | None = None
        self._drawn: dict[Who, dict[str, str]] = {}
        self._rows: dict[tuple[Language, bool], list[BusRow]] = {}
        self._articles: dict[_Seen, Markup] = {}
        self._owners: frozenset[str] = frozenset()

    def of(self, visitor: Visitor) -> dict[str, str]:
        """As this visitor may see them, with their own token."""
        self._renew()
        own = visitor.who if visitor.who in self._owners else ""
        who = Who(visitor.rights, visitor.sections, visitor.language, own)
        if who not in self._drawn:
            self._drawn[who] = self._draw(who)
        token = str(escape(visitor.csrf))
        return {name: text.replace(_TOKEN, token) for name, text in self._drawn[who].items()}

    def _renew(self) -> None:
        clock = self._desks.clock
        stamp = _Stamp(self._desks.changes.next(), int(clock.boottime() // LOOK_S))
        if stamp != self._stamp:
            self._stamp, self._owners = stamp, self._people()
            self._drawn.clear()
            self._rows.clear()

    def _people(self) -> frozenset[str]:
        """Whose board is their own: who has a visit, a document in doubt, or one that waits for a second approver."""
        store = self._desks.store
        live, jobs = store.live_sessions(), store.live_jobs()
        waiting = [job for job in jobs if job.state is JobState.UNCERTAIN or job.approved_at is None]
        sessions = [*live, *filter(None, (store.session(job.session) for job in waiting))]
        approvers = (one.clerk for job in waiting for one in store.approvals(job.job))
        return frozenset(filter(None, (*(one.clerk for one in sessions), *approvers)))

    def _draw(self, who: Who) -> dict[str, str]:
        view = BoardView(self._desks, who)
        buses = self._buses(who, view)
        shared = Visitor(who.who, who.rights, who.sections, who.language, _TOKEN)
        values = {
            "view": view,
            "articles": [self._article(shared, view, row) for row in buses],
            "needs": needs(self._desks, who, view, buses),
        }
        return {
            part: self._frame.text(shared, who.language, f"board_{part}.html", **values, **_WORDS) for part in _PARTS
        }

    def _buses(self, who: Who, view: BoardView) -> list[BusRow]:
        """Read once for all who are told the same of them."""
        same = (who.language, view.counter)
        if same not in self._rows:
            self._rows[same] = view.buses()
        return self._rows[same]

    def _article(self, shared: Visitor, view: BoardView, row: BusRow) -> Markup:
        """Most of a board, and of ten changes nine are about another bus."""
        seen = _Seen(row, shared.language, shared.sections, view.may_grant, bool(view.mine))
        if seen not in self._articles:
            if len(self._articles) >= MOST_ARTICLES:
                self._articles.clear()
            made = self._frame.text(shared, shared.language, "board_bus.html", view=view, bus=row, **_WORDS)
            self._articles[seen] = Markup(made)  # noqa: S704 - our own template made it
        return self._articles[seen]


class BoardPages:
    """One method for each address."""

    def __init__(self, desks: Desks, frame: Frame, live: Live) -> None:
        self._desks, self._frame, self._live = desks, frame, live
        self._boards = Boards(desks, frame)
        self._acts = Acts(frame)

    def routes(self, door: Door) -> Sequence[Route]:
        """Everybody sees the board; calls, and what is done with them, are the counter's."""
        acts = self._acts
        return (
            Route("/", door.shows(None, self.board), methods=["GET"]),
            Route("/events/board", door.shows(None, self.events), methods=["GET"]),
            Route("/calls/{session}/accept", door.takes(Right.COUNTER, acts.form(self.accept)), methods=["POST"]),
            Route("/buses/{bus}/visit", door.takes(Right.COUNTER, acts.form(self.open)), methods=["POST"]),
            Route("/buses/{bus}/extend", door.takes(None, acts.form(self.extend)), methods=["POST"]),
        )

    async def board(self, request: Request, visitor: Visitor) -> Response:
        """The whole page."""
        parts = {name: Markup(text) for name, text in self._boards.of(visitor).items()}  # noqa: S704 - our own templates made it
        return self._frame.page(visitor, visitor.language, "board.html", parts=parts, **_WORDS)

    async def events(self, request: Request, visitor: Visitor) -> Response:
        """Its parts, live."""
        return self._live.stream(lambda: self._boards.of(visitor))

    async def accept(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """応答する."""
        name = request.path_params["session"]
        session = self._desks.store.session(name)
        if session is None:
            raise CallGoneError
        who = Who(visitor.rights, visitor.sections, visitor.language)
        if not who.answers_for(*self._desks.sessions.rings(session)):
            raise NotAllowedError
        self._desks.sessions.accept(visitor.who, name)
        return back(f"/visits/{name}")

    async def open(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """A visit that the clerk begins: after a call that nobody took, or for a reissue."""
        bus, section = request.path_params["bus"], form.get("section", "")
        if not Who(visitor.rights, visitor.sections, visitor.language).answers_for(section):
            raise NotAllowedError
        slot = _slot(form.get("slot", ""))
        session = self._desks.sessions.open(visitor.who, bus, section, form.get("stop", ""), slot)
        return back(f"/visits/{session.session}")

    async def extend(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """延長を認める, by whoever has the right, or by the clerk of the visit on that bus."""
        bus = request.path_params["bus"]
        if bus not in self._desks.city.vehicles:
            raise NotFoundError
        self._desks.duty.grant(visitor.who, bus, may=Right.DUTY in visitor.rights)
        mine = self._desks.sessions.on_bus(bus)
        return back(f"/visits/{mine.session}" if mine and mine.clerk == visitor.who else f"/#bus-{bus}")


def _slot(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise RequestError("the slot is a number of at most three digits")
    return int(text)
