"""The whole bus in one JSON object: what the screen shows, and nothing that it would have to work out or remember."""

from collections.abc import Callable

import msgspec

from bus_agent.agent import dead_zone
from bus_agent.agent.advice import advise, printer_empty
from bus_agent.agent.books import Books
from bus_agent.agent.books_view import shown
from bus_agent.agent.duty import Duty
from bus_agent.agent.roster import Roster
from bus_agent.agent.rows import Job
from bus_agent.agent.store import BusStore
from bus_agent.agent.syncer import LinkState, Syncer
from bus_agent.ipc.messages import Supply
from bus_agent.shown import DutyShown, JobShown, LinkShown, LockShown, NoteShown, PrinterShown, Snapshot, SupplyShown
from cityhall_base import reasons
from cityhall_base.printer_state import supply
from cityhall_base.words import Language
from cityhall_wire import check_word
from cityhall_wire.modes import RULES


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
