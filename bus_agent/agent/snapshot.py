"""The whole bus in one JSON object: what the screen shows, and nothing that it would have to work out or remember."""

from collections.abc import Callable

import msgspec

from bus_agent.agent import dead_zone
from bus_agent.agent.advice import Advice, advise, printer_empty
from bus_agent.agent.books import Books
from bus_agent.agent.books_view import BooksShown, shown
from bus_agent.agent.checklists import ListShown
from bus_agent.agent.duty import Duty
from bus_agent.agent.roster import Roster
from bus_agent.agent.rows import Job
from bus_agent.agent.signing_in import SignedInShown
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import LinkState, Syncer
from bus_agent.ipc.messages import Supply
from cityhall_base import reasons
from cityhall_base.printer_state import supply
from cityhall_base.words import Language
from cityhall_wire import check_word
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.relay import SessionView
from cityhall_wire.modes import RULES, DutyMode


class LinkShown(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is up or down; one that is down and `calm` is shown grey, else it says: look here."""

    state: str
    calm: bool
    since: int  # UTC milliseconds
    key: str
    sentence: str


class NoteShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the printer says. `severity` is now, soon or technician; `reason` is the technician's alone."""

    severity: str
    key: str
    sentence: str
    reason: str


class SupplyShown(msgspec.Struct, frozen=True, kw_only=True):
    """Toner, waste toner and the like. `level` is per cent, -1 where the printer does not say."""

    type: str
    color: str
    level: int
    sentence: str


class PrinterShown(msgspec.Struct, frozen=True, kw_only=True):
    """The printer in words. Where nothing fresh was heard, all but `told_before_s` says so: old values are never shown."""

    notes: tuple[NoteShown, ...]  # the most pressing first; empty: all is well
    told_before_s: int | None  # seconds since the spooler spoke; None while it is gone
    supplies: tuple[SupplyShown, ...]
    media_ready: tuple[str, ...]  # PWG 5101.1 names of what lies in the trays; empty where the printer cannot tell
    impressions: int | None  # the printer's own counter over its life


class DutyShown(msgspec.Struct, frozen=True, kw_only=True):
    """The duty beside its mode."""

    seat: str  # whom a session in this mode is with: none, counter, headquarters or technical
    within_hours: bool
    hours: tuple[int, int] | None  # today's, from and until, UTC milliseconds; None where today has none
    extended: bool
    asked_min: int  # so much later city hall was asked to end it, and no clerk has granted it yet; 0
    noted: bool  # city hall knows of the last change


class JobShown(msgspec.Struct, frozen=True, kw_only=True):
    """One document. No resident's name: there is none on the bus."""

    job: str
    state: str
    attempt: int
    service: str
    job_class: str = msgspec.field(name="class")
    paper: str
    sheets: int
    impressions: int
    document_format: str  # of what is sealed: application/pdf or image/pwg-raster
    check_word: str  # 照合番号, for example 47・さくら
    check_word_reading: str  # for example 47 sakura
    approved: bool
    received: int  # bytes of ciphertext here
    size: int  # bytes of ciphertext in all
    joint_seal: bool  # 割印
    reissue_of: str | None
    in_session: bool
    printer_job: int
    why: str  # the last reason (cityhall_base.reasons), or an error's key
    why_sentence: str


class LockShown(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing can be printed and nobody be called until city hall, or a technician, has mended it."""

    reason: str  # cityhall_base.reasons, for example config_differs or panic
    key: str
    sentence: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/snapshot`."""

    bus: str
    city: str
    mode: DutyMode
    duty: DutyShown
    boot: int
    at: int  # UTC milliseconds
    link: LinkShown
    lease_left_s: int
    session: SessionView | None
    printer: PrinterSummary
    printer_shown: PrinterShown
    printer_empty: bool  # nothing can come out of it any more; false also while something prints
    spooler: bool
    opener_ready: bool  # 印刷 starts at once
    jobs: tuple[JobShown, ...]
    payload_bytes_received: int
    advice: Advice
    books: BooksShown
    signed_in: SignedInShown = SignedInShown()
    checklists: tuple[ListShown, ...] = ()  # today's, as far as the city has any
    locked: LockShown | None = None


class Camera:
    """Takes snapshots. `received` gives the payload bytes since the start. `more` are fields of other desks."""

    def __init__(
        self, bus: str, city: str, store: BusStore, duty: Duty, syncer: Syncer, books: Books, roster: Roster
    ) -> None:
        self._bus, self._city, self._store = bus, city, store
        self._duty, self._syncer, self._books, self._roster = duty, syncer, books, roster
        self.more: dict[str, Callable[[], object]] = {}

    def take(self, at: int, received: int) -> Snapshot:
        """Now; `at` is UTC milliseconds."""
        duty, jobs = self._duty, self._store.jobs()
        session = duty.session
        if session is not None:
            session = msgspec.structs.replace(session, seconds_left=int(duty.session_left_s))
        snapshot = Snapshot(
            bus=self._bus,
            city=self._city,
            mode=duty.mode,
            duty=_duty(duty, self._roster),
            boot=self._store.boot,
            at=at,
            link=_link(self._syncer.state, duty, jobs),
            lease_left_s=int(duty.lease_left_s),
            session=session,
            printer=duty.printer,
            printer_shown=_printer(duty),
            printer_empty=printer_empty(jobs),
            spooler=duty.spooler is not None,
            opener_ready=duty.spooler is not None and duty.spooler.standby,
            jobs=tuple(self._job(job) for job in jobs),
            payload_bytes_received=received,
            advice=advise(jobs, duty, self._syncer.state),
            books=shown(self._books),
            locked=_locked(duty),
        )
        return msgspec.structs.replace(snapshot, **{name: take() for name, take in self.more.items()})

    def _job(self, job: Job) -> JobShown:
        header, session = job.header, self._duty.session
        word = check_word.check_word(job.seal_digest, job.session, self._bus)
        return JobShown(
            job=job.job,
            state=job.state,
            attempt=job.attempt,
            service=header.service,
            job_class=header.job_class,
            paper=header.paper,
            sheets=header.sheets,
            impressions=header.impressions,
            document_format=header.document_format,
            check_word=str(word),
            check_word_reading=f"{word.number} {word.reading}",
            approved=job.approved,
            received=job.received,
            size=job.body_size,
            joint_seal=header.joint_seal,
            reissue_of=header.reissue_of,
            in_session=session is not None and session.session == job.session,
            printer_job=job.printer_job,
            why=job.why,
            why_sentence=reasons.sentence(job.why),
        )


def _duty(duty: Duty, roster: Roster) -> DutyShown:
    hours = roster.hours
    return DutyShown(
        seat=RULES[duty.mode].seat,
        within_hours=hours.hold(),
        hours=hours.today,
        extended=hours.extended,
        asked_min=hours.asked_min,
        noted=roster.noted,
    )


def _link(state: LinkState, duty: Duty, jobs: list[Job]) -> LinkShown:
    said, calm = dead_zone.shown(state, duty, jobs), dead_zone.is_calm(state, duty, jobs)
    return LinkShown(
        state="up" if state.up else "down", calm=calm, since=state.since_ms, key=said.key, sentence=said.sentence
    )


def _locked(duty: Duty) -> LockShown | None:
    if not (reason := duty.lock.reason):
        return None
    return LockShown(reason=reason, key=reasons.key(reason), sentence=reasons.sentence(reason))


def _printer(duty: Duty) -> PrinterShown:
    told = duty.told
    return PrinterShown(
        notes=tuple(
            NoteShown(
                severity=note.severity,
                key=str(note.word),
                sentence=note.word.say(Language.ENGLISH),
                reason=note.reason,
            )
            for note in duty.printer_notes
        ),
        told_before_s=duty.told_before_s,
        supplies=tuple(map(_supply, told.supplies)) if told else (),
        media_ready=told.media_ready if told else (),
        impressions=told.impressions if told else None,
    )


def _supply(one: Supply) -> SupplyShown:
    text = supply(one.type, one.color, one.level, Language.ENGLISH)
    return SupplyShown(type=one.type, color=one.color, level=one.level, sentence=text)
