"""City hall's copy of each bus's book of sheets and fees: the replay of the bus's own lines, in the bus's order.

City hall writes nothing into it. What it wants there is a wish, which waits until the bus has written it as a line of its own
under the same id: paper that was handed out, a line taken back, the sheets of a document that a clerk declared void.
"""

import secrets
from typing import Any, Final

from cityhall_base.city import City
from cityhall_base.clock import Clock, business_day
from cityhall_base.reasons import Reason
from cityhall_relay.answers import Answers
from cityhall_relay.changes import Changes
from cityhall_relay.errors import BookEntryError, BookPaperError, BookSheetsError, NotFoundError
from cityhall_relay.incidents import Incidents, What
from cityhall_relay.ledger import Ledger, Line
from cityhall_relay.release import Case
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus, Job
from cityhall_wire.books import MOST_SHEETS, Book, BookEntry, Column, line_of, reversed_values
from cityhall_wire.lifecycle import AT_PRINTER, JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.modes import JobClass
from cityhall_wire.sheets import Numbers, Span, between, readable, span

OUT: Final = AT_PRINTER | {JobState.PRINTED, JobState.UNCERTAIN}
"""States in which sheets are neither in the drawer nor in the book."""

DISAGREE: Final = "books_disagree"
"""Of the incident that the bus has another book than city hall, also after it has said all of it again."""

ASKED_FOR_ALL: Final = 3
"""Turns until then: an answer may be lost on the line. A book is some 300 bytes a document."""

_SHEETS: Final = frozenset({Column.RECEIVED, Column.ISSUED, Column.SPOILED, Column.LOST, Column.TEST})


