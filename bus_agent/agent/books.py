"""The bus's books: numbered paper (改ざん防止用紙受払簿) and fees (手数料). This is their one writer.

Each line is written in the transaction of the fact that it follows from, and waits there for city hall, whose book is the
replay of these lines. What city hall wants in it comes as a wish with a plan, and is written here under the wish's id.
"""

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from bus_agent.agent.book_shelf import Shelf
from bus_agent.agent.duty import Duty
from bus_agent.agent.facts import Scribe
from bus_agent.agent.finding import Finding
from bus_agent.agent.planning import Planner
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import Syncer
from bus_agent.book_errors import (
    CountError,
    FeeAmountError,
    NoFeeError,
    NoSheetsError,
    SheetsDifferError,
    SheetsKnownError,
    SheetsNotHeldError,
    SheetsOutError,
    TooManySheetsError,
    UnknownPaperError,
)
from bus_agent.errors import NumbersError, UnknownJobError
from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import Reason
from cityhall_base.words import Word
from cityhall_wire.books import (
    MOST_SHEETS,
    Account,
    Book,
    BookEntry,
    Column,
    Difference,
    Fault,
    PaperBook,
    fiscal_year,
    line_of,
)
from cityhall_wire.check_word import check_word
from cityhall_wire.lifecycle import AT_PRINTER, JobState
from cityhall_wire.messages.link import Entry
from cityhall_wire.messages.relay import Plan
from cityhall_wire.modes import JobClass
from cityhall_wire.sheets import UNREADABLE, Numbers, Span, between, readable, span

OUT: Final = AT_PRINTER | {JobState.PRINTED, JobState.UNCERTAIN}
"""States in which sheets are neither in the drawer nor in the book."""

CITY_HALL: Final = "city-hall"


class BooksWord(Word):
    """What is said of the books."""

    SHEETS_AGREE = ("books.sheets_agree", "The sheets were counted today, and agree with the ledger.")
    SHEETS_UNCOUNTED = ("books.sheets_uncounted", "{detail}: not counted since the last sheet; count them.")
    SHEETS_DIFFER = ("books.sheets_differ", "Ledger and drawer differ: {detail}")
    CASH_AGREES = ("books.cash_agrees", "The cash was counted today, and agrees with the books.")
    CASH_UNCOUNTED = ("books.cash_uncounted", "The cash is not counted since it last changed; count it.")
    CASH_DIFFERS = ("books.cash_differs", "The cash box differs from the books by {detail} yen.")
    FEES_SETTLED = ("books.fees_settled", "Every fee is received, waived or refunded.")
    FEES_OPEN = ("books.fees_open", "Fees are open: {detail}")
    ALL_CLAIMED = ("books.all_claimed", "No sheet is left over.")
    UNCLAIMED = ("books.unclaimed", "Say what became of these documents: {detail}")
    MISSING = ("books.missing", "Missing in the drawer: {detail}")
    EXTRA = ("books.extra", "In the drawer, and not in the ledger: {detail}")
    USED_TWICE = ("books.used_twice", "Used twice: {detail}")
    NOT_HELD = ("books.not_held", "Used, and never received: {detail}")
    HELD_TWICE = ("books.held_twice", "Received twice: {detail}")
    NEGATIVE = ("books.negative", "More sheets were used than there were: {detail}")


class OpenFee(NamedTuple):
    """A fee that somebody must still see to: above 0 yen to be paid or waived, below to be refunded."""

    job: str
    check_word: str
    yen: int
    session: str


def said(one: Difference) -> tuple[BooksWord, str]:
    """A difference as people read it: its word, and the numbers, or how many sheets."""
    return BooksWord[Fault(one.fault).name], ", ".join(one.numbers) or str(one.sheets)


