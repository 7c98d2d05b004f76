"""`/books`: sheet ledger (改ざん防止用紙受払簿) and fees of a bus and month, like the paper form; receiving and correcting."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cityhall_base import reasons
from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.words import Language
from cityhall_relay.books import Books
from cityhall_relay.console import sentences
from cityhall_relay.console.book_words import BookPage, CorrectWhy, difference, name_of, why
from cityhall_relay.console.dates import Dates, next_month
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.errors import RequestError, UnknownPlaceError
from cityhall_relay.ledger import Line, Shown, money, open_fees, shown, totals
from cityhall_relay.ledger_text import LedgerWord, column
from cityhall_relay.settings import Right
from cityhall_relay.web.books_desk import Correct, Receive
from cityhall_relay.web.exports import month_of
from cityhall_wire.books import BookEntry, Column
from cityhall_wire.sheets import Numbers

SEE_OTHER: Final = 303
LINES: Final = 100
"""Of sheets and of money on the page as it opens; a month may have two thousand, which are there on request and for paper."""

WORDS: Final = 20_000
"""Check words that are remembered: to work one out takes longer than to show the rest of its line."""

_COUNTS: Final = ("received", "issued", "spoiled", "lost", "test")


class FormLine(NamedTuple):
    """One line of the paper form: a day's columns, the numbers that moved, who wrote."""

    line: Line
    numbers: tuple[str, ...]
    by: tuple[str, ...]


class FormPage(NamedTuple):
    """One paper's month. `sums` are those of the columns between carried over and left."""

    paper: str
    name: str
    lines: tuple[FormLine, ...]
    sums: Mapping[str, int]
    differences: tuple[str, ...]  # as they are now


class Account(NamedTuple):
    """A fee that somebody must still see to."""

    job: str
    check_word: str
    yen: int