class Books:
    """All buses'. What writes is called inside the running event."""

    def __init__(
        self, store: RelayStore, answers: Answers, incidents: Incidents, city: City, clock: Clock, changes: Changes
    ) -> None:
        self._store, self._answers, self._incidents, self._city = store, answers, incidents, city
        self._clock, self._changes = clock, changes
        self._books: dict[str, tuple[Book, Ledger]] = {}
        self._asked: dict[
            str, tuple[bytes, int]
        ] = {}  # the digest that a bus said, and how often it was asked for more

    # --- what the bus says ---

    def note(self, said: link.Entry, _raw: bytes, re: bytes) -> bytes:
        """A line of its book that goes with no other fact: the signed `noted`, or a refusal."""
        if not self.write(said.bus, said.entry):
            return self._answers.refusal(said.bus, re, Reason.UNKNOWN_JOB.bare)
        return self._answers.signed(relay.Noted, said.bus, re)

    def write(self, bus: str, entry: BookEntry) -> bool:
        """A line as it came, unless it is about a document of another bus. The same line again changes nothing."""
        job = self._store.job(entry.job or "")
        if job is not None and job.bus != bus:
            self._store.record("book_refused", job.job, bus=bus, id=entry.id)
            return False
        if not self._store.add_entry(bus, entry, self._clock.utc_ms()):
            return True
        self._store.end_wish(bus, entry.id)
        about = {"n": entry.n, "column": entry.column, "paper": entry.paper, "sheets": entry.sheets, "yen": entry.yen}
        self._store.record("book", entry.job or "", bus=bus, id=entry.id, **about)
        self._watch(bus)
        return True

    def in_plan(self, bus: Bus, sync: link.Sync) -> dict[str, object]:
        """Wishes, and the question for lines that are missing here."""
        if sync.inventory is None and sync.inventory_digest != bus.inventory_digest:
            return {}  # this plan only asks for the inventory, and nothing else of it is used
        wishes = tuple(self._store.wishes(bus.bus)[: relay.WISHES])
        wanted = self._wanted(bus.bus, sync.book)
        return {"wishes": wishes} | ({} if wanted is None else {"books_wanted": wanted})

    # --- what follows from it ---

    def book(self, bus: str) -> Book:
        """As it stands here."""
        return self._folded(bus)[0]

    def ledger(self, bus: str, month: str) -> list[Line]:
        """The sheets of a month (2026-11). Raises NotFoundError where there is no such bus."""
        self._check_bus(bus)
        return self._folded(bus)[1].lines(month)

    def _folded(self, bus: str) -> tuple[Book, Ledger]:
        mark, folded = self._store.book_mark(bus), self._books.get(bus, (Book(), Ledger()))
        book, _ = folded
        if (book.count, book.last_n, book.last_id) == mark:
            return folded
        news = self._store.entries(bus, book.last_n)
        if book.count + len(news) != mark[0] or (book.count and self._store.entry(bus, book.last_id) is None):
            folded, news = (
                (Book(), Ledger()),
                self._store.entries(bus),
            )  # a line came in between, or an event was rolled back
        for entry in news:
            folded[0].add(entry)
            folded[1].add(entry)
        self._books[bus] = folded
        return folded

    def blocks(self, case: Case) -> Reason | None:
        """No certificate on paper whose ledger is not in order. Forms, tests and consultations go on."""
        header = case.job.header
        paper = self._city.papers.get(header.paper)
        if header.job_class is not JobClass.CERTIFICATE or paper is None or not paper.controlled:
            return None
        book = self.book(case.job.bus).paper(header.paper)
        if any(book.differences()):
            return Reason.SHEETS_DIFFER
        others = (job for job in self._store.live_jobs() if job.bus == case.job.bus and job.state in OUT)
        out = sum(job.header.sheets for job in others if job.header.paper == header.paper and job.job != case.job.job)
        return Reason.NO_SHEETS if book.left - out < header.sheets else None

    def sheets_out(self, bus: str) -> dict[str, tuple[str, ...]]:
        """The numbers that are on this bus by its book, as rows, by paper."""
        return {name: tuple(map(str, paper.numbers.held)) for name, paper in self.book(bus).papers.items()}

    def lines(self, bus: str) -> list[BookEntry]:
        """The book itself. Raises NotFoundError where there is no such bus."""
        self._check_bus(bus)
        return self._store.entries(bus)

    def month(self, bus: str, month: str) -> list[BookEntry]:
        """Its lines of a month (2026-11) or of a day. Raises NotFoundError."""
        self._check_bus(bus)
        return self._store.entries_of(bus, month)

    def line(self, bus: str, entry: str) -> BookEntry | None:
        """One of its lines, by id."""
        return self._store.entry(bus, entry)

    def taken_back(self, bus: str) -> frozenset[str]:
        """The ids of lines that another line takes back."""
        return self._store.corrected(bus)

    def pending(self, bus: str) -> list[BookEntry]:
        """Wishes that the bus has not written yet."""
        return self._store.wishes(bus)

    def live(self, bus: str) -> list[str]:
        """Documents of this bus that have not ended, each with the one that it takes the place of."""
        jobs = [job for job in self._store.live_jobs() if job.bus == bus]
        return [name for job in jobs for name in (job.job, job.header.reissue_of) if name]

    def job(self, name: str) -> Job | None:
        """A document that a line names."""
        return self._store.job(name)

    # --- what city hall wants in it ---

    def void(self, job: Job, numbers: tuple[str, ...], clerk: str) -> None:
        """The sheets of a document that its clerk declared void count as spoiled."""
        header, entry = job.header, line_of(job.job)
        paper = self._city.papers.get(header.paper)
        if paper is None or not paper.controlled or self._store.entry(job.bus, entry) is not None:
            return
        about: dict[str, Any] = {"column": Column.SPOILED, "paper": header.paper, "job": job.job}
        about |= {"sheets": len(numbers) or header.sheets, "numbers": tuple(map(str, readable(numbers)))}
        self._wish(job.bus, clerk, id=entry, why=Reason.VOIDED.bare, reissue_of=header.reissue_of, **about)

    def receive(self, bus: str, paper: str, first: str, last: str, clerk: str) -> BookEntry:
        """Paper that was handed out to this bus. Raises SerialError, NotFoundError, BookPaperError or BookSheetsError."""
        self._check_bus(bus)
        known = self._city.papers.get(paper)
        if known is None or not known.controlled:
            raise BookPaperError
        part = between(first, last)
        with self._store.event():
            if part.sheets > MOST_SHEETS or self._known(bus, paper, part):
                raise BookSheetsError(str(part))
            row = {"paper": paper, "sheets": part.sheets, "numbers": (str(part),)}
            return self._wish(bus, clerk, column=Column.RECEIVED, **row)

    def correct(self, bus: str, entry: str, why: str, clerk: str, instead: tuple[str, ...] = ()) -> list[BookEntry]:
        """Take a line back, and with `instead` write it again with these numbers.

        Raises SerialError, NotFoundError, BookEntryError or BookSheetsError.
        """
        self._check_bus(bus)
        spans = tuple(map(span, instead))
        with self._store.event():
            wrong = self._store.entry(bus, entry)
            waits = any(one.corrects == entry for one in self.pending(bus))
            if wrong is None or wrong.corrects or waits or self._store.correction(bus, entry):
                raise BookEntryError
            if spans and (wrong.column not in _SHEETS or sum(part.sheets for part in spans) != wrong.sheets):
                raise BookSheetsError
            made = [self._wish(bus, clerk, why=why, **reversed_values(wrong))]
            if spans:
                kept = ("column", "paper", "sheets", "yen", "job", "reissue_of", "why")
                own: dict[str, Any] = {name: getattr(wrong, name) for name in kept}
                made.append(self._wish(bus, clerk, **own | {"numbers": tuple(map(str, spans))}))
            return made

    # --- inside ---

    def _check_bus(self, bus: str) -> None:
        if bus not in self._city.vehicles:
            raise NotFoundError

    def _known(self, bus: str, paper: str, part: Span) -> bool:
        numbers = Numbers()
        for wish in self.pending(bus):
            for one in wish.spans if wish.paper == paper else ():
                numbers.add(one)
        return self.book(bus).paper(paper).touches(part) or any(level for _, level in numbers.parts(part))

    def _wish(self, bus: str, clerk: str, **fields: Any) -> BookEntry:
        own: dict[str, Any] = {"id": "e" + secrets.token_hex(12), "at": self._clock.utc_ms(), "by": clerk}
        wish = BookEntry(**own | fields)
        self._store.add_wish(bus, wish, wish.at)
        self._store.record("book_wish", wish.job or "", bus=bus, id=wish.id, column=wish.column, by=clerk)
        self._changes.concerns(bus)
        return wish

    def _wanted(self, bus: str, said: bytes | None) -> int | None:
        mine = self.book(bus)
        if said is None or said == mine.digest:
            self._asked.pop(bus, None)
            if said is not None:
                self._close(bus, {DISAGREE})
            return None
        before, times = self._asked.get(bus, (b"", 0))
        times = times + 1 if before == said else 1
        self._asked[bus] = (said, times)
        if times == 1:
            return mine.last_n  # a copy that was set back lacks the last lines
        if times <= ASKED_FOR_ALL:
            return 0
        self._incidents.open(bus, What.SHEETS, DISAGREE, business_day(self._clock.utc_ms()))
        return None

    def _watch(self, bus: str) -> None:
        """An incident for each difference that is open, and none for one that is made right."""
        book, today = self.book(bus), business_day(self._clock.utc_ms())
        found = {(What.SHEETS, str(one)) for one in book.differences()}
        if book.cash.off:
            found.add((What.CASH, f"{book.cash.off:+} yen"))
        for what, detail in sorted(found):
            self._incidents.open(bus, what, detail, today)
        known = {one.detail for one in self._store.incidents(bus) if one.open and one.what in (What.SHEETS, What.CASH)}
        self._close(bus, known - {detail for _, detail in found} - {DISAGREE})

    def _close(self, bus: str, details: set[str]) -> None:
        for incident in self._store.incidents(bus):
            if incident.open and incident.what in (What.SHEETS, What.CASH) and incident.detail in details:
                self._incidents.close(incident.n, "", "made_right")