class Books:
    """All of it. `tell` sends what waits. Raises RefusedError."""

    def __init__(
        self, store: BusStore, duty: Duty, scribe: Scribe, city: City, clock: Clock, tell: Callable[[], None]
    ) -> None:
        self._store, self._duty, self._scribe, self._city = store, duty, scribe, city
        self._clock, self._tell = clock, tell
        self._shelf = Shelf(store)

    def join(self, planner: Planner, syncer: Syncer) -> None:
        """Where the books have a say: before a print, and in what both sides tell each other."""
        self._duty.blocks.append(self.block)
        planner.hears.append(self.hear)
        planner.spoils.append(self.void)
        syncer.says.append(self.in_sync)

    @property
    def book(self) -> Book:
        """As it stands."""
        return self._shelf.now()

    @property
    def today(self) -> str:
        """The JST date of the box's clock."""
        return business_day(self._clock.utc_ms())

    # --- what goes with other facts, inside their event ---

    def issued(self, job: Job, named: tuple[str, ...] = ()) -> BookEntry | None:
        """Its sheets are handed over: the numbers that were named, or the next ones of the drawer. None: no book has it."""
        fee = self._city.services[job.header.service].fee_yen if job.header.service in self._city.services else 0
        if self._shelf.has(line_of(job.job)) or not (self.controlled(job) or fee):
            return None
        column = Column.TEST if job.header.job_class is JobClass.TEST else Column.ISSUED
        sheets: dict[str, Any] = {}
        if self.controlled(job):
            spans = self._named(job, named) if named else self._next(job)
            sheets = {"paper": job.header.paper, "sheets": job.header.sheets, "numbers": tuple(map(str, spans))}
        return self._write(column, job, id=line_of(job.job), yen=fee, **sheets)

    def spoiled(self, job: Job, numbers: tuple[str, ...], came_out: int | None, why: str) -> BookEntry | None:
        """使えない紙が出た. A number that cannot be read, or is none, is counted and not named."""
        if self._shelf.has(line_of(job.job)) or not self.controlled(job):
            return None
        sheets = came_out or len(numbers) or job.header.sheets
        # City hall keeps what she reported; the book counts a sheet whose number it cannot use, and does not name it.
        known = tuple(map(str, readable(numbers)))
        about = {"paper": job.header.paper, "sheets": sheets, "numbers": known, "why": why}
        return self._write(Column.SPOILED, job, id=line_of(job.job), **about)

    def void(self, job: Job) -> None:
        """City hall declared it void, and the bus follows."""
        if self.controlled(job) and not self._shelf.has(line_of(job.job)):
            about = {"paper": job.header.paper, "sheets": job.header.sheets, "why": Reason.VOIDED.bare}
            self._queue(self._write(Column.SPOILED, job, id=line_of(job.job), by=CITY_HALL, **about))

    # --- paper ---

    def receive(self, paper: str, first: str, last: str) -> None:
        """受入."""
        part = between(first, last)
        book = self._paper(paper)
        self._check_size(part.sheets)
        if book.touches(part):
            raise SheetsKnownError(str(part))
        self._add(Column.RECEIVED, paper=paper, sheets=part.sheets, numbers=(str(part),))

    def lost(self, paper: str, rows: tuple[str, ...], why: str) -> None:
        """亡失. A sheet without a known number is `?`."""
        book, spans = self._paper(paper), tuple(span(row) for row in rows if not _unreadable(row))
        _check_once(spans)
        for part in spans:
            if not book.holds(part):
                raise SheetsNotHeldError(str(part))
        sheets = sum(part.sheets for part in spans) + sum(map(_unreadable, rows))
        self._check_size(sheets)
        self._add(Column.LOST, paper=paper, sheets=sheets, numbers=tuple(map(str, spans)), why=why)

    def count(self, paper: str, left: int | None = None, rows: tuple[tuple[str, str], ...] = ()) -> None:
        """So many sheets lie in the drawer, or those from first to last, more than once."""
        self._paper(paper)
        spans = tuple(between(*row) for row in rows)
        if (left is None) == (not spans):
            raise CountError
        _check_once(spans)
        if out := [job.job for job in self._store.jobs() if job.state in OUT and job.header.paper == paper]:
            raise SheetsOutError(", ".join(out))
        sheets = sum(part.sheets for part in spans) if left is None else left
        self._check_size(sheets, least=0)
        told = self._duty.told
        counter = told.impressions if told else None
        numbers = tuple(map(str, spans))
        self._add(Column.COUNTED, paper=paper, sheets=sheets, numbers=numbers, printer_counter=counter)

    # --- money ---

    def paid(self, job: str, yen: int | None = None) -> None:
        """The fee, or a part of it, was received."""
        self._settle(Column.PAID, job, yen, None)

    def waived(self, job: str, why: str, yen: int | None = None) -> None:
        """It is not asked for."""
        self._settle(Column.WAIVED, job, yen, why)

    def refunded(self, job: str, why: str, yen: int | None = None) -> None:
        """What was paid was given back."""
        self._settle(Column.REFUNDED, job, yen, why)

    def cash_counted(self, yen: int) -> None:
        """So much lies in the cash box."""
        self._add(Column.CASH_COUNTED, yen=yen)

    def cash_difference(self, yen: int, why: str) -> None:
        """So much more (below 0: less) is in the cash box, for this reason."""
        if not yen:
            raise FeeAmountError
        self._add(Column.CASH_DIFFERENCE, yen=yen, why=why)

    # --- with city hall ---

    def in_sync(self) -> dict[str, object]:
        """What a sync says of it."""
        book = self.book
        return {"book": book.digest} if book.count else {}

    def hear(self, plan: Plan) -> None:
        """City hall's wishes, and its question for lines that it has not got."""
        wishes = [wish for wish in plan.wishes if not self._shelf.has(wish.id)]
        again = [] if plan.books_wanted is None else self._shelf.after(plan.books_wanted)
        if not wishes and not again:
            return
        with self._store.event():
            # Said again as they are; city hall knows them by their ids.
            for entry in again:
                self._queue(entry)
            for wish in wishes:
                entry = msgspec.structs.replace(wish, n=self.book.last_n + 1, at=self._clock.utc_ms())
                self._queue(entry)
                self._shelf.add(entry, self._word(wish.job))
        self._tell()

    # --- what follows from it ---

    def controlled(self, job: Job) -> bool:
        """Whether its sheets stand in the ledger."""
        paper = self._city.papers.get(job.header.paper)
        return paper is not None and paper.controlled

    def block(self, job: Job) -> None:
        """No certificate on paper whose ledger is not in order. Forms, tests and consultations go on."""
        if job.header.job_class is not JobClass.CERTIFICATE or not self.controlled(job):
            return
        book = self.book.paper(job.header.paper)
        for one in book.differences():
            raise SheetsDifferError(str(one))
        out = (other for other in self._store.jobs() if other.state in OUT and other.header.paper == job.header.paper)
        if book.left - sum(other.header.sheets for other in out) < job.header.sheets:
            raise NoSheetsError

    def papers(self) -> tuple[str, ...]:
        """Numbered papers that are on this bus: its printer's, and all that its book knows."""
        printer = self._city.printers[self._city.vehicles[self._scribe.bus].printer]
        names = dict.fromkeys([printer.paper, *self.book.papers])
        return tuple(name for name in names if name in self._city.papers and self._city.papers[name].controlled)

    def sheets_agree(self) -> Finding:
        """Today's count was made after the last sheet, and agrees; or which sheets differ."""
        open_ = [said(one) for one in self.book.differences()]
        if open_:
            return Finding(False, BooksWord.SHEETS_DIFFER, ", ".join(detail for _, detail in open_))
        late = [name for name in self.papers() if self.book.paper(name).counted_on() != self.today]
        if late:
            return Finding(False, BooksWord.SHEETS_UNCOUNTED, ", ".join(self._city.papers[name].name for name in late))
        return Finding(True, BooksWord.SHEETS_AGREE, "")

    def cash_agrees(self) -> Finding:
        """Today's count was made after the last yen, and agrees; or how many yen differ."""
        cash = self.book.cash
        if cash.off:
            return Finding(False, BooksWord.CASH_DIFFERS, f"{cash.off:+}")
        if cash.counted_on != self.today:
            return Finding(False, BooksWord.CASH_UNCOUNTED, "")
        return Finding(True, BooksWord.CASH_AGREES, "")

    def fees_settled(self) -> Finding:
        """Nothing is to be paid, waived or refunded; or which documents, by check word and yen."""
        items = [f"{one.check_word} {one.yen:+}" for one in self.open_fees()]
        return Finding(not items, BooksWord.FEES_OPEN if items else BooksWord.FEES_SETTLED, ", ".join(items))

    def unclaimed(self) -> Finding:
        """No document is printed or uncertain and nobody said what became of its sheets."""
        left = [self._word(job.job) for job in self._store.jobs() if job.state in OUT]
        return Finding(not left, BooksWord.UNCLAIMED if left else BooksWord.ALL_CLAIMED, ", ".join(left))

    def open_fees(self) -> Iterator[OpenFee]:
        """What `fees_settled` says, one by one. A document that may still be handed over owes nobody a refund."""
        book, alive = self.book, [job for job in self._store.jobs() if not job.ended]
        going_on = {book.account(job.header.reissue_of or job.job).job for job in alive}
        for account in book.accounts():
            if account.open > 0 or (account.open < 0 and account.job not in going_on):
                session = self._shelf.session(account.job)
                yield OpenFee(account.job, self._word(account.job), account.open, session)

    # --- how a line is made ---

    def _settle(self, column: Column, name: str, yen: int | None, why: str | None) -> None:
        job = next((one for one in self._store.jobs() if one.job == name), None)
        account = self.book.account((job and job.header.reissue_of) or name)
        most = account.kept if column is Column.REFUNDED else self._due(account, job) - account.waived - account.kept
        if most <= 0:
            raise NoFeeError
        amount = most if yen is None else yen
        if not 0 < amount <= most:
            raise FeeAmountError(str(most))
        with self._store.event():
            receipt = self.book.next_receipt(fiscal_year(self._clock.utc_ms()))
            about: dict[str, Any] = {"yen": amount, "receipt": receipt, "why": why}
            self._queue(self._write(column, job, **about | ({} if job else {"job": name})))
        self._tell()

    def _due(self, account: Account, job: Job | None) -> int:
        if account.due:
            return account.due
        if job is None:
            raise UnknownJobError(account.job)
        service = self._city.services.get(job.header.service)
        return service.fee_yen if service else 0

    def _add(self, column: Column, **fields: Any) -> None:
        with self._store.event():
            self._queue(self._write(column, None, **fields))
        self._tell()

    def _write(self, column: Column, of: Job | None, **fields: Any) -> BookEntry:
        own: dict[str, Any] = {"id": "e" + secrets.token_hex(12), "by": fields.get("by") or self._duty.by()}
        own |= {"n": self.book.last_n + 1, "at": self._clock.utc_ms(), "column": column}
        if of is not None:
            own |= {"job": of.job, "reissue_of": of.header.reissue_of}
        entry = BookEntry(**own | fields)
        self._shelf.add(entry, self._word(entry.job), of.session if of else "")
        return entry

    def _queue(self, entry: BookEntry) -> None:
        self._scribe.queue(Entry, entry=entry)

    def _word(self, name: str | None) -> str:
        job = next((one for one in self._store.jobs() if one.job == name), None)
        if job is None:
            return self._shelf.word(name) if name else ""
        return str(check_word(job.seal_digest, job.session, self._scribe.bus))

    def _named(self, job: Job, named: tuple[str, ...]) -> tuple[Span, ...]:
        spans = tuple(map(span, named))
        _check_once(spans)
        if sum(part.sheets for part in spans) != job.header.sheets:
            raise NumbersError
        for part in spans:
            if not self.book.paper(job.header.paper).holds(part):
                raise SheetsNotHeldError(str(part))
        return spans

    def _next(self, job: Job) -> tuple[Span, ...]:
        # Sheets of documents that were printed before this one, and lie beside the printer, have the numbers before.
        before = (one for one in self._store.jobs() if one.state in OUT and one.drawn < job.drawn)
        out = sum(one.header.sheets for one in before if one.header.paper == job.header.paper)
        return self.book.paper(job.header.paper).next(job.header.sheets, out)

    def _paper(self, name: str) -> PaperBook:
        paper = self._city.papers.get(name)
        if paper is None or not paper.controlled:
            raise UnknownPaperError(name)
        return self.book.paper(name)

    def _check_size(self, sheets: int, least: int = 1) -> None:
        if not least <= sheets <= MOST_SHEETS:
            raise TooManySheetsError(str(sheets))


def _unreadable(text: str) -> bool:
    return unicodedata.normalize("NFKC", text).strip() == UNREADABLE


def _check_once(spans: tuple[Span, ...]) -> None:
    numbers = Numbers()
    for part in spans:
        if any(level for _, level in numbers.parts(part)):
            raise CountError(str(part))
        numbers.add(part)
