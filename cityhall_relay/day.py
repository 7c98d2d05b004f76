"""One day of one bus as an auditor reads it: duty, people, sessions, documents, checklists, sheets, money, incidents. No name."""

from collections import Counter
from datetime import date, datetime, time
from typing import Final

import msgspec

from cityhall_base.city import City
from cityhall_base.clock import JST
from cityhall_relay.books import Books
from cityhall_relay.errors import RequestError, UnknownPlaceError
from cityhall_relay.ledger import Line, money, totals
from cityhall_relay.store import RelayStore
from cityhall_relay.store.people_rows import Checklist
from cityhall_relay.store.rows import Incident, Job, Session
from cityhall_relay.store.visits import Checks, Face
from cityhall_wire.messages.people import Item, Which

DAY_MS: Final = 24 * 3600 * 1000


class DutyChange(msgspec.Struct, frozen=True, kw_only=True):
    """As the bus told it: the mode, what caused it, and when by the bus's clock, UTC milliseconds."""

    mode: str
    why: str
    at: int


class OnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody came (`present`) or went; `at` is the bus's clock."""

    who: str
    how: str
    present: bool
    at: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document and its end. `ended_at` is null while it lives."""

    job: str
    service: str
    job_class: str = msgspec.field(name="class")
    paper: str
    sheets: int
    check_word: str
    state: str
    why: str
    reissue_of: str
    created_at: int
    ended_at: int | None


class Faces(msgspec.Struct, frozen=True, kw_only=True):
    """利用者の声 of the day's sessions: how many visitors pressed which face."""

    good: int
    so_so: int
    not_good: int


class SessionOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """One counter session, with what was sent into it."""

    session: str
    clerk: str
    section: str
    stop: str
    slot: int
    opened_at: int
    ended_at: int | None
    why_ended: str
    checks: Checks | None  # what its clerk checked: kinds alone
    documents: tuple[Document, ...]


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    """One checklist. `completed_at` is city hall's clock at its arrival, null while it is missing."""

    which: str
    day: str
    wanted: bool  # whether city.toml has such a list
    completed_at: int | None
    by: str
    items: tuple["ItemView", ...]


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of it. `text` is empty where today's city.toml has no such item any more."""

    item: str
    text: str
    text_en: str
    ok: bool
    box: bool
    note: str


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /1/buses/{bus}/day`."""

    bus: str
    day: str
    duty: tuple[DutyChange, ...]
    on_board: tuple[OnBoard, ...]
    sessions: tuple[SessionOfDay, ...]
    checklists: tuple[ListView, ...]
    sheets: tuple[Line, ...]  # one line of the sheet ledger for each paper
    fees: dict[str, int]  # yen by what became of them
    feedback: Faces
    incidents: tuple[Incident, ...]


def day_view(store: RelayStore, city: City, books: Books, bus: str, day: str) -> DayView:
    """`day` is a date of Japan Standard Time. Raises UnknownPlaceError or RequestError."""
    check(city, bus, day)
    begin = int(datetime.combine(date.fromisoformat(day), time(), JST).timestamp() * 1000)
    end = begin + DAY_MS
    people = store.signed_in(bus, begin, end)
    return DayView(
        bus=bus,
        day=day,
        duty=tuple(DutyChange(mode=one.mode, why=one.why, at=one.since) for one in store.duty_changes(bus, day)),
        on_board=tuple(OnBoard(who=p.who, how=p.how, present=p.present, at=p.said_at) for p in people),
        sessions=tuple(_session(store, one) for one in store.sessions_between(bus, begin, end)),
        checklists=lists_view(store, city, bus, day),
        sheets=tuple(books.ledger(bus, day)),
        fees=totals(money(books.month(bus, day), day)),
        feedback=_faces(store.faces_between(bus, begin, end)),
        incidents=tuple(one for one in store.incidents(bus) if one.day == day),
    )


def lists_view(store: RelayStore, city: City, bus: str, day: str) -> tuple[ListView, ...]:
    """Each list that came, in order; and each that the city wants and that is missing. Raises as `day_view`."""
    check(city, bus, day)
    came = store.checklists(bus, day)
    there = {one.which for one in came}
    missing = [
        ListView(which=which, day=day, wanted=True, completed_at=None, by="", items=())
        for which in Which
        if city.checklists.of(which) and which not in there
    ]
    return (*(_list(city, one) for one in came), *missing)


def check(city: City, bus: str, day: str) -> None:
    """Raises UnknownPlaceError or RequestError."""
    if bus not in city.vehicles:
        raise UnknownPlaceError(f"allowed: {', '.join(city.vehicles)}")
    try:
        as_written = date.fromisoformat(day).isoformat() == day
    except ValueError:
        as_written = False
    if not as_written or not 2000 <= int(day[:4]) < 9000:
        raise RequestError(f"a day is written as 2026-11-22, not {day[:20]!r}")


def _session(store: RelayStore, one: Session) -> SessionOfDay:
    return SessionOfDay(
        session=one.session,
        clerk=one.clerk,
        section=one.section,
        stop=one.stop,
        slot=one.slot,
        opened_at=one.opened_at,
        ended_at=one.ended_at,
        why_ended=one.why_ended,
        checks=store.checks(one.session),
        documents=tuple(map(_document, store.jobs_of_session(one.session))),
    )


def _faces(found: list[Face]) -> Faces:
    count = Counter(one.face for one in found)
    return Faces(good=count[3], so_so=count[2], not_good=count[1])


def _document(job: Job) -> Document:
    return Document(
        job=job.job,
        service=job.service,
        job_class=job.header.job_class,
        paper=job.header.paper,
        sheets=job.header.sheets,
        check_word=str(job.check_word),
        state=job.state,
        why=job.why,
        reissue_of=job.reissue_of,
        created_at=job.created_at,
        ended_at=job.changed_at if job.ended else None,
    )


def _list(city: City, one: Checklist) -> ListView:
    texts = city.checklists.of(Which(one.which))

    def item(said: Item) -> ItemView:
        known = texts.get(said.item)
        text, text_en = (known.text, known.text_en) if known else ("", "")
        return ItemView(item=said.item, text=text, text_en=text_en, ok=said.ok, box=said.box, note=said.note or "")

    return ListView(
        which=one.which,
        day=one.day,
        wanted=bool(texts),
        completed_at=one.at,
        by=one.by,
        items=tuple(map(item, one.said)),
    )