class BooksPages:
    """Read with `read`, written into with `books`; what is written is a wish that the bus writes down (books.py)."""

    def __init__(self, frame: Frame, books: Books, city: City, clock: Clock) -> None:
        self._frame, self._books, self._city, self._clock = frame, books, city, clock
        self._words: dict[str, str] = {}

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""
        show = door.shows(Right.READ, self._show)
        return [
            Route("/books", show, methods=["GET"]),
            Route("/books/{bus}/receive", door.takes(Right.BOOKS, self._receive), methods=["POST"]),
            Route("/books/{bus}/correct", door.takes(Right.BOOKS, self._correct), methods=["POST"]),
        ]

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        asked = request.query_params
        bus = asked.get("bus") or next(iter(self._city.vehicles))
        return self._page(
            visitor, bus, asked.get("month", ""), correct=asked.get("correct", ""), whole=asked.get("lines") == "all"
        )

    async def _receive(self, request: Request, visitor: Visitor, form: Form) -> Response:
        bus = str(request.path_params["bus"])
        try:
            ask = _read(form, Receive)
            self._books.receive(bus, ask.paper, ask.first, ask.last, visitor.who)
        except sentences.REFUSALS as error:
            return self._again(visitor, bus, form, error)
        return _back(bus, form)

    async def _correct(self, request: Request, visitor: Visitor, form: Form) -> Response:
        bus = str(request.path_params["bus"])
        instead = [one.strip() for one in form.get("instead", "").replace("、", ",").split(",") if one.strip()]
        try:
            ask = _read(form, Correct, instead=instead)
            self._books.correct(bus, ask.entry, ask.why, visitor.who, ask.instead)
        except sentences.REFUSALS as error:
            return self._again(visitor, bus, form, error, form.get("entry", ""))
        return _back(bus, form)

    def _again(self, visitor: Visitor, bus: str, form: Form, error: Exception, correct: str = "") -> Response:
        """The page with what was typed and why it was not taken."""
        said, status = sentences.sentence(error, visitor), sentences.status(error)
        return self._page(visitor, bus, form.get("month", ""), correct=correct, status=status, typed=form, said=said)

    def _page(
        self,
        visitor: Visitor,
        bus: str,
        month: str,
        *,
        correct: str = "",
        whole: bool = False,
        status: int = 200,
        typed: Form | None = None,
        said: str = "",
    ) -> Response:
        if bus not in self._city.vehicles:
            raise UnknownPlaceError(f"allowed: {', '.join(self._city.vehicles)}")
        month = month_of(month, lambda: business_day(self._clock.utc_ms()))
        mine, language = self._books.month(bus, month), visitor.language
        written = [entry for entry in mine if entry.paper is not None]
        values: dict[str, Any] = {
            "bus": bus,
            "month": month,
            "before": next_month(month, -1),
            "after": next_month(month, 1),
            "forms": self._forms(mine, month, bus, language),
            "lines": [self._shown(entry) for entry in (written if whole else written[-LINES:])],
            "left_out": 0 if whole else max(len(written) - LINES, 0),
            "whole": whole,
            "taken_back": self._books.taken_back(bus),
            "pending": [self._shown(wish) for wish in self._books.pending(bus)],
            "writes": Right.BOOKS in visitor.rights,
            "correct": self._line(bus, correct),
            "papers": {name: paper.name for name, paper in self._city.papers.items() if paper.controlled},
            "whys": {name_of(word): word for word in CorrectWhy},
            "typed": typed or {},
            "refused": said,
            "paper_name": self._paper,
        }
        about = {"B": BookPage, "L": LedgerWord, "why": lambda name: _why(name, language)}
        about |= {
            "column": lambda one: column({"column": one.column}, language),
            "money": self._money(bus, mine, whole=whole),
        }
        return self._frame.page(
            visitor, language, "books/books.html", status, **values, **about, **Dates(language).values()
        )

    def _forms(self, mine: Sequence[BookEntry], month: str, bus: str, language: Language) -> list[FormPage]:
        lines = self._books.ledger(bus, month)
        known = [name for name, paper in self._city.papers.items() if paper.controlled]
        papers = dict.fromkeys([*known, *(line.paper for line in lines)])
        book = self._books.book(bus)
        open_ = {name: tuple(difference(one, language) for one in book.paper(name).differences()) for name in papers}
        return [
            self._form(name, [one for one in lines if one.paper == name], mine, open_[name], language)
            for name in papers
        ]

    def _form(
        self, paper: str, lines: list[Line], mine: Sequence[BookEntry], open_: tuple[str, ...], language: Language
    ) -> FormPage:
        of_day: dict[str, list[BookEntry]] = {}
        for entry in mine:
            if entry.paper == paper:
                of_day.setdefault(entry.day, []).append(entry)
        made = tuple(FormLine(one, _numbers(of_day[one.day], language), _writers(of_day[one.day])) for one in lines)
        sums = {name: sum(getattr(one, name) for one in lines) for name in _COUNTS}
        return FormPage(paper, self._paper(paper), made, sums, open_)

    def _money(self, bus: str, mine: Iterable[BookEntry], *, whole: bool) -> dict[str, Any]:
        lines, book = money(mine, ""), self._books.book(bus)
        still = [Account(job, self._word(job), yen) for job, yen in open_fees(book, self._books.live(bus))]
        shown_ = [self._shown(one) for one in (lines if whole else lines[-LINES:])]
        left_out = len(lines) - len(shown_)
        return {"lines": shown_, "left_out": left_out, "sums": totals(lines), "open": still, "cash": book.cash}

    def _line(self, bus: str, entry: str) -> Shown | None:
        found = self._books.line(bus, entry) if entry else None
        return self._shown(found) if found else None

    def _paper(self, name: str) -> str:
        paper = self._city.papers.get(name)
        return paper.name if paper else name

    def _shown(self, entry: BookEntry) -> Shown:
        return shown(entry, self._word(entry.job or ""))

    def _word(self, name: str) -> str:
        if name and name not in self._words and (job := self._books.job(name)):
            if len(self._words) >= WORDS:
                self._words.clear()
            self._words[name] = str(job.check_word)
        return self._words.get(name, "")


def _read(form: Form, kind: Any, **more: Any) -> Any:
    try:
        return msgspec.convert({name: value.strip() for name, value in form.items()} | more, kind)
    except msgspec.ValidationError as error:
        raise RequestError(str(error).rsplit("`", 2)[-2] if "`" in str(error) else "") from None


def _back(bus: str, form: Form) -> Response:
    return RedirectResponse(f"/books?{urlencode({'bus': bus, 'month': form.get('month', '')})}", SEE_OTHER)


def _numbers(entries: Iterable[BookEntry], language: Language) -> tuple[str, ...]:
    """`交付 A-000001..A-000012`: neighbours joined, in the order of the form's columns."""
    found: dict[Column, Numbers] = {}
    for entry in entries:
        if entry.column is not Column.COUNTED:
            numbers = found.setdefault(entry.column, Numbers())
            for part in entry.spans:
                numbers.add(part, 1 if entry.sheets >= 0 else -1)
    comma = "、" if language is Language.JAPANESE else ", "
    return tuple(
        f"{column({'column': name}, language)} {comma.join(map(str, found[name].held))}"
        for name in Column
        if name in found and found[name].held
    )


def _writers(entries: Iterable[BookEntry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.by for entry in entries))


def _why(name: str, language: Language) -> str:
    ours = why(name, language)
    return reasons.sentence(name, language) if ours == name else ours
